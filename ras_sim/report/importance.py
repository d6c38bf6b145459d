"""Goodput importance for readers: the terminal (rich), Markdown and the page say the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ras_sim.report import style
from ras_sim.report.compare_views import NOTHING, probability, spread
from ras_sim.report.figures import Chart, blank, ticks, to_spec
from ras_sim.report.grid import Grid
from ras_sim.report.html import document, write_page
from ras_sim.report.markup import Column, Section, details, figure, paragraph, table
from ras_sim.report.style import number, percent
from ras_sim.report.text import md, md_table
from ras_sim.report.timeline import safe

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ras_sim.experiment.importance import Gain, Importance

CHANGE_LABELS: Mapping[str, str] = {
    "fewer": "fails 10% less",
    "never": "never fails",
    "contained": "contained",
    "found": "found at once",
    "lower": "repaired one rung lower",
}
"""What then holds of the target of a change."""
N_TERMINAL = 6
"""Up to this many targets of each change the terminal shows, the largest gains."""
N_BARS = 20
_N_NAMED = 6
_UP, _DOWN = "#0072B2", "#D55E00"
_HEADS = ("of what", "goodput", "95% interval", "P(better)", "lost GPU-h")


def by_change(found: Importance) -> dict[str, list[Gain]]:
    """The gains of each change that was run, the largest first."""
    table = {what: [gain for gain in found.gains if gain.what == what] for what in CHANGE_LABELS}
    return {what: gains for what, gains in table.items() if gains}


def subtitle(found: Importance) -> list[str]:
    """Changes, replications, seed: one short phrase each."""
    n, goodput = found.replications, percent(found.goodput.mean, 3)
    parts = [
        f"goodput {goodput} as it is",
        f"{len(found.gains):,} changes on the same failures",
        f"{n:,} replication{'s' if n != 1 else ''} of each",
        f"seed {found.seed}",
    ]
    if found.interrupted:
        parts.append(f"stopped early: {len(found.gains):,} of {found.n_wanted:,} changes finished")
    return parts


def verdict(found: Importance) -> list[str]:
    """Of each change the target at which it gains most, the largest gain first."""
    lines = []
    changes = by_change(found)
    for what in sorted(changes, key=lambda name: -(changes[name][0].goodput.estimate.mean or 0.0)):
        best = changes[what][0]
        if (best.goodput.estimate.mean or 0.0) <= 0 or best.goodput.is_zero:
            lines.append(f"{_head(what)}: no target gains.")
            continue
        amount, interval = spread(best.goodput, "percent")
        sure = "" if best.goodput.is_clear else ", not to be told from nothing"
        lines.append(f"{_head(what)}: {best.target} gains most, {amount} (95%: {interval}{sure}).")
    return lines


def remarks(found: Importance) -> list[str]:
    """What was not run, and why."""
    lines = []
    if found.unseen:
        lines.append(f"No incident in these histories: {', '.join(found.unseen)}.")
    reasons: dict[tuple[str, str], list[str]] = {}
    for key, why in found.not_offered.items():
        target, _, what = key.rpartition(": ")
        if "." in target:  # what holds for a class follows from its modes
            reasons.setdefault((what, why), []).append(target)
    for (what, why), targets in reasons.items():
        more = f" and {len(targets) - _N_NAMED} more" if len(targets) > _N_NAMED else ""
        lines.append(f"{_head(what)}, not run ({why}): {', '.join(targets[:_N_NAMED])}{more}.")
    return lines


def _head(what: str) -> str:
    label = CHANGE_LABELS[what]
    return label[0].upper() + label[1:]


def rows(gains: Sequence[Gain]) -> list[list[str]]:
    """Target, gain, interval, probability that it is one, change of the lost GPU-hours of a run."""
    found = []
    for gain in gains:
        amount, interval = spread(gain.goodput, "percent")
        lost = gain.lost_gpu_hours.estimate.mean
        saved = NOTHING if amount == "no difference" else number(lost, 3)
        found.append([gain.target, amount, interval, probability(gain.goodput.p_greater), saved])
    return found


def importance_summary(found: Importance) -> RenderableType:
    """The terminal summary."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text(found.scenario.name, style="bold"),
        Text(" · ".join(subtitle(found)), style="dim"),
    ]
    lines: list[Sequence[str]] = []
    left = 0
    for what, gains in by_change(found).items():
        shown = gains[:N_TERMINAL]
        left += len(gains) - len(shown)
        lines.append([_head(what)])
        for name, amount, *others in rows(shown):
            lines.append([f"  {name}", amount.replace(" points", " pp"), *others])
    parts += [Text(), Grid(_HEADS, lines), Text(), *map(Text, verdict(found)[:1])]
    if left:
        parts.append(Text(f"{left:,} more, with smaller gains: --out DIR, importance.html", style="dim"))
    return Group(*parts)


