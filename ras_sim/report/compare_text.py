"""A comparison in ten seconds: for the terminal (rich) and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ras_sim.report import compare_views as views
from ras_sim.report.grid import Grid
from ras_sim.report.setting import changed
from ras_sim.report.text import md, md_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ras_sim.experiment.compare import Against, Comparison
    from ras_sim.report.compare_views import Line

N_ROWS = 5
N_PARTINGS = 3
N_IN_FULL = 3
"""Designs that the terminal shows in full; more are in summary.md and compare.html."""

_HEADS = ("", "base", "other", "difference", "95% interval", "P(better)", "pairing")


def compare_summary(comparison: Comparison) -> RenderableType:
    """The terminal summary of a comparison."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text(comparison.designs[0].name, style="bold"),
        Text(" · ".join(views.subtitle(comparison)), style="dim"),
        Text(),
        *(Text(views.verdict(one), style=_style(one)) for one in comparison.against),
        *(Text(line) for one in comparison.against for line in views.break_even(one)),
    ]
    if views.unpriced(comparison):
        parts.append(Text(views.unpriced(comparison), style="dim"))
    for one in comparison.against[:N_IN_FULL]:
        parts += _in_full(one)
    left = len(comparison.against) - N_IN_FULL
    if left > 0:
        noun = "design" if left == 1 else "designs"
        parts += [Text(), Text(f"The numbers of {left} more {noun}: --out DIR, compare.html", style="dim")]
    return Group(*parts)


def _style(one: Against) -> str:
    """Colour of a verdict; its words say the same."""
    goodput = one.metrics["goodput"]
    if not goodput.is_clear:
        return ""
    return "bold green" if (goodput.estimate.mean or 0.0) > 0 else "bold red"


def _in_full(one: Against) -> list[RenderableType]:
    """The tables of one design."""
    from rich.text import Text

    lines: list[RenderableType] = [Text(), _table(one.design.label, views.metric_lines(one))]
    for title, name in (("Lost GPU-hours by category", "lost_gpu_hours_by_category"), _BY_CAUSE):
        rows = views.table_lines(one, name, N_ROWS)
        if rows:
            lines += [Text(), _table(title, rows)]
    lines += [Text(), Text(views.matching(one)), Text(views.attribution(one))]
    for parting in one.partings[:N_PARTINGS]:
        ours, theirs = parting.base, parting.other
        lines.append(Text(f"{views.name_of(parting)}: {views.extra(parting)}", style="bold"))
        lines.append(Text(f"  base:  {views.walked(ours, ours.first)}", style="dim"))
        lines.append(Text(f"  other: {views.walked(theirs, theirs.first)}", style="dim"))
    if one.shared.different:
        lines += [Text(), Text(views.shared_histories(one))]
    return lines


_BY_CAUSE = ("Lost GPU-hours by root cause", "lost_gpu_hours_by_mode")


def _table(title: str, rows: Sequence[Line]) -> Grid:
    """Differences as a table; the worth of pairing is in the verdict, in summary.md and on the page."""
    short = [(*row[:3], row.difference.replace(" points", " pp"), row.interval, row.p_better) for row in rows]
    return Grid(_HEADS[:-1], short, title=title)


def compare_markdown(comparison: Comparison) -> str:
    """The comparison as Markdown, for `summary.md`."""
    parts = [f"# {md(comparison.designs[0].name)}", md(" · ".join(views.subtitle(comparison)))]
    parts.append("\n".join(f"* {md(line)}" for line in _findings(comparison)))
    for one in comparison.against:
        parts += [f"## {md(one.design.label)}", md_table(_HEADS, views.metric_lines(one))]
        for title, name in (("By category", "lost_gpu_hours_by_category"), ("By root cause", _BY_CAUSE[1])):
            rows = views.table_lines(one, name, 2 * N_ROWS)
            if rows:
                parts += [f"### Lost GPU-hours: {title.lower()}", md_table(_HEADS, rows)]
        bill = views.bill_lines(one)
        if bill:
            parts += [f"### What it costs, {md(one.design.scenario.currency or '')}", md_table(_HEADS, bill)]
        parts += ["### The same faults", md(views.matching(one)), md(views.attribution(one))]
        found = [
            (
                views.name_of(parting),
                views.extra(parting),
                views.walked(parting.base, parting.base.first),
                views.walked(parting.other, parting.other.first),
            )
            for parting in one.partings[: 2 * N_ROWS]
        ]
        if found:
            parts.append(md_table(("fault", "difference", "rungs in the base", "rungs in the other"), found))
        parts += ["### What differs", *_differing(one)]
    return "\n\n".join(parts) + "\n"


def _findings(comparison: Comparison) -> list[str]:
    """Verdicts, break-even prices, and why bills are not compared."""
    lines = [views.verdict(one) for one in comparison.against]
    lines += [line for one in comparison.against for line in views.break_even(one)]
    return [*lines, *filter(None, [views.unpriced(comparison)])]


def _differing(one: Against) -> list[str]:
    """Settings that differ, and what of the histories is shared."""
    rows = changed(one.changes)
    settings = md_table(("setting", "base", "other"), rows) if rows else "No setting differs."
    return [settings, md(views.shared_histories(one))]
