"""Laying one tree over another: files that extend others, and values set on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ras_sim.errors import InputError, Problem, nearest
from ras_sim.scenario.keypath import split_key
from ras_sim.scenario.positions import Block, Entry, Leaf, Node, Place, parse, quoted, shown
from ras_sim.scenario.schema import keys_at


def merged(base: Block, over: Block) -> Block:
    """`over` laid on `base`: blocks key by key, anything else is replaced; `null` deletes a key.

    Keys keep the order of the base. A new key comes right after the key that stands before it in `over` (the
    first one: before the key that follows it). So a rung can be put between two rungs of an extended ladder
    by naming one of them (`gpu_reset: {}`).
    """
    entries = dict(base.entries)
    for key, entry in over.entries.items():
        below = base.entries.get(key)
        entries[key] = Entry(entry.key_place, _laid(below.node if below else None, entry.node))
    order = list(base.entries)
    for key, before, after in _new_keys(base, over):
        _put(order, key, before, after)
    return Block({key: entries[key] for key in order if not _is_null(entries[key].node)}, over.place)


def _laid(base: Node | None, over: Node) -> Node:
    if isinstance(base, Block) and isinstance(over, Block):
        return merged(base, over)
    return without_nulls(over)


def without_nulls(node: Node) -> Node:
    """The tree less the keys that hold nothing: a key without a value is a key left out."""
    if not isinstance(node, Block):
        return node
    kept = {
        key: Entry(entry.key_place, without_nulls(entry.node))
        for key, entry in node.entries.items()
        if not _is_null(entry.node)
    }
    return Block(kept, node.place)


def _new_keys(base: Block, over: Block) -> list[tuple[str, str | None, str | None]]:
    """(key, key before it, key after it) of what only `over` has."""
    keys = [None, *over.entries, None]
    neighbours = zip(keys[1:-1], keys, keys[2:], strict=False)
    return [
        (key, before, after)
        for key, before, after in neighbours
        if key is not None and key not in base.entries
    ]


def _put(order: list[str], key: str, before: str | None, after: str | None) -> None:
    if before is not None:
        order.insert(order.index(before) + 1, key)
    elif after in order:
        order.insert(order.index(after), key)
    else:
        order.append(key)


def _is_null(node: Node) -> bool:
    return isinstance(node, Leaf) and node.value is None


def overridden(root: Block, overrides: Sequence[str]) -> tuple[Block, list[Problem]]:
    """The tree with values of the command line.

    Args:
        root: the merged scenario.
        overrides: each `key.path=value`, the value in YAML.

    Returns:
        The tree, and what is wrong with the overrides that were left out: no block of that name, no YAML.
    """
    problems: list[Problem] = []
    for override in overrides:
        try:
            root = _set(root, override)
        except InputError as error:
            problems.extend(error.problems)
    return root, problems


def _set(root: Block, override: str) -> Block:
    place = Place(f"--set {override!r}" if len(override) < 200 else f"--set {override[:200]!r}...")
    path, equals, text = override.partition("=")
    key = path.strip()
    if not equals or not all(key.split(".")):
        raise InputError(
            [Problem(place.file, None, None, "", "no key.path=value", "e.g. --set job.spares.nodes=4")]
        )
    try:
        node, problems = parse(text.strip(), place.file)
    except InputError as error:
        problems = list(error.problems)
    if problems:
        raise InputError([_without_line(problem) for problem in problems])
    node = _moved(Leaf(None, "", place) if node is None else node, place)
    keys = list(split_key(key, root, to_block=isinstance(node, Block)))
    return _replaced(root, keys, node, place, root)


def _without_line(problem: Problem) -> Problem:
    """A place inside the text of an option says nothing to its author."""
    return Problem(problem.file, None, None, problem.where, problem.got, problem.wanted, problem.hint)


def _moved(node: Node, place: Place) -> Node:
    """The tree with every value standing at one place."""
    if isinstance(node, Block):
        return Block(
            {key: Entry(place, _moved(entry.node, place)) for key, entry in node.entries.items()}, place
        )
    if isinstance(node, Leaf):
        return Leaf(node.value, node.text, place)
    return type(node)(tuple(_moved(item, place) for item in node.nodes), place)


def _replaced(block: Block, keys: list[str], value: Node, place: Place, root: Block, depth: int = 0) -> Block:
    """The tree with one value replaced (a block is replaced as a whole); `null` deletes the key."""
    key, entries = keys[depth], dict(block.entries)
    where = ".".join(keys[:depth])
    if depth == len(keys) - 1:
        if _is_null(value):
            entries.pop(key, None)
        else:
            entries[key] = Entry(place, without_nulls(value))  # a known key keeps its turn
        return Block(entries, block.place)
    if key not in entries:
        raise InputError([_no_block(keys[: depth + 1], entries, place, root)])
    entry = entries[key]
    if not isinstance(entry.node, Block):
        where = ".".join(keys[: depth + 1])
        hint = "set it as a whole"
        raise InputError([Problem(place.file, None, None, where, shown(entry.node), "a block of keys", hint)])
    entries[key] = Entry(entry.key_place, _replaced(entry.node, keys, value, place, root, depth + 1))
    return Block(entries, block.place)


def _no_block(keys: list[str], there: Iterable[str], place: Place, root: Block) -> Problem:
    """A way that leads through a key that is not there: one that a scenario does not know, or one that it may have."""
    *above, key = keys
    known = list(dict.fromkeys((*there, *keys_at(above, root))))
    where = ".".join(keys if key in known else above or keys)
    hint = "" if key in known else nearest(key, known)
    wanted = f"one of {', '.join(known)}" if known else "a key that is there"
    return Problem(
        place.file, None, None, ".".join(above), quoted(key),
        "a block that is there" if key in known else wanted,
        hint or f"a new block is set as a whole: {where}={{...}}",
    )  # fmt: skip
