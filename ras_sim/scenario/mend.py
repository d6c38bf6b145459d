"""What else is wrong: cross checks of a scenario whose faults of shape are mended, so that all faults show at once.

Values that are no values are taken out or replaced until a scenario comes out; it is checked and thrown away. A
finding is reported only if nothing that it rests on was touched: better none than a false one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ras_sim.errors import Problem
from ras_sim.scenario.checks import Finding, findings
from ras_sim.scenario.checks.finding import MACHINE_NAMES, MODE_NAMES, PRICE_NAMES
from ras_sim.scenario.function import ALLOWS_CODE
from ras_sim.scenario.messages import explained, located, spot_of
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.positions import Block, Entry, Items, Leaf, Node, Place, node_at, plain
from ras_sim.scenario.sample import sample_at
from ras_sim.scenario.schema import keys_at

Path: TypeAlias = tuple[str, ...]

_MAX_FAULTS = 100
"""Who has more of them reads the others first."""
_MAX_ROUNDS = 8

_READ: dict[str, frozenset[str]] = {
    "horizon": frozenset({"horizon"}),
    "machine": frozenset({"machine"}),
    "job": frozenset({"job", "machine", "horizon"}),
    "failures": frozenset({"failures", "shocks", "repair", "machine", "horizon"}),
    "shocks": frozenset({"shocks", "failures", "machine", "horizon"}),
    "repair": frozenset({"repair", "failures", "machine"}),
    "cost": frozenset({"cost", "failures", "repair", "machine"}),
    "published": frozenset({"failures", "repair", "cost"}),
    "expect": frozenset({"failures", "repair", "cost"}),
    "uncertain": frozenset({"horizon", "machine", "job", "detection", "failures", "shocks", "repair", "cost"}),
}
"""The blocks that the checks of one block read."""
_ONE_BY_ONE = frozenset({"published", "expect", "uncertain"})
"""Blocks of which the checks read no entry but the one that they are of."""


def further(error: ValidationError, root: Block) -> list[Problem]:
    """What is surely wrong besides the faults of shape.

    Args:
        error: the faults of shape.
        root: the scenario that has them.
    """
    mending = _Mending(root)
    late: list[Problem] = []
    for _ in range(_MAX_ROUNDS):
        details = error.errors(include_url=False)
        if len(details) > _MAX_FAULTS or not mending.mend(details):
            return late
        try:
            scenario = Scenario.model_validate(plain(mending.tree), context=ALLOWS_CODE)
        except ValidationError as again:
            error = again
            late += [explained(detail, root) for detail in again.errors() if mending.is_own(detail)]
            continue
        return late + [located(one, root) for one in findings(scenario, root) if mending.leaves_alone(one)]
    return late


class _Change(NamedTuple):
    """What to do at a place: take the value out, or put another one there."""

    path: Path
    value: Node | None


class _Mending:
    """A copy of a scenario that is being mended, and where it was.

    Args:
        root: the scenario as its author wrote it.
    """

    def __init__(self, root: Block) -> None:
        self.tree = _copied(root)
        self._root = root
        self._n_tries: dict[Path, int] = {}
        self._touched: set[Path] = set()

    def mend(self, details: Sequence[ErrorDetails]) -> bool:
        """Mend every fault of one round; False if one of them cannot be."""
        changes = {change.path: change for change in map(self._change, details)}
        for path, value in changes.values():
            above = node_at(path[:-1], self.tree)
            if not path or not isinstance(above, Block):
                return False
            if any(path[:n] in changes for n in range(len(path))):
                continue  # goes with what is around it
            if value is None:
                above.entries.pop(path[-1], None)
            else:
                above.entries[path[-1]] = Entry(value.place, value)
            self._touched.add(path)
        return True

    def is_own(self, detail: ErrorDetails) -> bool:
        """Whether an error that came up after mending is one of values that all are as their author wrote them."""
        path = spot_of(detail, self.tree).path
        return detail["type"] == "value_error" and not self._overlaps(path)

    def leaves_alone(self, finding: Finding) -> bool:
        """Whether a finding rests on nothing that was mended."""
        if finding.among:
            return self._is_written(finding) and all(map(self._has_own_names, finding.among))
        block = finding.path[0]
        own = [finding.path[:2]] if block in _ONE_BY_ONE else []
        return not any(map(self._overlaps, [*own, *((key,) for key in _READ.get(block, _READ))]))

    def _change(self, detail: ErrorDetails) -> _Change:
        """What to do about one error."""
        spot = spot_of(detail, self.tree)
        if detail["type"] == "missing":
            path = (*spot.path, str(detail["loc"][-1]))
            gentle: Node | None = _as_node(sample_at(path, self.tree), spot.node.place)
        else:
            path = self._cut(spot.path)
            gentle = self._replacement(path)
            if detail["type"] == "extra_forbidden":
                self._touched |= self._meant(path)
            if detail["type"] == "extra_forbidden" or detail["loc"][-1:] == ("[key]",):
                return _Change(path, None)
        n_tries = self._n_tries[path] = self._n_tries.get(path, 0) + 1
        if n_tries == 1 or (n_tries == 2 and detail["type"] == "missing"):
            return _Change(path, gentle)
        return _Change(path if n_tries == 2 else path[:-1], None)

    def _replacement(self, path: Path) -> Node | None:
        """A value of the same make; None where a block was wanted and is none: its name may be a mistake, too."""
        if not path:
            return None
        new = _as_node(sample_at(path, self.tree), self.tree.place)
        return new if type(node_at(path, self.tree)) is type(new) else None

    def _cut(self, path: Path) -> Path:
        """A path as far as blocks go: a list is mended as a whole."""
        for depth in range(len(path)):
            if not isinstance(node_at(path[:depth], self.tree), Block):
                return path[:depth]
        return path

    def _meant(self, path: Path) -> set[Path]:
        """What an unknown key may have been meant to be: any key that its block knows and does not have."""
        others = ((*path[:-1], key) for key in keys_at(path[:-1], self.tree))
        return {other for other in others if node_at(other, self.tree) is None}

    def _is_written(self, finding: Finding) -> bool:
        """Whether a name stands where its author wrote it; of a key, what it holds does not matter."""
        path = finding.path
        n_steps = len(path) if finding.at_key else len(path) + 1
        return not any(path[:n] in self._touched for n in range(n_steps))

    def _has_own_names(self, block: str) -> bool:
        """Whether a block still has just the names that its author gave it."""
        path = tuple(block.split("."))
        if block in (*MACHINE_NAMES, *PRICE_NAMES):
            return not self._overlaps(path)
        depth = 2 if block in MODE_NAMES else 1
        return _names(node_at(path, self.tree), depth) == _names(node_at(path, self._root), depth)

    def _overlaps(self, path: Path) -> bool:
        """Whether something was mended in a block, or the whole of it."""
        return any(
            touched[: len(path)] == path[: len(touched)] and not self._is_source(touched)
            for touched in self._touched
        )

    def _is_source(self, path: Path) -> bool:
        """Whether this is where numbers come from: no check reads it."""
        return path[-1] == "source" and "source" in keys_at(path[:-1], self.tree)


def _names(node: Node | None, depth: int) -> list[Path]:
    """Keys of a block down to a depth, in their order."""
    if depth == 0 or not isinstance(node, Block):
        return [()]
    return [(key, *below) for key, entry in node.entries.items() for below in _names(entry.node, depth - 1)]


def _copied(node: Block) -> Block:
    """A copy whose blocks can be changed."""
    return Block(
        {
            key: Entry(place, _copied(below) if isinstance(below, Block) else below)
            for key, (place, below) in node.entries.items()
        },
        node.place,
    )


def _as_node(value: Any, place: Place) -> Node:
    """Plain data as a tree that stands at one place."""
    if isinstance(value, dict):
        return Block({key: Entry(place, _as_node(below, place)) for key, below in value.items()}, place)
    if isinstance(value, tuple):
        return Items(tuple(_as_node(below, place) for below in value), place)
    return Leaf(value, str(value), place)