def importance_markdown(found: Importance) -> str:
    """The result as Markdown, for `summary.md`."""
    parts = [f"# {md(found.scenario.name)}: goodput importance", md(" · ".join(subtitle(found)))]
    parts.append("\n".join(f"* {md(line)}" for line in verdict(found)))
    for what, gains in by_change(found).items():
        parts += [f"## {md(_head(what))}", md_table(_HEADS, rows(gains))]
    parts += [md(line) for line in remarks(found)]
    return "\n\n".join(parts) + "\n"


def write_importance_report(found: Importance, path: str | Path) -> Path:
    """Write the page.

    Raises:
        InputError: the file cannot be written.
    """
    return write_page(importance_page(found), path)


def importance_page(found: Importance) -> str:
    """The whole page as text."""
    title = f"{found.scenario.name} – goodput importance"
    facts = escape(" · ".join(subtitle(found)))
    header = f'<header><h1>{escape(title)}</h1><p class="facts">{facts}</p></header>'
    return document(title, header, [make(found) for make in SECTIONS])


def tornado(what: str, gains: Sequence[Gain]) -> Chart:
    """Gain of one change at each target, with its 95% interval, the largest first."""
    import plotly.graph_objects as go

    shown = [gain for gain in gains if not gain.goodput.is_zero][:N_BARS]
    means = [100 * (gain.goodput.estimate.mean or 0.0) for gain in shown]
    ends = [gain.goodput.estimate.ci95 for gain in shown]
    halves = [0.0 if pair is None else 50 * (pair[1] - pair[0]) for pair in ends]
    chart = blank(showlegend=False)
    chart.add_trace(
        go.Bar(
            orientation="h",
            y=list(range(len(shown))),
            x=[round(mean, 7) for mean in means],
            error_x={"type": "data", "array": [round(half, 7) for half in halves], "color": style.NEUTRAL},
            marker={"color": [_UP if mean > 0 else _DOWN for mean in means]},
            hovertext=[f"{safe(gain.target)}: {safe(spread(gain.goodput, 'percent')[0])}" for gain in shown],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    chart.update_xaxes(title_text="goodput gained, points (bar: 95% interval)", zeroline=True, showgrid=True)
    chart.update_yaxes(autorange="reversed", **ticks([gain.target for gain in shown]))
    return Chart(f"gain-{what}", f"{_head(what)}: goodput gained", (to_spec(chart),), 110 + 30 * len(shown))


def ranking(found: Importance) -> Section:
    """What gains most, as one tornado for each change."""
    words = "".join(map(paragraph, verdict(found)))
    drawn = [
        figure(tornado(what, gains))
        for what, gains in by_change(found).items()
        if any(not gain.goodput.is_zero for gain in gains)
    ]
    return Section("ranking", "What is worth most", words + "".join(drawn))


def every_change(found: Importance) -> Section:
    """Every change as a row, and what was not run."""
    columns = [Column(head, place > 0) for place, head in enumerate(_HEADS)]
    tables = [table(_head(what), columns, rows(gains)) for what, gains in by_change(found).items()]
    left_out = "".join(paragraph(line, "note") for line in remarks(found))
    return Section("changes", "Every change", "".join(tables) + left_out)


def method(_found: Importance) -> Section:
    """How the numbers were made, and what they do not say."""
    return Section(
        "method",
        "How it was done",
        paragraph(
            "Each change is a run of its own on the same histories: all draws about other faults stay the same. The "
            "difference in goodput is taken replication by replication; its 95% interval is Student's t of these."
        )
        + paragraph(
            "Gains do not add up: two modes may share an interruption, and what one no longer stops the other still does. "
            "Each interval stands for itself; of many changes the largest owes part of its gain to chance.",
            "note",
        ),
    )


def scenario(found: Importance) -> Section:
    """The whole scenario as it is."""
    return Section("scenario", "Scenario", details("Scenario, every value", found.scenario.resolved_text))


SECTIONS: tuple[Callable[[Importance], Section], ...] = (ranking, every_change, method, scenario)
"""The page in its order: a new section is one function and one line here."""
