"""Draw: a part of the machine as GraphML for other tools, or as an SVG picture.

In the picture each class has a panel, holders above what they hold and switches above what they serve;
each part is a box with its number; an arrow points the way trouble goes, its colour is the relation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ras_sim.topology.blueprint import RELATIONS, Blueprint
from ras_sim.topology.instances import Instance, to_networkx

if TYPE_CHECKING:
    import networkx as nx

MAX_DRAWN = 400
MAX_EXPORTED = 100_000

_COLOURS = {
    "contains": "#9aa5b1",
    "connects": "#1f6fb5",
    "feeds": "#d9822b",
    "cools": "#14a3a3",
    "shares_memory": "#8e44ad",
    "resets_with": "#c2417c",
    "fails_with": "#b3261e",
    "same_nic": "#5b7f2b",
    "lane_group": "#8c6d1f",
    "same_switch": "#4a5a8c",
}
_BOX_W, _BOX_H, _GAP = 46, 22, 8
_PANEL_PAD, _PANEL_HEAD, _PANEL_GAP, _ROW_GAP = 10, 20, 22, 44
_MOST_ARCS = 120  # eight GPUs that share memory and reset together have 112
_MARGIN, _HEAD, _TITLE_W, _WIDEST = 24, 56, 780, 1360
_LEGEND_W = 125  # of one relation

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Panel:
    """The boxes of one class, in lines, with the top left corner once it is known."""

    title: str
    members: tuple[Instance, ...]
    per_line: int
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        return max(self.per_line * (_BOX_W + _GAP) - _GAP, 7 * len(self.title)) + 2 * _PANEL_PAD

    @property
    def height(self) -> float:
        n_lines = -(-len(self.members) // self.per_line)
        return _PANEL_HEAD + n_lines * (_BOX_H + _GAP) - _GAP + 2 * _PANEL_PAD

    def places(self) -> dict[Instance, Place]:
        """Top left corner of each box."""
        left, top = self.x + _PANEL_PAD, self.y + _PANEL_HEAD + _PANEL_PAD
        return {
            member: (left + i % self.per_line * (_BOX_W + _GAP), top + i // self.per_line * (_BOX_H + _GAP))
            for i, member in enumerate(self.members)
        }


def export_graph(blueprint: Blueprint, around: Instance | None, hops: int, path: Path) -> None:
    """Write the part of the machine near an instance to a file.

    Args:
        blueprint: the machine.
        around: the instance in the middle, marked in the picture; None: the whole machine.
        hops: how many edges from it, >= 0; has no meaning without it.
        path: ends in ``.graphml`` or ``.svg``.
    Raises:
        ValueError: another ending, an unknown instance, or more than 400 parts to draw or 100,000 to export.
    """
    path = Path(path)
    if path.suffix not in (".graphml", ".svg"):
        raise ValueError(f"picture: got {path.name!r}, want a name that ends in .graphml or .svg")
    limit = MAX_DRAWN if path.suffix == ".svg" else MAX_EXPORTED
    graph = to_networkx(blueprint, near=around, hops=hops, max_instances=limit)
    if path.suffix == ".svg":
        path.write_text(svg(blueprint, graph, around), encoding="utf-8")
    else:
        _write_graphml(graph, path)


def _write_graphml(graph: nx.MultiDiGraph[Instance], path: Path) -> None:
    import networkx as nx  # 0.2 s of import that a run does not need

    plain: nx.MultiDiGraph[str] = nx.MultiDiGraph(kind=graph.graph["kind"])
    for cls, instance_id in graph.nodes:
        plain.add_node(f"{cls}:{instance_id}", cls=cls, instance=instance_id)
    for source, target, name, data in graph.edges(keys=True, data=True):
        # GraphML knows no None: an edge without `needs` wants all of its sources.
        kept = {field: value for field, value in data.items() if value is not None}
        plain.add_edge(f"{source[0]}:{source[1]}", f"{target[0]}:{target[1]}", key=name, **kept)
    nx.write_graphml_xml(plain, path)


# ---------------------------------------------------------------------- picture


def class_depths(blueprint: Blueprint) -> dict[str, int]:
    """Row of each class, 0 at the top: below every class that holds it or stands before it.

    Holding decides; another edge counts only while it closes no ring (a power supply feeds the node that
    holds it). A class with nothing above it comes down to just above the first one it serves.
    """
    import networkx as nx  # 0.2 s of import that a run does not need

    order: nx.DiGraph[str] = nx.DiGraph()
    order.add_nodes_from(blueprint.counts)
    for edge in sorted(blueprint.edges, key=lambda edge: edge.relation != "contains"):
        if edge.source != edge.target and not nx.has_path(order, edge.target, edge.source):
            order.add_edge(edge.source, edge.target)
    depths: dict[str, int] = {}
    for cls in nx.topological_sort(order):
        depths[cls] = max((depths[above] + 1 for above in order.predecessors(cls)), default=0)
    for cls in reversed(list(nx.topological_sort(order))):
        below = [depths[served] for served in order.successors(cls)]
        if below and not order.in_degree(cls):
            depths[cls] = min(below) - 1
    top = min(depths.values())
    return {cls: depth - top for cls, depth in depths.items()}


def svg(blueprint: Blueprint, graph: nx.MultiDiGraph[Instance], marked: Instance | None) -> str:
    """The picture of an instance graph as SVG text."""
    panels = _laid_out(_panels_by_depth(blueprint, graph))
    places = {member: place for panel in panels for member, place in panel.places().items()}
    present = {data["relation"] for _, _, data in graph.edges(data=True)}
    rightmost = max(_MARGIN + len(present) * _LEGEND_W, *(panel.x + panel.width for panel in panels))
    width = int(rightmost) + _MARGIN
    height = int(max(panel.y + panel.height for panel in panels)) + _MARGIN
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" font-family="system-ui, sans-serif" font-size="11" role="img">',
        f"<title>{escape(_title(blueprint, graph, marked))}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _markers(),
        *_legend(blueprint, graph, marked),
        *_frames(panels),
        *_arrows(graph, places),
        *_titles(panels),
        *_boxes(places, marked),
        "</svg>",
        "",
    ])  # fmt: skip


def _title(blueprint: Blueprint, graph: nx.MultiDiGraph[Instance], marked: Instance | None) -> str:
    where = f" around {marked[0]} {marked[1]}" if marked else ""
    return f"{blueprint.kind}{where}: {len(graph)} of {blueprint.n_parts:,} parts"


def _panels_by_depth(blueprint: Blueprint, graph: nx.MultiDiGraph[Instance]) -> list[list[_Panel]]:
    """One panel per class, those of one depth together, top depth first."""
    depths = class_depths(blueprint)
    n_left_out = _too_many_arcs(graph)
    by_depth: dict[int, list[_Panel]] = {}
    for cls in sorted({cls for cls, _ in graph.nodes}):
        members = tuple(sorted(instance for instance in graph.nodes if instance[0] == cls))
        per_line = min(len(members), max(8, round(2 * len(members) ** 0.5)))
        title = f"{cls} ({len(members)})"
        if cls in n_left_out:
            title += f": {n_left_out[cls]:,} arrows among them are not drawn"
        by_depth.setdefault(depths[cls], []).append(_Panel(title, members, per_line))
    return [by_depth[depth] for depth in sorted(by_depth)]


def _too_many_arcs(graph: nx.MultiDiGraph[Instance]) -> dict[str, int]:
    """Classes with so many arrows among their own members that they would hide them, and how many."""
    n_arcs: dict[str, int] = {}
    for source, target in graph.edges():
        if source[0] == target[0]:
            n_arcs[source[0]] = n_arcs.get(source[0], 0) + 1
    return {cls: count for cls, count in n_arcs.items() if count > _MOST_ARCS}


def _laid_out(rows: Sequence[Sequence[_Panel]]) -> list[_Panel]:
    """The panels with their places: each depth in one line or more, each line centred."""
    lines: list[list[_Panel]] = []
    for row in rows:
        lines.append([])
        for panel in row:
            if lines[-1] and _line_width([*lines[-1], panel]) > _WIDEST:
                lines.append([])
            lines[-1].append(panel)
    middle = _MARGIN + max(_TITLE_W, *map(_line_width, lines)) / 2
    placed: list[_Panel] = []
    y = float(_MARGIN + _HEAD)
    for line in lines:
        x = middle - _line_width(line) / 2
        for panel in line:
            placed.append(replace(panel, x=x, y=y))
            x += panel.width + _PANEL_GAP
        y += max(panel.height for panel in line) + _ROW_GAP
    return placed


def _line_width(line: Sequence[_Panel]) -> float:
    return sum(panel.width for panel in line) + _PANEL_GAP * (len(line) - 1)


def _markers() -> str:
    heads = "".join(
        f'<marker id="to-{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6"'
        ' orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{colour}"/></marker>'
        for name, colour in _COLOURS.items()
    )
    return f"<defs>{heads}</defs>"


def _legend(blueprint: Blueprint, graph: nx.MultiDiGraph[Instance], marked: Instance | None) -> list[str]:
    title = escape(_title(blueprint, graph, marked))
    drawn = [f'<text x="{_MARGIN}" y="{_MARGIN + 12}" font-size="15" font-weight="600">{title}</text>']
    present = {data["relation"] for _, _, data in graph.edges(data=True)}
    for column, name in enumerate(name for name in RELATIONS if name in present):
        x = _MARGIN + column * _LEGEND_W
        drawn.append(
            f'<path d="M{x} {_MARGIN + 32} h26" stroke="{_COLOURS[name]}" stroke-width="2" fill="none"'
            f' marker-end="url(#to-{name})"/>'
            f'<text x="{x + 32}" y="{_MARGIN + 36}" fill="#3b4754">{escape(name.replace("_", " "))}</text>'
        )
    return drawn


def _arrows(graph: nx.MultiDiGraph[Instance], places: dict[Instance, Place]) -> list[str]:
    # Many arrows over each other hide the boxes behind them: the more there are, the fainter.
    faint = max(0.3, min(0.8, 60 / max(graph.number_of_edges(), 1)))
    hidden = _too_many_arcs(graph)
    return [
        f'<path d="{_curve(places[source], places[target])}" fill="none"'
        f' stroke="{_COLOURS[data["relation"]]}" stroke-opacity="{faint:.2f}"'
        f' marker-end="url(#to-{data["relation"]})"/>'
        for source, target, data in graph.edges(data=True)
        if source[0] != target[0] or source[0] not in hidden
    ]


def _curve(source: Place, target: Place) -> str:
    """A path from box to box: down, up, or in an arc over the row."""
    x0, x1 = source[0] + _BOX_W / 2, target[0] + _BOX_W / 2
    if source[1] == target[1]:
        y, lift = source[1], 8 + min(26.0, abs(x1 - x0) / 12)
        return f"M{x0:.0f} {y:.0f} C{x0:.0f} {y - lift:.0f} {x1:.0f} {y - lift:.0f} {x1:.0f} {y:.0f}"
    down = target[1] > source[1]
    y0, y1 = (source[1] + _BOX_H, target[1]) if down else (source[1], target[1] + _BOX_H)
    # The way back up bends to the side of the way down, so that a pair of arrows is seen as two.
    bend = 0 if down else 14
    middle = (y0 + y1) / 2
    return f"M{x0:.0f} {y0:.0f} C{x0 + bend:.0f} {middle:.0f} {x1 + bend:.0f} {middle:.0f} {x1:.0f} {y1:.0f}"


def _frames(panels: Sequence[_Panel]) -> list[str]:
    return [
        f'<rect x="{panel.x:.0f}" y="{panel.y:.0f}" width="{panel.width:.0f}" height="{panel.height:.0f}"'
        ' rx="8" fill="#f7f9fb" stroke="#dde3e9"/>'
        for panel in panels
    ]


def _titles(panels: Sequence[_Panel]) -> list[str]:
    return [
        f'<text x="{panel.x + _PANEL_PAD:.0f}" y="{panel.y + 18:.0f}" font-size="12" font-weight="600"'
        f' fill="#3b4754">{escape(panel.title)}</text>'
        for panel in panels
    ]


def _boxes(places: dict[Instance, Place], marked: Instance | None) -> list[str]:
    drawn = []
    for (cls, instance_id), (x, y) in places.items():
        fill, ink = ("#c0392b", "#ffffff") if (cls, instance_id) == marked else ("#eef2f6", "#1d2630")
        drawn.append(
            f'<g><title>{escape(cls)} {instance_id}</title><rect x="{x:.0f}" y="{y:.0f}" width="{_BOX_W}"'
            f' height="{_BOX_H}" rx="4" fill="{fill}" stroke="#8895a3"/><text x="{x + _BOX_W / 2:.0f}"'
            f' y="{y + 15:.0f}" text-anchor="middle" fill="{ink}">{instance_id}</text></g>'
        )
    return drawn
