"""Sensitivity for readers: the terminal (rich), Markdown and the page say the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ras_sim.metrics.paired import Difference
from ras_sim.report import sensitivity_figures as figures
from ras_sim.report.compare_views import NOTHING, level, spread
from ras_sim.report.grid import Grid
from ras_sim.report.html import document, write_page
from ras_sim.report.markup import Column, Section, details, figure, paragraph, table
from ras_sim.report.sensitivity_words import EXPLAINED
from ras_sim.report.setting import setting
from ras_sim.report.style import number, percent
from ras_sim.report.sweep_views import kind_of, metric_label
from ras_sim.report.text import md, md_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ras_sim.experiment.screening import Index, Screening
    from ras_sim.experiment.sensitivity import Sensitivity
    from ras_sim.experiment.varied import Varied
    from ras_sim.metrics.estimates import Estimate

N_TERMINAL = 20
_N_NAMED = 6


def subtitle(found: Sensitivity) -> list[str]:
    """Method, points, replications, seed: one short phrase each."""
    n = found.replications
    how = {
        "tornado": "one number at a time, low and high",
        "morris": f"Morris, {found.n:,} trajectories",
        "sobol": f"Sobol, {found.n:,} samples",
    }
    return [
        f"{len(found.numbers)} uncertain number{'s' if len(found.numbers) != 1 else ''}",
        how[found.method],
        f"{found.n_points:,} points on the same failures",
        f"{n:,} replication{'s' if n != 1 else ''} of each",
        f"seed {found.seed}",
    ]


def verdict(found: Sensitivity) -> list[str]:
    """What matters most, what cannot be told from nothing, and how much of it is luck."""
    return _tornado_verdict(found) if found.screening is None else _screening_verdict(found)


def _metric(found: Sensitivity) -> str:
    return metric_label(found.metric, found.scenario.currency)


def _lead(found: Sensitivity) -> str:
    kind = kind_of(found.metric)
    mean = None if found.base is None else found.base.mean
    low, high = found.response or (None, None)
    return (
        f"{_metric(found)} is {level(mean, kind)} as the scenario is, and between {level(low, kind)} and "
        f"{level(high, kind)} over the points."
    )


def _tornado_verdict(found: Sensitivity) -> list[str]:
    first, *_ = found.ranked()
    lines = [_lead(found)]
    if not found.swings[first].swing.mean:
        return [*lines, "None of the numbers moves it."]
    lines.append(f"It depends most on {_swing_text(found, first)}.")
    clear = [place for place in found.ranked() if found.swings[place].is_clear]
    if clear and clear[0] != first:
        lines.append(f"That may be luck; what is more than luck begins with {_swing_text(found, clear[0])}.")
    luck = [
        found.numbers[i].key
        for i in found.ranked()
        if not found.swings[i].is_clear and found.swings[i].swing.mean
    ]
    still = [found.numbers[i].key for i in found.ranked() if not found.swings[i].swing.mean]
    if found.replications < 2:
        lines.append("One replication cannot tell how much of a swing is luck: run more.")
    elif luck:
        lines.append(f"The swing may be luck alone, with these replications: {_listed(luck)}.")
    if still:
        lines.append(f"Moves nothing in any history: {_listed(still)}.")
    return lines


def _swing_text(found: Sensitivity, place: int) -> str:
    """A number with its swing."""
    one = found.numbers[place]
    amount, interval = _size(found.swings[place].swing, kind_of(found.metric))
    sure = f" (95%: {interval})" if interval != NOTHING else ""
    return f"{one.key}: a swing of {amount}{sure} from {' to '.join(ends(one))}"


def _screening_verdict(found: Sensitivity) -> list[str]:
    lines, screening = [_lead(found)], found.screening
    assert screening is not None, "asked only with a screening"
    first, *_ = found.ranked()
    key = found.numbers[first].key
    if found.method == "morris":
        star, sigma = (screening.indices[name][first].value or 0.0 for name in ("mu_star", "sigma"))
        if star == 0:
            return [*lines, "None of the numbers moves it."]
        amount = _size_text(star, kind_of(found.metric))
        bent = "; its effect depends on the others, or is no straight line" if sigma > 0.5 * star else ""
        lines.append(f"It depends most on {key}: {amount} on average over the whole range{bent}.")
    else:
        share = screening.indices["ST"][first].value
        if share is None:
            return [*lines, "None of the numbers moves it."]
        total, alone = (_index_text(screening.indices[name][first]) for name in ("ST", "S1"))
        lines.append(
            f"It depends most on {key}: its share of the variance is ST {total}, by itself S1 {alone}."
        )
    lines += _luck(found, screening)
    share = screening.luck_share
    if share is None:
        lines.append("One replication cannot tell how much is luck: run more.")
    else:
        lines.append(
            f"{_share(share)} of the variance over the points is luck: with other histories it would fall otherwise."
        )
    return lines


def _luck(found: Sensitivity, screening: Screening) -> list[str]:
    """Which numbers move the metric by no more than other histories might, as a tornado tells it."""
    indices = screening.indices[screening.main]
    first, *_ = order = [place for place in found.ranked() if indices[place].value]
    luck = [place for place in order if screening.may_be_luck(place)]
    clear = [place for place in order if place not in luck]
    lines = []
    if first in luck:
        more = (
            f"what is more than luck begins with {found.numbers[clear[0]].key}"
            if clear
            else "so may all else"
        )
        lines.append(f"That may be luck; {more}.")
    if luck:
        names = _listed([found.numbers[place].key for place in luck])
        lines.append(f"The index may be luck alone, with these replications: {names}.")
    return lines


def _index_text(one: Index) -> str:
    return f"{number(one.value, 2)} ± {number(one.sampling, 2)}"


def _share(share: float) -> str:
    return "Less than 0.1%" if share < 0.001 else percent(share, 1)


def remarks(found: Sensitivity) -> list[str]:
    """Ranges that do not hold the value of the scenario itself."""
    return [
        f"{one.key}: the scenario has {value_text(one)}, outside of the range {' to '.join(ends(one))}."
        for one in found.numbers
        if one.is_outside
    ]


def value_text(one: Varied) -> str:
    """The value of the scenario as it is."""
    return "no one number" if one.base is None else _written(one, one.base)


def ends(one: Varied) -> tuple[str, str]:
    """The range of a number, as its author wrote it; of a factor the values that it leads to."""
    if one.times is None:
        return one.low, one.high
    return _written(one, one.span.low), _written(one, one.span.high)


def _written(one: Varied, value: float) -> str:
    return setting(one.key, one.span.exactly(value))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
    return ", ".join(names[:_N_NAMED]) + more


def _as_difference(one: Estimate) -> Difference:
    """An estimate in the shape that is written with as many decimals as its interval bears."""
    return Difference(None, None, one, None, None)


def _size(one: Estimate, kind: str) -> tuple[str, str]:
    """A size, which has no sign, and its interval."""
    amount, interval = spread(_as_difference(one), kind)
    return amount.removeprefix("+"), interval.replace("+", "")


def _size_text(value: float, kind: str) -> str:
    from ras_sim.metrics.estimates import Estimate

    return _size(Estimate(value, None, None, 1), kind)[0]


def heads(found: Sensitivity) -> list[str]:
    """Headings of `rows`."""
    first = ["uncertain number", "low", "as it is", "high"]
    if found.method == "tornado":
        return [*first, "at low", "at high", "swing", "95% interval"]
    names = ("mu*", "sigma", "mu") if found.method == "morris" else ("ST", "S1")
    return [*first, *(cell for name in names for cell in (name, "points", "histories"))]


def rows(found: Sensitivity) -> list[list[str]]:
    """Every number, the one that matters most first."""
    kind, lines = kind_of(found.metric), []
    for place in found.ranked():
        one = found.numbers[place]
        low, high = ends(one)
        line = [one.key, low, value_text(one), high]
        if found.screening is None:
            swing = found.swings[place]
            line += [spread(swing.at_low, kind)[0], spread(swing.at_high, kind)[0], *_size(swing.swing, kind)]
        else:
            for name in ("mu_star", "sigma", "mu") if found.method == "morris" else ("ST", "S1"):
                line += _index_cells(found.screening.indices[name][place], found)
        lines.append(line)
    return lines


def _index_cells(one: Index, found: Sensitivity) -> list[str]:
    """An index and the half-widths of its two intervals."""
    scales = {"percent": 100.0, "thousands": 0.001} if found.method == "morris" else {}
    scale = scales.get(kind_of(found.metric), 1.0)
    halves = [
        NOTHING if half is None else f"±{number(scale * half, 2)}" for half in (one.sampling, one.histories)
    ]
    return [NOTHING if one.value is None else number(scale * one.value), *halves]


def unit_note(found: Sensitivity) -> str:
    """In what the numbers of a table are."""
    kind = kind_of(found.metric)
    if found.method == "tornado":
        return f"{_metric(found)} in points." if kind == "percent" else ""
    if found.method != "morris":
        return ""
    unit = {"percent": " in points", "span": " in hours"}.get(kind, "")
    return f"{_metric(found)}{unit}, over the whole of each range."


def sensitivity_summary(found: Sensitivity) -> RenderableType:
    """The terminal summary."""
    from rich.console import Group
    from rich.text import Text

    lead, *others = verdict(found)
    parts: list[RenderableType] = [
        Text(found.scenario.name, style="bold"),
        Text(" · ".join(subtitle(found)), style="dim"),
        Text(),
        Text(lead),
        *(Text(line, style="bold" if place == 0 else "") for place, line in enumerate(others)),
        Text(),
    ]
    shown = _short_rows(found)
    columns, lines = shown[0], shown[1:]
    parts.append(Grid(columns, lines[:N_TERMINAL]))
    if len(lines) > N_TERMINAL:
        parts.append(
            Text(f"{len(lines) - N_TERMINAL} more, with less: --out DIR, sensitivity.html", style="dim")
        )
    note = unit_note(found)
    parts += [Text(line, style="dim") for line in (note, *remarks(found)) if line]
    return Group(*parts)


def _short_rows(found: Sensitivity) -> list[list[str]]:
    """Headings and rows for 80 columns: short names, no values, intervals as ±."""
    names = [found.numbers[place].label for place in found.ranked()]
    twice = {name for name in names if names.count(name) > 1}
    labels = [
        found.numbers[place].key if name in twice else name
        for place, name in zip(found.ranked(), names, strict=True)
    ]
    every = [heads(found), *rows(found)]
    if found.method == "tornado":
        short = {" points": "", "no difference": NOTHING}
        picked = [[line[0], *(_replaced(cell, short) for cell in line[4:])] for line in every]
    else:
        picked = [[line[0], *line[4:10]] for line in every]
    return [[head, *line[1:]] for head, line in zip(["", *labels], picked, strict=True)]


def _replaced(text: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def sensitivity_markdown(found: Sensitivity) -> str:
    """The result as Markdown, for `summary.md`."""
    parts = [f"# {md(found.scenario.name)}: sensitivity", md(" · ".join(subtitle(found)))]
    parts.append("\n".join(f"* {md(line)}" for line in (*verdict(found), *remarks(found))))
    parts.append(md_table(heads(found), rows(found)))
    note = unit_note(found)
    parts += [md(line) for line in (note, *EXPLAINED[found.method]) if line]
    parts.append(md_table(("uncertain number", "law", "source"), source_rows(found)))
    return "\n\n".join(parts) + "\n"


def source_rows(found: Sensitivity) -> list[list[str]]:
    """Law and source of every range, in the order of the scenario."""
    return [[one.key, _law(one), one.source] for one in found.numbers]


def _law(one: Varied) -> str:
    law = "log-uniform" if one.span.is_log else "uniform"
    return law if one.times is None else f"{law}, {one.low} to {one.high}"


def write_sensitivity_report(found: Sensitivity, path: str | Path) -> Path:
    """Write the page.

    Raises:
        OSError: the file cannot be written.
    """
    return write_page(sensitivity_page(found), path)


def sensitivity_page(found: Sensitivity) -> str:
    """The whole page as text."""
    title = f"{found.scenario.name} – sensitivity"
    facts = escape(" · ".join(subtitle(found)))
    header = f'<header><h1>{escape(title)}</h1><p class="facts">{facts}</p></header>'
    return document(title, header, [make(found) for make in SECTIONS])


def ranking(found: Sensitivity) -> Section:
    """What matters most, as a figure."""
    words = "".join(map(paragraph, verdict(found)))
    return Section("ranking", "What matters most", words + "".join(map(figure, figures.charts(found))))


def every_number(found: Sensitivity) -> Section:
    """Every number as a row."""
    columns = [Column(head, place > 0) for place, head in enumerate(heads(found))]
    notes = "".join(paragraph(line, "note") for line in (unit_note(found), *remarks(found)) if line)
    return Section(
        "numbers", "Every number", table("The one that matters most first", columns, rows(found)) + notes
    )


def sources(found: Sensitivity) -> Section:
    """Where the ranges come from."""
    columns = [Column("uncertain number"), Column("law"), Column("source")]
    return Section(
        "ranges",
        "Where the ranges come from",
        table("In the order of the scenario", columns, source_rows(found)),
    )


def method(found: Sensitivity) -> Section:
    """How the numbers were made, and what they do not say."""
    first, *others = EXPLAINED[found.method]
    body = paragraph(first) + "".join(paragraph(line, "note") for line in others)
    return Section("method", "How it was done", body)


def scenario(found: Sensitivity) -> Section:
    """The whole scenario as it is."""
    return Section("scenario", "Scenario", details("Scenario, every value", found.scenario.resolved_text))


SECTIONS: tuple[Callable[[Sensitivity], Section], ...] = (ranking, every_number, sources, method, scenario)
"""The page in its order: a new section is one function and one line here."""
