"""The names that a dotted key is made of. A name may hold a dot: `repair.policy.start.gpu.faulty` ends in `gpu.faulty`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ras_sim.scenario.positions import Block
from ras_sim.scenario.schema import free_names_at


def split_key(key: str, tree: Block | Mapping[str, Any], *, to_block: bool = False) -> tuple[str, ...]:
    """The names that lead to a key.

    At each block the longest name that it has, and that leads on, is taken. In a block of free names
    (`repair.policy.start`) all that is left is one new name; where such names hold blocks
    (`repair.policy.tolerate`), only if a block is to be put there.

    Args:
        key: names between dots.
        tree: the scenario, as it was read or as plain data.
        to_block: a whole block is to stand there.

    >>> split_key("a.b.c.d", {"a": {"b.c": {"d": 1}, "b": {}}})
    ('a', 'b.c', 'd')
    """
    left, path = key.split("."), list[str]()
    node: Any = tree
    while left:
        names = _below(node)
        n_parts = _longest(left, names)
        if not n_parts:
            n_parts = len(left) if free_names_at(path, to_block=to_block) else 1
        path.append(".".join(left[:n_parts]))
        node, left = names.get(path[-1]), left[n_parts:]
    return tuple(path)


def _longest(left: Sequence[str], names: Mapping[str, Any]) -> int:
    """Parts of the longest name that a block has and that leads on, as far as there are more parts; 0 for none."""
    for n_parts in range(len(left), 0, -1):
        name = ".".join(left[:n_parts])
        if name in names and (n_parts == len(left) or isinstance(names[name], Block | Mapping)):
            return n_parts
    return 0


def _below(node: Any) -> Mapping[str, Any]:
    """What a block holds by name; nothing for anything else."""
    if isinstance(node, Block):
        return {name: entry.node for name, entry in node.entries.items()}
    return node if isinstance(node, Mapping) else {}
