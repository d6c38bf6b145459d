"""Which parts hang on an instance, and which replaceable unit holds a part."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ras_sim.topology.blast import BlastWalk

Ids = NDArray[np.int64]

MACHINE = "machine"
"""The name that stands for the whole machine where a class is asked for."""


def parts_below(walk: BlastWalk, unit: str, cls: str) -> Callable[[int], Ids]:
    """A function from an instance of `unit` to the ids of the parts of `cls` that go down with it, ascending.

    Args:
        walk: the machine.
        unit: component class, or MACHINE for all parts of `cls`.
        cls: component class.
    """
    counts, homes = walk.blueprint.counts, walk.blueprint.homes
    if unit == MACHINE:
        return lambda _: np.arange(counts[cls], dtype=np.int64)
    if unit == cls:
        return lambda unit_id: np.array([unit_id], dtype=np.int64)
    if unit == "node" and cls in homes:
        per_node = homes[cls].per_node
        return lambda unit_id: np.arange(unit_id * per_node, (unit_id + 1) * per_node, dtype=np.int64)
    return lambda unit_id: np.array(walk.walk(unit, unit_id).down.get(cls, ()), dtype=np.int64)


def group_of(walk: BlastWalk, cls: str) -> Callable[[int], int]:
    """A function from a node to the instance of a class that it hangs on, -1 where there is none."""
    known: dict[int, int] = {}

    def group(node: int) -> int:
        found = known.get(node)
        if found is None:
            above = holder(walk, "node", node, cls)
            found = known[node] = -1 if above is None else above
        return found

    return group


def holder(walk: BlastWalk, cls: str, instance: int, unit: str) -> int | None:
    """The instance of `unit` that holds a part: the part itself, its node, or what it hangs on; None if there is none.

    Args:
        walk: the machine.
        cls, instance: the part.
        unit: component class of the replaceable unit.
    """
    if unit == cls:
        return instance
    if unit == "node" and cls in walk.blueprint.homes:
        return walk.home_node(cls, instance)
    seen, frontier = {cls}, [(cls, instance)]
    while frontier:
        below_cls, below = frontier.pop(0)
        for edge in walk.blueprint.edges:
            if edge.target == below_cls and edge.source not in seen and edge.p_cross > 0.0:
                above = min(edge.index.sources_of(below))
                if edge.source == unit:
                    return int(above)
                seen.add(edge.source)
                frontier.append((edge.source, above))
    return None
