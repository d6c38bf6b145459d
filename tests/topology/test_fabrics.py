"""Each kind of machine: its counts, its wiring, what it refuses, what it costs to build."""

from __future__ import annotations

import pickle
import re
import time
import tracemalloc
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from ras_sim.topology import (
    FABRICS,
    BlastWalk,
    Blocks,
    Blueprint,
    Edge,
    Explicit,
    Home,
    hgx,
    nvl72,
    pool,
    torus,
)

SMALL: dict[str, Blueprint] = {
    "pool": pool(3),
    "hgx": hgx(8, nodes_per_pod=4, spines=2),
    "nvl72": nvl72(2, trays_per_pod=18, spines=3),
    "torus": torus(32),
}


def test_every_kind_has_a_small_machine_here() -> None:
    assert SMALL.keys() == FABRICS.keys()


@pytest.mark.parametrize("kind", FABRICS)
def test_names_docs_and_homes_are_complete(kind: str) -> None:
    blueprint = SMALL[kind]
    assert blueprint.kind == kind
    doc = FABRICS[kind].__doc__ or ""
    assert "Models" in doc
    for edge in blueprint.edges:
        assert edge.name == f"{edge.source}_{edge.relation}_{edge.target}"
    for cls, home in blueprint.homes.items():
        assert blueprint.counts[cls] == home.per_node * blueprint.n_nodes


@pytest.mark.parametrize("kind", FABRICS)
def test_class_graph_says_what_the_blueprint_says(kind: str) -> None:
    blueprint = SMALL[kind]
    graph = blueprint.graph
    assert isinstance(graph, nx.MultiDiGraph)
    assert dict(graph.nodes(data="count")) == dict(blueprint.counts)
    assert {name for _, _, name in graph.edges(keys=True)} == {edge.name for edge in blueprint.edges}
    assert all(blueprint.edge(name).source == source for source, _, name in graph.edges(keys=True))


@pytest.mark.parametrize("kind", FABRICS)
def test_a_blueprint_travels_to_worker_processes(kind: str) -> None:
    again = pickle.loads(pickle.dumps(SMALL[kind]))
    assert again == SMALL[kind]


def test_hgx_counts() -> None:
    counts = hgx(64).counts
    per_node = {"gpu": 8, "hbm": 40, "nvlink": 144, "nvswitch": 4, "nic": 8, "link": 8, "optic": 16}
    assert {cls: counts[cls] for cls in per_node} == {cls: 64 * n for cls, n in per_node.items()}
    # Two pods of 32 nodes, eight rails, 16 uplinks a leaf at 2:1.
    assert (counts["leaf"], counts["uplink"], counts["uplink_optic"]) == (16, 256, 512)
    assert (counts["rack"], counts["power_domain"]) == (16, 2)


def test_a_hundred_thousand_gpus_are_1_9_million_parts_besides_nvlinks() -> None:
    blueprint = hgx(12_500)
    n_parts = blueprint.n_parts - blueprint.counts["nvlink"]
    assert n_parts == pytest.approx(1.9e6, rel=0.02)


def test_a_million_gpus_cost_little() -> None:
    tracemalloc.start()
    start = time.process_time()
    walk = BlastWalk(hgx(125_000))
    seconds = time.process_time() - start
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert walk.blueprint.n_gpus == 1_000_000
    assert peak_bytes < 1_000_000
    assert seconds < 0.1


