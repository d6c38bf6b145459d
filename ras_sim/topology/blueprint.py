"""Blueprint: the machine as a small graph of component classes.

A node of the graph is a component class with its count, an edge is a relation between two classes
with the index map between their instances. An edge points the way trouble goes: when the source is
down, the target is affected. So 1,000,000 GPUs are two dozen nodes and edges, and a few integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from ras_sim.topology.index import IndexMap

if TYPE_CHECKING:
    import networkx as nx

Relation = Literal[
    "contains", "connects", "feeds", "cools", "shares_memory", "resets_with", "fails_with",
    "same_nic", "lane_group", "same_switch",
]  # fmt: skip
RELATIONS: tuple[str, ...] = get_args(Relation)
ID_BITS = 40  # an instance id fits below an edge's number in the ordinal of a draw, 64 bits


@dataclass(frozen=True, slots=True)
class Edge:
    """One relation between two classes, for all their instances.

    Target ``t`` with ``n`` sources, of which ``lost`` are down and cross, goes down when
    ``n - lost < needs``; otherwise it runs on with ``(n - lost)/n`` of what the edge brings.

    Args:
        name: unique in the blueprint, e.g. ``node_contains_gpu``.
        source: class whose trouble crosses.
        target: class that is affected.
        relation: ``contains`` (a part is out with its holder), ``connects`` (carries traffic),
            ``feeds`` (the target cannot run without it: power, memory, a host part), ``cools``,
            ``shares_memory`` (one coherent domain, each part for itself), ``resets_with`` (one reset takes
            both), ``fails_with`` (a part and its whole domain, at once or not at all), ``same_nic``,
            ``lane_group``, ``same_switch`` (ports that one card, cage or switch holds).
        index: which source stands before which target.
        needs: sources over this edge that must be up for the target to be up; None: all of them.
        p_cross: probability that trouble crosses to a target unless the failure mode says otherwise, [0, 1].
    Raises:
        ValueError: an unknown relation, or ``needs`` or ``p_cross`` out of range.
    """

    name: str
    source: str
    target: str
    relation: Relation
    index: IndexMap
    needs: int | None = None
    p_cross: float = 1.0

    def __post_init__(self) -> None:
        if self.relation not in RELATIONS:
            known = ", ".join(RELATIONS)
            raise ValueError(f"{self.name}: relation: got {self.relation!r}, want one of {known}")
        if not 0.0 <= self.p_cross <= 1.0:
            raise ValueError(f"{self.name}: p_cross: got {self.p_cross}, want 0..1")
        most = self.index.fewest_sources
        if self.needs is not None and not 1 <= self.needs <= most:
            raise ValueError(
                f"{self.name}: needs: got {self.needs} of {self.source}, want 1..{most} per {self.target}"
            )


@dataclass(frozen=True, slots=True)
class Home:
    """Where the parts of a class sit: ``per_node`` of them belong to each node, in id order.

    Args:
        per_node: parts of the class per node, >= 1.
        every: only each ``every``-th part is *in* the node; the others are its far ends (the optic
            at the switch end of an access link belongs to the node's wiring but sits in the switch).
    """

    per_node: int
    every: int = 1

    def node_of(self, part_id: int) -> int | None:
        """Id of the node that physically holds the part; None for a far end."""
        return None if part_id % self.every else part_id // self.per_node


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A machine: classes with counts, edges between them, and which node holds which part.

    Args:
        kind: name of the builder in `FABRICS`, or any name for a machine made by hand.
        counts: class -> number of instances, >= 1; their ids are 0..count-1.
        edges: relations; their order is part of the machine (draws are numbered by it).
        homes: class -> where its parts sit; classes outside nodes are absent.
        unmodelled_gpus: GPUs of a node, where they are not parts of the machine: they are only counted.
    Raises:
        ValueError: an edge that names no class, has a used name, or a map of another size.
    """

    kind: str
    counts: Mapping[str, int]
    edges: tuple[Edge, ...]
    homes: Mapping[str, Home] = field(default_factory=dict)
    unmodelled_gpus: int = 1

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for edge in self.edges:
            if edge.name in seen:
                raise ValueError(f"edges: got {edge.name!r} twice, want unique names")
            seen.add(edge.name)
            self._check_end(edge, edge.source, edge.index.n_source_ids)
            self._check_end(edge, edge.target, edge.index.n_target_ids)
        for cls, n_ids in self.counts.items():
            if not 1 <= n_ids < 1 << ID_BITS:
                raise ValueError(f"{cls}: got {n_ids} instances, want 1..2^{ID_BITS} - 1")
        for cls, home in self.homes.items():
            if self.counts.get(cls) != home.per_node * self.n_nodes:
                got = self.counts.get(cls, "no class")
                raise ValueError(f"{cls}: got {got}, want {home.per_node} in each of {self.n_nodes} nodes")

    def _check_end(self, edge: Edge, cls: str, n_ids: int) -> None:
        wanted = self.counts.get(cls, "a known class")
        if wanted != n_ids:
            raise ValueError(f"{edge.name}: got a map over {n_ids} of {cls!r}, want {wanted}")

    @property
    def n_nodes(self) -> int:
        """Number of nodes (machines, trays) of the cluster."""
        return self.counts.get("node", 0)

    @property
    def n_gpus(self) -> int:
        """Number of accelerators; 0 for a machine that knows nodes only."""
        return self.counts.get("gpu", 0)

    @property
    def gpus_per_node(self) -> int:
        """Accelerators in each node."""
        home = self.homes.get("gpu")
        return self.unmodelled_gpus if home is None else home.per_node

    @property
    def counted(self) -> dict[str, int]:
        """Instances of each class, accelerators also where they are not parts of the machine."""
        return {"gpu": self.n_nodes * self.gpus_per_node, **self.counts}

    @property
    def gpus_per_domain(self) -> int:
        """Accelerators that share memory over a scale-up fabric; 1 where the machine has none between them."""
        sharing = (edge for edge in self.edges if edge.relation == "shares_memory")
        return 1 + max((len(edge.index.targets_of(0)) for edge in sharing), default=0)

    @property
    def n_parts(self) -> int:
        """Number of instances of all classes."""
        return sum(self.counts.values())

    def edge(self, name: str) -> Edge:
        """The edge of that name.

        Raises:
            ValueError: no edge has it.
        """
        for edge in self.edges:
            if edge.name == name:
                return edge
        raise ValueError(f"edge: got {name!r}, want one of {', '.join(edge.name for edge in self.edges)}")

    @property
    def graph(self) -> nx.MultiDiGraph[str]:
        """The classes as a networkx graph: nodes carry ``count``; edges, keyed by name, their `Edge`."""
        import networkx as nx  # 0.2 s of import that a run does not need

        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(kind=self.kind)
        for cls, n_ids in self.counts.items():
            graph.add_node(cls, count=n_ids)
        for edge in self.edges:
            graph.add_edge(edge.source, edge.target, key=edge.name, relation=edge.relation, edge=edge)
        return graph
