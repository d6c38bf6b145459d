"""Which parts hang on an instance, and which replaceable unit holds a part."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from ras_sim.topology.blast import BlastWalk
from ras_sim.topology.blueprint import RELATIONS, Edge

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
        per_node, every = homes[cls].per_node, homes[cls].every
        return lambda unit_id: np.arange(unit_id * per_node, (unit_id + 1) * per_node, every, dtype=np.int64)
    return lambda unit_id: np.array(walk.walk(unit, unit_id).down.get(cls, ()), dtype=np.int64)


def contents_of(walk: BlastWalk, unit: str, unit_id: int, cls: str) -> list[int]:
    """Ids of the parts of `cls` that an instance of `unit` consists of, ascending: itself, and all that it contains.

    What only goes down with it, as a node does with its power supplies, is not part of it.
    """
    if unit == cls:
        return [unit_id]
    nodes: tuple[int, ...] = (unit_id,)
    if unit != "node" or cls not in walk.blueprint.homes:
        inside = walk.inside(unit, unit_id)
        nodes = inside.get("node", ())
        if not nodes or cls not in walk.blueprint.homes:
            return list(inside.get(cls, ()))
    in_node = parts_below(walk, "node", cls)  # with what sits in a node without an edge that says so
    return [part for node in nodes for part in in_node(node).tolist()]


def container_of(walk: BlastWalk, cls: str, instance: int, unit: str) -> int | None:
    """The instance of `unit` that contains a part, or that it is; None if there is none."""
    found = holder(walk, cls, instance, unit, ("contains",))
    if found is not None or cls not in walk.blueprint.homes or cls == "node":
        return found
    node = walk.home_node(cls, instance)
    return None if node is None else holder(walk, "node", node, unit, ("contains",))


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


def holder(
    walk: BlastWalk, cls: str, instance: int, unit: str, relations: tuple[str, ...] = RELATIONS
) -> int | None:
    """The instance of `unit` that holds a part: the part itself, its node, or what it hangs on; None if there is none.

    Args:
        walk: the machine.
        cls, instance: the part.
        unit: component class of what may hold it.
        relations: how one part may hold another.
    """
    if unit == cls:
        return instance
    if unit == "node" and cls in walk.blueprint.homes:
        return walk.home_node(cls, instance)
    way = walk.ways.get((cls, unit, relations))
    if way is None:
        way = walk.ways[cls, unit, relations] = _way_up(walk, cls, unit, relations)
    for edge in way:
        instance = min(edge.index.sources_of(instance))
    return int(instance) if way else None


def _way_up(walk: BlastWalk, cls: str, unit: str, relations: Collection[str]) -> tuple[Edge, ...]:
    """The edges from a class up to one that may hold it, the lowest first: the shortest such way; () if there is none."""
    seen, frontier = {cls}, [(cls, tuple[Edge, ...]())]
    while frontier:
        below, way = frontier.pop(0)
        for edge in walk.blueprint.edges:
            leads_up = edge.target == below and edge.source not in seen
            if leads_up and edge.relation in relations and edge.p_cross > 0.0:
                if edge.source == unit:
                    return (*way, edge)
                seen.add(edge.source)
                frontier.append((edge.source, (*way, edge)))
    return ()
