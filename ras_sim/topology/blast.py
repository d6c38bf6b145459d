"""Blast radius: what goes down with a part, as a walk over the blueprint that carries sets of ids.

How trouble spreads is told in `ras_sim.topology.trouble`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from ras_sim.errors import nearest
from ras_sim.topology.blueprint import RELATIONS, Blueprint, Edge
from ras_sim.topology.index import Ids
from ras_sim.topology.trouble import Blast, Draw, Trouble

_NOTHING: Mapping[str, float] = {}
_CONTAINED = {relation: 0.0 for relation in RELATIONS if relation != "contains"}
_MOST_KEPT = 1_000_000
"""Ids of nodes and GPUs in answers that are kept (some tens of MB): beyond that they are found anew."""

Effects = tuple[tuple[int, ...], int, float, tuple[int, ...]]
"""What a fault is certain to do: ids of the nodes that are down or hold a GPU that is, number of GPUs that are down,
smallest bandwidth, (0, 1], left to any part that stays up, ids of the nodes on or below a narrowed part."""


@dataclass(frozen=True, slots=True)
class _Reach:
    """The certain effects of one instance, kept: node ids, GPU ids, least capacity, narrowed node ids."""

    nodes: tuple[int, ...]
    gpus: tuple[int, ...]
    capacity: float
    slowed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Local:
    """A class whose certain effects stay in the node of the part and are alike in every node."""

    per_node: int
    count: int
    reach: dict[int, _Reach]


class BlastWalk:
    """Answers blast-radius questions about one blueprint.

    `walk` is the whole truth for one failure mode. The others are about *certain* effects (edges with
    ``p_cross`` 1, nothing else down) and are cached: parts whose effects stay in their node share one
    answer per place in the node, so they cost well under a microsecond.

    Args:
        blueprint: the machine.

    Attributes:
        ways: up from a class to one that may hold it, over some relations, as far as somebody has asked
            (`ras_sim.topology.parts`).
    """

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self._out: dict[str, list[tuple[int, Edge]]] = {cls: [] for cls in blueprint.counts}
        for number, edge in enumerate(blueprint.edges):
            self._out[edge.source].append((number, edge))
        self._resets = [edge for edge in blueprint.edges if edge.relation == "resets_with"]
        self._names = frozenset(edge.name for edge in blueprint.edges) | frozenset(RELATIONS)
        self._far: dict[tuple[str, int], _Reach] = {}
        self._n_kept = 0  # ids in it
        self.ways: dict[tuple[str, str, Collection[str]], tuple[Edge, ...]] = {}
        self._inside: tuple[tuple[str, int], Mapping[str, tuple[int, ...]]] = ("", -1), {}
        self._local: dict[str, _Local] = {}
        for cls, home in blueprint.homes.items():
            if self._stays_in_node(cls):
                self._local[cls] = _Local(home.per_node, blueprint.counts[cls], {})

    # ------------------------------------------------------------------ the walk

    def walk(
        self,
        cls: str,
        instance: int,
        spreads: Mapping[str, float] = _NOTHING,
        draw: Draw | None = None,
        already_down: Mapping[str, AbstractSet[int]] | None = None,
        *,
        explain: bool = False,
    ) -> Blast:
        """What goes down when an instance fails.

        Args:
            cls: class of the failed part.
            instance: its id.
            spreads: edge name or relation -> probability of crossing, [0, 1], in place of the edges' own; an
                edge name goes before its relation.
            draw: ordinal -> uniform in (0, 1), always the same for the same ordinal. Asked once per pair
                of edge and target, and only where the probability is neither 0 nor 1.
            already_down: class -> ids that are down for other reasons: they count as lost to what they
                serve, if trouble crosses. What they alone bring down is not reported.
            explain: whether to fill `Blast.why`.
        Returns:
            The blast. Ids already down are reported when this fault takes them down too.
        Raises:
            ValueError: an unknown class, id, edge or relation; a probability out of range; a draw is needed.
        """
        self._check_instance(cls, instance)
        for name, p_cross in spreads.items():
            self._check_spread(name, p_cross)
        spread = Trouble(self._out, spreads, draw, already_down or {}, explain)
        spread.run(cls, instance)
        return spread.blast()

    def nodes_in(self, blast: Blast) -> tuple[int, ...]:
        """Ids, ascending, of the nodes that are down in a blast or hold a GPU that is."""
        nodes = set(blast.down.get("node", ()))
        home = self.blueprint.homes.get("gpu")
        if home is not None:
            nodes.update(gpu // home.per_node for gpu in blast.down.get("gpu", ()))
        return tuple(sorted(nodes))

    def nodes_slowed_in(self, blast: Blast) -> tuple[int, ...]:
        """Ids, ascending, of the nodes on or below a narrowed part that are not hit themselves."""
        nodes: set[int] = set()
        for cls, ids in blast.capacity.items():
            nodes |= self._nodes_below(cls, np.fromiter(ids, np.int64, len(ids)), set())
        return tuple(sorted(nodes.difference(self.nodes_in(blast))))

    def inside(self, cls: str, instance: int) -> Mapping[str, tuple[int, ...]]:
        """Class -> ids of what an instance consists of, itself among them; the last answer is kept."""
        last = self._inside
        if last[0] != (cls, instance):
            last = self._inside = (cls, instance), self.walk(cls, instance, _CONTAINED).down
        return last[1]

    # ------------------------------------------------------------------ certain effects

    def nodes_hit(self, cls: str, instance: int) -> tuple[int, ...]:
        """Ids, ascending, of the nodes that are down with the part or hold a GPU that is.

        Raises:
            ValueError: an unknown class or id.
        """
        local = self._local.get(cls)
        if local is None:
            return self._reach(cls, instance).nodes
        node, place = divmod(instance, local.per_node)
        if not 0 <= instance < local.count:
            self._check_instance(cls, instance)
        reach = local.reach.get(place) or self._learn(cls, local, place)
        return (node,) if reach.nodes else ()

    def effects(self, cls: str, instance: int) -> Effects:
        """The certain effects of a fault, all at once."""
        local = self._local.get(cls)
        if local is None:
            reach = self._reach(cls, instance)
            return reach.nodes, len(reach.gpus), reach.capacity, reach.slowed
        node, place = divmod(instance, local.per_node)
        reach = local.reach.get(place) or self._learn(cls, local, place)
        own = (node,)
        return own if reach.nodes else (), len(reach.gpus), reach.capacity, own if reach.slowed else ()

    def gpus_hit(self, cls: str, instance: int) -> tuple[int, ...]:
        """Ids, ascending, of the GPUs that are down with the part; see `nodes_hit`."""
        node, reach = self._near(cls, instance)
        if node == 0 or not reach.gpus:
            return reach.gpus
        shift = node * self.blueprint.homes["gpu"].per_node
        return tuple(gpu + shift for gpu in reach.gpus)

    def min_capacity(self, cls: str, instance: int) -> float:
        """The smallest bandwidth, (0, 1], left to any part that stays up; 1 when none is narrowed."""
        return self._near(cls, instance)[1].capacity

    def nodes_slowed(self, cls: str, instance: int) -> tuple[int, ...]:
        """Ids, ascending, of the nodes that are up and on or below a narrowed part."""
        node, reach = self._near(cls, instance)
        return (node,) if node and reach.slowed else reach.slowed

    def reset_domain(self, cls: str, instance: int) -> tuple[int, ...]:
        """Ids, ascending, of the GPUs that a reset takes: those down with the part and their reset peers."""
        gpus = set(self.gpus_hit(cls, instance))
        for edge in self._resets:
            gpus.update(*[edge.index.targets_of(gpu) for gpu in tuple(gpus)])
        return tuple(sorted(gpus))

    def home_node(self, cls: str, instance: int) -> int | None:
        """Id of the node that holds the part; None for parts outside nodes, such as a switch or its optics.

        An access link counts as a part of the node whose NIC it is plugged into.
        """
        home = self.blueprint.homes.get(cls)
        return None if home is None else home.node_of(instance)

    def home_nodes(self, cls: str, instances: Ids) -> list[int | None]:
        """The same for many parts at once."""
        home = self.blueprint.homes.get(cls)
        if home is None:
            return [None] * len(instances)
        nodes: list[int | None] = (instances // home.per_node).tolist()
        if home.every == 1:
            return nodes
        return [home.node_of(part) for part in instances.tolist()]

    # ------------------------------------------------------------------ inside

    def _near(self, cls: str, instance: int) -> tuple[int, _Reach]:
        """The node to shift by (0 for none) and the effects as seen from node 0."""
        local = self._local.get(cls)
        if local is None:
            return 0, self._reach(cls, instance)
        self._check_instance(cls, instance)
        node, place = divmod(instance, local.per_node)
        return node, local.reach.get(place) or self._learn(cls, local, place)

    def _learn(self, cls: str, local: _Local, place: int) -> _Reach:
        reach = self._certain(cls, place)
        local.reach[place] = reach
        return reach

    def _reach(self, cls: str, instance: int) -> _Reach:
        reach = self._far.get((cls, instance))
        if reach is None:
            self._check_instance(cls, instance)
            reach = self._certain(cls, instance)
            self._n_kept += len(reach.nodes) + len(reach.gpus) + len(reach.slowed)
            if self._n_kept > _MOST_KEPT:
                self._far.clear()
                self._n_kept = 0
            self._far[cls, instance] = reach
        return reach

    def _certain(self, cls: str, instance: int) -> _Reach:
        blast = self.walk(cls, instance, draw=_never)
        left = (share for ids in blast.capacity.values() for share in ids.values())
        gpus = blast.down.get("gpu", ())
        return _Reach(self.nodes_in(blast), gpus, min(left, default=1.0), self.nodes_slowed_in(blast))

    def _stays_in_node(self, origin: str) -> bool:
        """Whether all that trouble could reach from ``origin`` sits in nodes, alike in all of them."""
        homes, seen, waiting = self.blueprint.homes, {origin}, [origin]
        while waiting:
            for _, edge in self._out[waiting.pop()]:
                if edge.p_cross == 0.0:
                    continue
                target = homes.get(edge.target)
                if target is None or not _repeats(edge, homes[edge.source].per_node, target.per_node):
                    return False
                if edge.target not in seen:
                    seen.add(edge.target)
                    waiting.append(edge.target)
        return True

    def _nodes_below(self, cls: str, ids: Ids, seen: set[str]) -> set[int]:
        """Nodes that hold the given parts or, for parts outside nodes, the nearest parts behind them."""
        home = self.blueprint.homes.get(cls)
        if home is not None:
            return set(np.unique(ids // home.per_node).tolist())
        nodes: set[int] = set()
        seen.add(cls)
        for _, edge in self._out[cls]:
            if edge.p_cross > 0.0 and edge.target not in seen:
                nodes |= self._nodes_below(edge.target, edge.index.targets(ids), seen)
        return nodes

    def _check_instance(self, cls: str, instance: int) -> None:
        n_ids = self.blueprint.counts.get(cls)
        if n_ids is None:
            raise ValueError(f"class: got {cls!r}, {_wanted(cls, self.blueprint.counts)}")
        if not 0 <= instance < n_ids:
            raise ValueError(f"{cls}: got id {instance}, want 0..{n_ids - 1}")

    def _check_spread(self, name: str, p_cross: float) -> None:
        if name not in self._names:
            raise ValueError(f"spreads: got {name!r}, {_wanted(name, self._names)}")
        if not 0.0 <= p_cross <= 1.0:
            raise ValueError(f"spreads: {name}: got {p_cross}, want 0..1")


def _repeats(edge: Edge, n_sources: int, n_targets: int) -> bool:
    """Whether the edge joins the ``n_sources`` of each node with its ``n_targets``, alike in all nodes."""
    period = edge.index.period
    if period is None:
        return False
    whole_sources, rest_sources = divmod(n_sources, period[0])
    whole_targets, rest_targets = divmod(n_targets, period[1])
    return not rest_sources and not rest_targets and whole_sources == whole_targets


def _never(_ordinal: int) -> float:
    """A draw that never crosses: effects that are only likely are not certain."""
    return 1.0


def _wanted(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    hint = nearest(word, names)
    return f"want one of {', '.join(names)}" + (f" ({hint})" if hint else "")
