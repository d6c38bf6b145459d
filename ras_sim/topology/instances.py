"""Instances: the machine, or a part of it, as a graph with one node per part; for pictures and tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ras_sim.topology.blueprint import Blueprint

if TYPE_CHECKING:
    import networkx as nx

Instance = tuple[str, int]


def to_networkx(
    blueprint: Blueprint,
    classes: Iterable[str] | None = None,
    near: Instance | None = None,
    *,
    hops: int = 2,
    max_instances: int | None = None,
) -> nx.MultiDiGraph[Instance]:
    """The instance graph, or a part of it.

    A node is ``(class, id)``; an edge, keyed by its name, carries ``name``, ``relation``, ``needs`` and
    ``p_cross``. Two parts may be joined by several edges (GPUs that share memory and reset together).

    Args:
        blueprint: the machine.
        classes: only these classes; None: all.
        near: only what is within ``hops`` edges of this instance, either way along an edge.
        hops: see ``near``, >= 0.
        max_instances: refuse to make more than this many nodes; None: no limit.
    Raises:
        ValueError: an unknown class or id, or more instances than allowed.
    """
    import networkx as nx  # 0.2 s of import that a run does not need

    wanted = _known(blueprint, classes)
    members = _members(blueprint, wanted, near, hops, max_instances)
    graph: nx.MultiDiGraph[Instance] = nx.MultiDiGraph(kind=blueprint.kind)
    graph.add_nodes_from(sorted(members))
    for edge in blueprint.edges:
        if edge.source not in wanted or edge.target not in wanted:
            continue
        for source in [instance for instance in members if instance[0] == edge.source]:
            for target_id in edge.index.targets_of(source[1]):
                target = (edge.target, target_id)
                if target in members:
                    graph.add_edge(
                        source, target, key=edge.name,
                        name=edge.name, relation=edge.relation, needs=edge.needs, p_cross=edge.p_cross,
                    )  # fmt: skip
    return graph


def _known(blueprint: Blueprint, classes: Iterable[str] | None) -> frozenset[str]:
    wanted = frozenset(blueprint.counts if classes is None else classes)
    unknown = sorted(wanted - blueprint.counts.keys())
    if unknown:
        raise ValueError(f"classes: got {', '.join(unknown)}, want some of {', '.join(blueprint.counts)}")
    return wanted


def _members(
    blueprint: Blueprint,
    wanted: frozenset[str],
    near: Instance | None,
    hops: int,
    max_instances: int | None,
) -> set[Instance]:
    if near is not None:
        return _neighbourhood(blueprint, wanted, near, hops, max_instances)
    n_members = sum(blueprint.counts[cls] for cls in wanted)
    if max_instances is not None and n_members > max_instances:
        raise ValueError(_too_many(f"{n_members:,}", max_instances))
    return {(cls, i) for cls in wanted for i in range(blueprint.counts[cls])}


def _neighbourhood(
    blueprint: Blueprint,
    wanted: frozenset[str],
    near: Instance,
    hops: int,
    max_instances: int | None,
) -> set[Instance]:
    """Instances at most ``hops`` edges from ``near``, through wanted classes; stops at too many."""
    if near[0] not in wanted or not 0 <= near[1] < blueprint.counts[near[0]]:
        raise ValueError(f"near: got {near[0]}:{near[1]}, want an instance of {', '.join(sorted(wanted))}")
    members, rim = {near}, [near]
    for _ in range(hops):
        grown: list[Instance] = []
        for instance in rim:
            for neighbour in _neighbours(blueprint, instance):
                if neighbour not in members and neighbour[0] in wanted:
                    members.add(neighbour)
                    grown.append(neighbour)
                    if max_instances is not None and len(members) > max_instances:
                        raise ValueError(_too_many(f"more than {max_instances:,}", max_instances))
        rim = grown
    return members


def _neighbours(blueprint: Blueprint, instance: Instance) -> Iterator[Instance]:
    cls, instance_id = instance
    for edge in blueprint.edges:
        if edge.source == cls:
            yield from ((edge.target, target) for target in edge.index.targets_of(instance_id))
        if edge.target == cls:
            yield from ((edge.source, source) for source in edge.index.sources_of(instance_id))


def _too_many(got: str, allowed: int) -> str:
    return (
        f"instances: got {got}, want at most {allowed:,}: take fewer classes or hops, or start from one part"
    )