def test_rail_r_of_a_pod_is_on_its_own_leaf() -> None:
    blueprint = hgx(10, nodes_per_pod=4, spines=2)
    leaf_links = blueprint.edge("leaf_connects_link").index
    for nic in range(blueprint.counts["nic"]):
        node, rail = divmod(nic, 8)
        assert leaf_links.sources_of(nic) == ((node // 4) * 8 + rail,)


def test_dual_homed_nics_use_two_planes_of_leafs() -> None:
    blueprint = hgx(8, nodes_per_pod=4, spines=2, homing=2)
    leafs = blueprint.edge("leaf_connects_link").index
    links = blueprint.edge("link_connects_nic").index
    for nic in range(blueprint.counts["nic"]):
        pair = {leafs.sources_of(link)[0] for link in links.sources_of(nic)}
        assert len(pair) == 2
        assert {leaf % 2 for leaf in pair} == {0, 1}


@pytest.mark.parametrize("spines", [1, 3, 8, 16])
def test_every_leaf_reaches_every_spine(spines: int) -> None:
    blueprint = hgx(64, spines=spines)
    up, over = blueprint.edge("uplink_connects_leaf").index, blueprint.edge("spine_connects_uplink").index
    for leaf in range(blueprint.counts["leaf"]):
        assert {over.sources_of(uplink)[0] for uplink in up.sources_of(leaf)} == set(range(spines))


def test_a_cooling_loop_cools_its_racks_and_no_others() -> None:
    machine = hgx(70, nodes_per_rack=4, racks_per_cooling_loop=8)
    assert machine.counts["cooling_loop"] == 3  # of 18 racks
    walk = BlastWalk(machine)
    assert walk.nodes_hit("cooling_loop", 1) == tuple(range(32, 64))
    assert walk.nodes_hit("cooling_loop", 2) == tuple(range(64, 70))
    assert "cooling_loop" not in hgx(70).counts
    assert machine.edges[:-1] == hgx(70, nodes_per_rack=4).edges  # draws are numbered by edges


def test_uplinks_follow_oversubscription() -> None:
    for oversubscription, n_up in ((1.0, 32), (2.0, 16), (4.0, 8)):
        blueprint = hgx(64, spines=4, oversubscription=oversubscription)
        assert blueprint.counts["uplink"] == n_up * blueprint.counts["leaf"]


def test_nvl72_counts() -> None:
    counts = nvl72(4).counts
    wanted = {
        "node": 72,
        "gpu": 288,
        "nvswitch": 72,
        "switch_tray": 36,
        "power_shelf": 32,
        "psu": 192,
        "cpu": 144,
    }
    assert {cls: counts[cls] for cls in wanted} == wanted


def test_torus_wires_opposite_faces_to_the_same_switches() -> None:
    blueprint = torus(16 * 65)
    assert blueprint.counts["ocs"] == 2 * 48
    index = blueprint.edge("ocs_connects_link").index
    for link in range(blueprint.counts["link"]):
        cube, k = divmod(link, 96)
        assert index.sources_of(link) == ((cube // 64) * 48 + k % 48,)
    assert len(index.targets_of(0)) == 128  # both faces of each of 64 cubes


@pytest.mark.parametrize(
    "make",
    [
        lambda: pool(0),
        lambda: hgx(4, psus_needed=7),
        lambda: hgx(4, homing=3),
        lambda: hgx(4, nic_loss="fast"),
        lambda: hgx(4, spines=17),
        lambda: hgx(4, oversubscription=0.0),
        lambda: hgx(4, gpus_per_reset_domain=3),
        lambda: hgx(4, dimms_per_node=-1),
        lambda: hgx(4, nodes_per_rack=0),
        lambda: hgx(2.5),
        lambda: hgx(10**6, hbm_per_gpu=10**8),
        lambda: nvl72(1, nvswitches_needed=19),
        lambda: nvl72(1, nvswitch_trays_per_rack=0),
        lambda: torus(17),
        lambda: torus(16, links_per_cube=100),
    ],
)
def test_wrong_arguments_are_refused_with_got_and_want(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=r"got .*, want"):
        make()


def test_parts_that_a_machine_has_none_of_are_left_out() -> None:
    blueprint = hgx(4, ssds_per_node=0)
    assert "ssd" not in blueprint.counts
    assert all("ssd" not in edge.name for edge in blueprint.edges)


def test_edges_and_blueprints_that_do_not_fit_are_refused() -> None:
    good = Edge("e", "a", "b", "feeds", Blocks(1, 1, 2, 2))
    with pytest.raises(ValueError, match=r"needs: got 2 of a, want 1\.\.1 per b"):
        Edge("e", "a", "b", "feeds", Blocks(1, 1, 2, 2), needs=2)
    with pytest.raises(ValueError, match=r"p_cross: got 1\.5"):
        Edge("e", "a", "b", "feeds", Blocks(1, 1, 2, 2), p_cross=1.5)
    with pytest.raises(ValueError, match="relation: got 'likes'"):
        Edge("e", "a", "b", "likes", Blocks(1, 1, 2, 2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="got a map over 2 of 'b', want 3"):
        Blueprint("hand", {"a": 2, "b": 3}, (good,))
    with pytest.raises(ValueError, match="got a map over 2 of 'b', want a known class"):
        Blueprint("hand", {"a": 2}, (good,))
    with pytest.raises(ValueError, match="'e' twice"):
        Blueprint("hand", {"a": 2, "b": 2}, (good, good))
    with pytest.raises(ValueError, match="want 3 in each of 2 nodes"):
        Blueprint("hand", {"node": 2, "a": 2}, (), {"a": Home(3)})
    with pytest.raises(ValueError, match="edge: got 'f', want one of e"):
        Blueprint("hand", {"a": 2, "b": 2}, (good,)).edge("f")


def test_irregular_machines_can_be_made_by_hand() -> None:
    index = Explicit.from_pairs(np.array([0, 0, 1]), np.array([1, 2, 2]), 2, 3)
    blueprint = Blueprint("hand", {"pump": 2, "node": 3}, (Edge("e", "pump", "node", "cools", index),))
    assert BlastWalk(blueprint).nodes_hit("pump", 0) == (1, 2)


def test_the_manuals_example_runs() -> None:
    manual = Path(__file__).parents[2] / "docs" / "adding" / "fabric.md"
    examples = re.findall(r"```python\n(.*?)```", manual.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, str(manual), "exec"), {"__name__": "manual"})
