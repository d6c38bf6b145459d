"""Instance graphs, and the files made of them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest

from ras_sim.topology import Blocks, Blueprint, Edge, export_graph, hgx, nvl72, pool, to_networkx
from ras_sim.topology.draw import class_depths

SMALL = hgx(4, hbm_per_gpu=1, nvlinks_per_gpu=1, dimms_per_node=2, ssds_per_node=1, nodes_per_pod=2, spines=1)
SVG = "{http://www.w3.org/2000/svg}"


def test_the_whole_machine_has_every_instance_and_every_pair() -> None:
    graph = to_networkx(SMALL)
    assert graph.number_of_nodes() == SMALL.n_parts
    n_pairs = sum(
        len(edge.index.targets_of(i)) for edge in SMALL.edges for i in range(SMALL.counts[edge.source])
    )
    assert graph.number_of_edges() == n_pairs
    data = graph.edges[("psu", 0), ("node", 0), "psu_feeds_node"]
    assert (data["name"], data["relation"], data["needs"]) == ("psu_feeds_node", "feeds", 4)


def test_classes_choose_and_near_reaches_so_many_hops() -> None:
    assert {cls for cls, _ in to_networkx(SMALL, classes=["gpu", "nic"])} == {"gpu", "nic"}
    whole = to_networkx(SMALL).to_undirected()
    for hops in range(4):
        near = to_networkx(SMALL, near=("nic", 5), hops=hops)
        assert set(near) == set(nx.ego_graph(whole, ("nic", 5), radius=hops))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": ["gpv"]}, "classes: got gpv"),
        ({"near": ("gpu", 99)}, "near: got gpu:99"),
        ({"near": ("fan", 0), "classes": ["gpu"]}, "near: got fan:0"),
        ({"max_instances": 10}, "want at most 10"),
        ({"near": ("node", 0), "max_instances": 10}, "more than 10"),
    ],
)
def test_wrong_parts_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_networkx(SMALL, **arguments)  # type: ignore[arg-type]


def test_a_huge_machine_is_refused_before_it_is_made() -> None:
    with pytest.raises(ValueError, match="want at most 100,000"):
        to_networkx(hgx(125_000), near=("spine", 0), hops=3, max_instances=100_000)


def test_graphml_comes_back_as_the_same_graph(tmp_path: Path) -> None:
    export_graph(SMALL, ("gpu", 3), 2, tmp_path / "part.graphml")
    back = nx.read_graphml(tmp_path / "part.graphml", force_multigraph=True)
    graph = to_networkx(SMALL, near=("gpu", 3), hops=2)
    assert set(back) == {f"{cls}:{instance}" for cls, instance in graph}
    assert {(s, t, d["name"]) for s, t, d in back.edges(data=True)} == {
        (f"{s[0]}:{s[1]}", f"{t[0]}:{t[1]}", name) for s, t, name in graph.edges(keys=True)
    }
    assert all(d.get("needs") == 4 for _, _, d in back.edges(data=True) if d["name"] == "psu_feeds_node")


def test_svg_draws_each_part_once_and_no_box_over_another(tmp_path: Path) -> None:
    export_graph(SMALL, ("node", 1), 1, tmp_path / "node.svg")
    root = ElementTree.parse(tmp_path / "node.svg").getroot()
    graph = to_networkx(SMALL, near=("node", 1), hops=1)
    boxes = root.findall(f"{SVG}g")
    assert sorted(box.findtext(f"{SVG}title", "") for box in boxes) == sorted(f"{c} {i}" for c, i in graph)
    corners = [(float(box[1].attrib["x"]), float(box[1].attrib["y"])) for box in boxes]
    for i, (x, y) in enumerate(corners):
        assert 0 <= x <= float(root.attrib["width"]) - 46
        assert 0 <= y <= float(root.attrib["height"]) - 22
        assert all(abs(x - u) >= 46 or abs(y - v) >= 22 for u, v in corners[:i])
    assert len([box for box in boxes if box[1].attrib["fill"] == "#c0392b"]) == 1


def test_svg_escapes_what_it_is_given(tmp_path: Path) -> None:
    edge = Edge("e", "<b>&", "node", "feeds", Blocks(1, 1, 1, 1))
    export_graph(Blueprint('"<x>', {"<b>&": 1, "node": 1}, (edge,)), None, 0, tmp_path / "odd.svg")
    texts = [text.text for text in ElementTree.parse(tmp_path / "odd.svg").iter(f"{SVG}text")]
    assert "<b>& (1)" in texts


def test_arrows_that_would_hide_their_boxes_are_counted_instead(tmp_path: Path) -> None:
    export_graph(nvl72(1, spines=3), ("nvswitch", 0), 1, tmp_path / "rack.svg")
    text = (tmp_path / "rack.svg").read_text(encoding="utf-8")
    assert f"gpu (72): {72 * 71:,} arrows among them are not drawn" in text


def test_too_much_and_odd_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got 401, want at most 400"):
        export_graph(pool(401), None, 0, tmp_path / "pool.svg")
    with pytest.raises(ValueError, match=r"ends in \.graphml or \.svg"):
        export_graph(pool(4), None, 0, tmp_path / "pool.png")
    export_graph(pool(400), None, 0, tmp_path / "pool.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["pool.svg"]


def test_depth_puts_holders_and_switches_above() -> None:
    depths = class_depths(SMALL)
    for upper, lower in [
        ("rack", "node"),
        ("node", "gpu"),
        ("gpu", "hbm"),
        ("spine", "uplink"),
        ("leaf", "link"),
    ]:
        assert depths[upper] < depths[lower]
    assert depths["optic"] == depths["link"] - 1
    assert min(depths.values()) == 0
