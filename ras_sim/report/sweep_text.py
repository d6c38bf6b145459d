"""A sweep in ten seconds: for the terminal (rich) and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ras_sim.report import sweep_views as views
from ras_sim.report.grid import Grid
from ras_sim.report.text import md, md_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ras_sim.experiment.sweep import Sweep

N_ROWS = 20
"""Up to this many points the terminal shows all, in their order; beyond, the best so many."""


def sweep_summary(sweep: Sweep) -> RenderableType:
    """The terminal summary of a sweep."""
    from rich.console import Group
    from rich.text import Text

    first, *others = views.verdict(sweep)
    n = len(sweep.axes)
    *names, metric, _, off, interval = views.heads(sweep)
    many = len(sweep.finished) > N_ROWS
    # The interval of the metric itself is in summary.md and on the page.
    rows = [
        (*row[: n + 1], row[n + 2].replace(" points", " pp"), row[n + 3])
        for row in views.rows(sweep, N_ROWS if many else None)
    ]
    parts: list[RenderableType] = [
        Text(sweep.scenario.name, style="bold"),
        Text(" · ".join(views.subtitle(sweep)), style="dim"),
        Text(),
        Text(first, style="bold"),
        *map(Text, others),
        Text(),
        Grid((*names, metric, off, interval.removesuffix(" of that")), rows, ()),
    ]
    if many:
        left = len(sweep.finished) - N_ROWS
        parts.append(Text(f"The best {N_ROWS}; {left:,} more: --out DIR, sweep.html", style="dim"))
    return Group(*parts)


def sweep_markdown(sweep: Sweep) -> str:
    """The sweep as Markdown, for `summary.md`."""
    parts = [
        f"# {md(sweep.scenario.name)}",
        md(" · ".join(views.subtitle(sweep))),
        "\n".join(f"* {md(line)}" for line in views.verdict(sweep)),
        md_table(views.heads(sweep), views.rows(sweep)),
    ]
    return "\n\n".join(parts) + "\n"
