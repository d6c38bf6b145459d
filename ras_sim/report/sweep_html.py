"""The page of a sweep: the same frame, look and helpers as the report of a run."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ras_sim.report import sweep_views as views
from ras_sim.report.html import document, write_page
from ras_sim.report.markup import Column, Section, details, figure, paragraph, table
from ras_sim.report.sweep_figures import charts

if TYPE_CHECKING:
    from ras_sim.experiment.sweep import Sweep

N_ROWS = 2000
"""The page lists at most this many points, the best first; all are in sweep.json."""


def write_sweep_report(sweep: Sweep, path: str | Path) -> Path:
    """Write the page of a sweep.

    Raises:
        InputError: the file cannot be written.
    """
    return write_page(sweep_page(sweep), path)


def sweep_page(sweep: Sweep) -> str:
    """The whole page as text."""
    title = f"{sweep.scenario.name} – sweep over {', '.join(axis.label for axis in sweep.axes)}"
    facts = escape(" · ".join(views.subtitle(sweep)))
    header = f'<header><h1>{escape(title)}</h1><p class="facts">{facts}</p></header>'
    return document(title, header, [make(sweep) for make in SECTIONS])


def best(sweep: Sweep) -> Section:
    """Which point is best, with the chart."""
    words = "".join(map(paragraph, views.verdict(sweep)))
    drawn = "".join(map(figure, charts(sweep))) if sweep.best is not None else ""
    return Section("best", "Which point is best", words + drawn)


def every_point(sweep: Sweep) -> Section:
    """Every point as a row."""
    n, many = len(sweep.axes), len(sweep.finished) > N_ROWS
    columns = [Column(head, place >= n) for place, head in enumerate(views.heads(sweep))]
    caption = f"The best {N_ROWS:,} points" if many else "Every finished point, in the order of the design"
    rows = views.rows(sweep, N_ROWS if many else None)
    return Section("points", "Every point", table(caption, columns, rows))


def method(sweep: Sweep) -> Section:
    """How the numbers were made, and what they do not say."""
    return Section(
        "method",
        "How it was done",
        paragraph(
            "Replication k of every point meets the same faults, drawn from the same keyed streams, so that points differ "
            "by what was varied and not by luck. The difference from the best point is taken replication by replication; "
            "its 95% interval is Student's t of these differences (of a ratio such as MTTI: the jackknife)."
        )
        + paragraph(
            "Each interval stands for itself. Among many points the one with the best mean owes part of it to chance: "
            "its own value is a little too good, and among points that cannot be told from it each may be the best.",
            "note",
        ),
    )


def scenario(sweep: Sweep) -> Section:
    """What was varied, and the whole scenario of the first point."""
    rows = [
        (factor.key, ", ".join(dict.fromkeys(point.values[place] for point in sweep.points)))
        for place, factor in enumerate(sweep.factors)
    ]
    varied = table("What was varied", (Column("key"), Column("values")), rows)
    text = details("Scenario of the first point, every value", sweep.scenario.resolved_text)
    return Section("scenario", "Scenario", varied + text)


SECTIONS: tuple[Callable[[Sweep], Section], ...] = (best, every_point, method, scenario)
"""The page in its order: a new section is one function and one line here."""
