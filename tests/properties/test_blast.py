"""The walk over classes against a brute-force fixed point on the graph of instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ras_sim.streams import base_key, child_key, uniform
from ras_sim.topology import (
    FABRICS,
    RELATIONS,
    BlastWalk,
    Blueprint,
    Edge,
    Explicit,
    hgx,
    nvl72,
    pool,
    to_networkx,
    torus,
)
from ras_sim.topology.blueprint import ID_BITS

Instance = tuple[str, int]
Crosses = Callable[[str, int], bool]


def brute_force(
    graph: nx.MultiDiGraph[Instance], origin: Instance, crosses: Crosses, already: set[Instance]
) -> tuple[set[Instance], dict[Instance, float]]:
    """Down set and capacities, from the rule alone: add what must be down until nothing changes."""
    into: dict[tuple[Instance, str], list[Instance]] = {}
    facts: dict[str, tuple[str, int | None]] = {}
    for source, target, name, data in graph.edges(keys=True, data=True):
        into.setdefault((target, name), []).append(source)
        facts[name] = (data["relation"], data["needs"])
    down = {origin}
    while True:
        grown = set(down)
        for (target, name), sources in into.items():
            lost = [source for source in sources if source in down | already]
            needs = facts[name][1]
            reached = crosses(name, target[1]) and any(source in down for source in sources)
            if reached and len(sources) - len(lost) < (len(sources) if needs is None else needs):
                grown.add(target)
        if grown == down:
            break
        down = grown
    capacity: dict[Instance, float] = {}
    for (target, name), sources in into.items():
        lost = [source for source in sources if source in down | already]
        reached = crosses(name, target[1]) and any(source in down for source in sources)
        if reached and target not in down and facts[name][0] == "connects":
            share = (len(sources) - len(lost)) / len(sources)
            capacity[target] = min(capacity.get(target, 1.0), share)
    return down, capacity


def flat(ids_by_class: Mapping[str, object]) -> set[Instance]:
    return {(cls, i) for cls, ids in ids_by_class.items() for i in ids}  # type: ignore[attr-defined]


@st.composite
def random_blueprints(draw: st.DrawFn) -> Blueprint:
    names = [f"c{i}" for i in range(draw(st.integers(1, 5)))]
    counts = {name: draw(st.integers(1, 6)) for name in names}
    edges = []
    for number in range(draw(st.integers(0, 8))):
        source, target = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        pair = st.tuples(st.integers(0, counts[source] - 1), st.integers(0, counts[target] - 1))
        pairs = sorted(draw(st.sets(pair, max_size=12)))
        ends = np.array(pairs, np.int64).reshape(-1, 2)
        index = Explicit.from_pairs(ends[:, 0], ends[:, 1], counts[source], counts[target])
        most = index.fewest_sources
        needs = draw(st.none() | st.integers(1, most)) if most else None
        p_cross = draw(st.sampled_from([0.0, 1.0, 1.0]))
        relation = draw(st.sampled_from([*RELATIONS, "connects", "connects", "connects"]))
        edges.append(Edge(f"e{number}", source, target, relation, index, needs, p_cross))  # type: ignore[arg-type]
    return Blueprint("random", counts, tuple(edges))


@st.composite
def small_machines(draw: st.DrawFn) -> Blueprint:
    """A machine of each kind, small enough to be an instance graph."""
    kind = draw(st.sampled_from(sorted(FABRICS)))
    few = st.integers(1, 3)
    if kind == "pool":
        return pool(draw(few))
    slim = {"hbm_per_gpu": draw(few)}
    tree = {
        "homing": draw(st.integers(1, 2)), "nic_loss": draw(st.sampled_from(["rank", "slow"])),
        "spines": draw(st.integers(1, 2)), "oversubscription": 1.0, "fans_needed": draw(few),
        "nvlinks_per_gpu": draw(few), "ports_per_lane_group": draw(few),
    }  # fmt: skip
    if kind == "hgx":
        return hgx(
            draw(st.integers(1, 5)), gpus_per_node=draw(few), gpus_per_reset_domain=1, dimms_per_node=2,
            ssds_per_node=1, nvswitches_per_node=2, nvswitches_needed=draw(st.none() | st.integers(1, 2)),
            psus_per_node=3, psus_needed=draw(few), fans_per_node=3, nodes_per_rack=draw(few),
            racks_per_power_domain=draw(few), nodes_per_pod=draw(st.integers(2, 3)), **slim, **tree,
        )  # fmt: skip
    if kind == "nvl72":
        return nvl72(
            draw(st.integers(1, 2)), trays_per_rack=draw(few), gpus_per_tray=draw(few), dimms_per_tray=1,
            ssds_per_tray=1, nvswitch_trays_per_rack=2, nvswitches_per_tray=draw(few),
            nvswitches_needed=draw(st.none() | st.integers(1, 2)), fans_per_tray=3, shelves_per_rack=2,
            shelves_needed=draw(st.integers(1, 2)), psus_per_shelf=2, psus_needed=1,
            trays_per_pod=draw(st.integers(2, 3)), racks_per_domain=draw(few), **slim, **tree,
        )  # fmt: skip
    per_cube = draw(few)
    return torus(
        per_cube * draw(few), nodes_per_cube=per_cube, gpus_per_node=2, gpus_per_reset_domain=2,
        cubes_per_pod=2, links_per_cube=4, ocs_per_pod=draw(st.sampled_from([1, 2, 4])), dimms_per_node=1,
        fault_tolerant_routing=draw(st.booleans()), **slim,
    )  # fmt: skip


def instances(blueprint: Blueprint) -> st.SearchStrategy[Instance]:
    return st.sampled_from([(cls, i) for cls, count in blueprint.counts.items() for i in range(count)])


@settings(max_examples=200, deadline=None)
@given(st.one_of(random_blueprints(), small_machines()), st.data())
def test_walk_is_the_fixed_point(blueprint: Blueprint, data: st.DataObject) -> None:
    origin = data.draw(instances(blueprint))
    already = data.draw(st.sets(instances(blueprint), max_size=6))
    chosen = data.draw(st.sets(st.sampled_from([edge.name for edge in blueprint.edges] or ["none"])))
    spreads = {
        e.name: data.draw(st.sampled_from([0.0, 0.5, 1.0])) for e in blueprint.edges if e.name in chosen
    }
    key = data.draw(st.integers(0, 2**64 - 1))

    def crosses(name: str, target: int) -> bool:
        number = [edge.name for edge in blueprint.edges].index(name)
        p_cross = spreads.get(name, blueprint.edges[number].p_cross)
        return uniform(key, (number << ID_BITS) + target) < p_cross

    down, capacity = brute_force(to_networkx(blueprint), origin, crosses, already)
    by_class: dict[str, set[int]] = {}
    for cls, i in already:
        by_class.setdefault(cls, set()).add(i)
    for explain in (False, True):
        blast = BlastWalk(blueprint).walk(
            *origin, spreads, lambda ordinal: uniform(key, ordinal), by_class, explain=explain
        )
        assert flat(blast.down) == down
        assert {(cls, i): c for cls, ids in blast.capacity.items() for i, c in ids.items()} == capacity
        assert all(ids == tuple(sorted(ids)) and ids for ids in blast.down.values())


@settings(max_examples=100, deadline=None)
@given(random_blueprints(), st.data())
def test_without_redundancy_the_walk_is_reachability(blueprint: Blueprint, data: st.DataObject) -> None:
    edges = tuple(Edge(e.name, e.source, e.target, e.relation, e.index) for e in blueprint.edges)
    rigid = Blueprint("rigid", blueprint.counts, edges)
    origin = data.draw(instances(rigid))
    reached = nx.descendants(to_networkx(rigid), origin) | {origin}
    assert flat(BlastWalk(rigid).walk(*origin).down) == reached


@settings(max_examples=60, deadline=None)
@given(small_machines())
def test_short_cuts_agree_with_the_walk_everywhere(blueprint: Blueprint) -> None:
    walk = BlastWalk(blueprint)
    for cls, count in blueprint.counts.items():
        for i in range(count):
            blast = walk.walk(cls, i)
            shares = [share for ids in blast.capacity.values() for share in ids.values()]
            assert walk.nodes_hit(cls, i) == walk.nodes_in(blast)
            assert walk.gpus_hit(cls, i) == blast.down.get("gpu", ())
            assert walk.min_capacity(cls, i) == min(shares, default=1.0)
            assert walk.nodes_slowed(cls, i) == walk.nodes_slowed_in(blast)


@settings(max_examples=60, deadline=None)
@given(small_machines())
def test_nodes_slowed_are_those_below_what_is_narrowed(blueprint: Blueprint) -> None:
    walk = BlastWalk(blueprint)
    graph = to_networkx(blueprint)
    certain = nx.DiGraph((s, t) for s, t, p in graph.edges.data("p_cross") if p > 0)
    certain.add_nodes_from(graph)
    # A leaf or a cube lies above nodes, a part of a node is in one.
    for cls, count in blueprint.counts.items():
        for i in range(count):
            blast = walk.walk(cls, i)
            below = {
                walk.home_node(*part)
                for narrowed in flat(blast.capacity)
                for part in (
                    {narrowed} if narrowed[0] in blueprint.homes else nx.descendants(certain, narrowed)
                )
            }
            assert set(walk.nodes_slowed(cls, i)) == below - {None} - set(walk.nodes_hit(cls, i))


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(random_blueprints(), small_machines()),
    st.integers(0, 2**64 - 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.data(),
)
def test_more_likely_crossing_takes_down_a_superset(
    blueprint: Blueprint, key: int, p: float, q: float, data: st.DataObject
) -> None:
    origin = data.draw(instances(blueprint))
    low, high = sorted((p, q))
    walk = BlastWalk(blueprint)
    less, more = (
        walk.walk(*origin, {edge.name: p_cross for edge in blueprint.edges}, lambda o: uniform(key, o))
        for p_cross in (low, high)
    )
    assert flat(less.down) <= flat(more.down)


@pytest.mark.parametrize("p_cross", [0.01, 0.08, 0.5, 0.92])
@pytest.mark.parametrize(("blueprint", "n_peers"), [(hgx(4), 7), (nvl72(1, spines=3), 71)])
def test_containment_fails_as_often_as_it_should(blueprint: Blueprint, n_peers: int, p_cross: float) -> None:
    walk = BlastWalk(blueprint)
    root = base_key(7, 0, "spread", "hbm", "due")
    n_faults = 1500
    n_crossed = 0
    for fault in range(n_faults):
        key = child_key(root, fault)
        down = walk.walk(
            "gpu", fault % 32, {"shares_memory": p_cross}, lambda o, key=key: uniform(key, o)
        ).down
        n_crossed += len(down["gpu"]) - 1
    trials = n_faults * n_peers
    z = (n_crossed - trials * p_cross) / (trials * p_cross * (1 - p_cross)) ** 0.5
    assert abs(z) < 4
