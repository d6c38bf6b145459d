"""The sections of the page, one function each: result in, HTML out, None where there is nothing to say."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from ras_sim.report import figures, figures_time, timeline, views
from ras_sim.report.aimed import aimed_headlines, quantiles_line
from ras_sim.report.bill import costs
from ras_sim.report.markup import Column, Section, details, figure, paragraph, selector, table
from ras_sim.report.published import UNDECIDED, comparisons
from ras_sim.report.setting import setting
from ras_sim.report.style import CATEGORY_MEANINGS, label_of, number, percent, span
from ras_sim.report.technicians import technicians

if TYPE_CHECKING:
    from ras_sim.experiment.result import Result
    from ras_sim.ledger import Ledger

MAX_REPLICATIONS = 5
MAX_BARS_IN_ALL = 20_000
MAX_MARKERS_IN_ALL = 3_500
MAX_STEPS_IN_ALL = 20_000
MAX_PANELS = 10
N_CAUSE_ROWS = 20


def headline_numbers(result: Result) -> Section:
    """The numbers that a reader came for."""
    cards = []
    for index, one in enumerate([*views.headlines(result), *aimed_headlines(result)]):
        css = "card main" if index == 0 else "card"
        interval = f'<dd class="interval">95%: {escape(one.interval)}</dd>' if one.interval else ""
        cards.append(
            f'<div class="{css}"><dt>{escape(one.label)}</dt><dd class="value">{escape(one.value)}</dd>'
            f'{interval}<dd class="meaning">{escape(one.meaning)}</dd></div>'
        )
    spread = quantiles_line(result)
    notes = paragraph(spread, "note") if spread else ""
    if len(result.measures) < 2:
        notes = paragraph(
            "One replication has no interval: run more to see how far chance moves these numbers.", "note"
        )
    return Section("headline", "Headline numbers", f'<dl class="cards">{"".join(cards)}</dl>{notes}')


def published(result: Result) -> Section | None:
    """Published figures beside the simulated ones."""
    found = comparisons(result)
    if not found:
        return None
    columns = (
        Column("figure"),
        Column("published", True),
        Column("simulated mean", True),
        Column("95% of the mean", True),
        Column("95% of one run", True),
        Column("verdict"),
        Column("source"),
    )
    rows = [
        (
            one.label,
            one.published,
            one.simulated,
            one.interval or "–",
            one.one_run or "–",
            "–" if one.verdict == UNDECIDED else one.verdict,
            one.source,
        )
        for one in found
    ]
    judged = [one.verdict for one in found if one.verdict in ("within", "outside")]
    caption = (
        f"{judged.count('within')} of {len(judged)} judged figures are within the range of one simulated run"
        if judged
        else f"A verdict {UNDECIDED}"
    )
    note = paragraph(
        "A published figure comes from one run of a real cluster, so it is judged against the range that "
        "holds one run in 95 of 100 cases (mean ± t · sd · √(1 + 1/n)), not against the narrower interval of "
        "the mean.",
        "note",
    )
    return Section("published", "Published beside simulated", table(caption, columns, rows) + note)


def time_spent(result: Result) -> Section:
    """From all of the time down to goodput."""
    shares = views.time_shares(result)
    columns = (Column("category"), Column("share", True), Column("hours", True), Column("what it is"))
    rows = [
        (
            label_of(name),
            percent(share, 3),
            number(result.aggregate.time_h[name].mean, 4),
            CATEGORY_MEANINGS[name],
        )
        for name, share in sorted(shares.items(), key=lambda item: -item[1])
        if share > 0
    ]
    body = figure(figures.waterfall(shares)) + table(
        "Where the job's time went, mean of a replication", columns, rows
    )
    return Section("time", "Where the time went", body)


def lost_by_cause(result: Result) -> Section | None:
    """Root causes by what they cost."""
    found = views.causes(result)
    if not found:
        return None
    columns = (
        Column("cause"),
        Column("interruptions", True),
        Column("lost GPU-hours", True),
        Column("of the loss", True),
    )
    rows = views.cause_rows(found[:N_CAUSE_ROWS])
    left = len(found) - N_CAUSE_ROWS
    more = f"; {left} smaller cause{'' if left == 1 else 's'} left out" if left > 0 else ""
    by_phase = views.losses_by_phase(result.ledgers)
    chart = figure(figures.losses(by_phase)) if by_phase else ""
    return Section(
        "causes", "Lost GPU-hours by cause", chart + table(f"Per replication{more}", columns, rows)
    )


def over_time(result: Result) -> Section | None:
    """One replication at a time: the job, its incidents, spares and technicians."""
    shown = views.ranked(result, MAX_REPLICATIONS)
    if not shown:
        return None
    ledgers = [result.ledgers[i] for i in shown]
    job, notes = _timeline(ledgers, views.stops(result))
    charts = [job, *_resources(ledgers, views.scarcity(result))]
    if len(shown) < len(result.ledgers):
        n = len(result.ledgers)
        notes.append(f"{len(shown)} of {n:,} replications can be chosen, from the worst goodput to the best.")
    ranking = [result.measures[i] for i in shown]
    options = [f"{one.replication} (goodput {percent(one.goodput)})" for one in ranking]
    body = (
        paragraph(
            "Top lane: what the job did. Below: every incident, by the class of the part that failed. Drag "
            "over a stretch of time to zoom in, double-click to see everything again.",
            "note",
        )
        + selector("Replication", options, [chart.key for chart in charts], len(shown) // 2)
        + _zoom_buttons()
        + "".join(map(figure, charts))
        + paragraph(" ".join(notes), "note")
    )
    return Section("over-time", "The job over time", body)


def _zoom_buttons() -> str:
    """Buttons for those who do not drag."""
    choices = ((1, "first day"), (7, "first week"), (0, "everything"))
    buttons = (
        f'<button type="button" data-chart="timeline" data-days="{days}">{text}</button>'
        for days, text in choices
    )
    return f'<span class="zoom">Show{"".join(buttons)}</span>'


def _timeline(ledgers: list[Ledger], finding: str) -> tuple[figures.Chart, list[str]]:
    """The time lines of the replications that can be chosen, and what they leave out."""
    # All replications together share the limits, so that the page stays small.
    n_bars = min(timeline.MAX_BARS, MAX_BARS_IN_ALL // len(ledgers))
    n_markers = min(timeline.MAX_MARKERS, MAX_MARKERS_IN_ALL // len(ledgers))
    bars = [timeline.bars(one, n_bars) for one in ledgers]
    marks = [timeline.markers(one, n_markers) for one in ledgers]
    drawn = [(bar[0], mark[0], one.horizon_h) for bar, mark, one in zip(bars, marks, ledgers, strict=True)]
    notes = ["Checkpoint saves are spread over the running intervals and are not drawn."]
    merged, left_out = max(n for _, n in bars), max(n for _, n in marks)
    if merged:
        notes.append(f"Up to {merged:,} short bars of a replication were merged with their neighbours.")
    if left_out:
        notes.append(f"Up to {left_out:,} incidents of a replication, most without effect, are not drawn.")
    return figures_time.timelines(finding, drawn), notes


def _resources(ledgers: list[Ledger], finding: str) -> list[figures.Chart]:
    """Levels of spares, technicians, queues and parts; no chart if nothing is limited."""
    names = timeline.resource_names(ledgers)
    if not names:
        return []
    if len(names) > MAX_PANELS:
        finding += f" (drawn: the first {MAX_PANELS} of {len(names)} resources)"
    names = names[:MAX_PANELS]
    limit = max(50, MAX_STEPS_IN_ALL // (len(ledgers) * len(names)))
    drawn = [(timeline.steps(one, names, limit), one.horizon_h) for one in ledgers]
    return [figures_time.resources(finding, drawn)]


def ladder(result: Result) -> Section | None:
    """The rungs: how often each was tried, and how it ended."""
    attempts = views.attempts_by_outcome(result.ledgers, views.ladder_of(result))
    found = views.rungs(result)
    if not found:
        return None
    columns = (Column("rung"), Column("attempts", True), Column("fixed", True), Column("share", True))
    rows = views.rung_rows(found)
    chart = figure(figures.outcomes(attempts)) if attempts else ""
    return Section("ladder", "The repair ladder", chart + table("Per replication", columns, rows))


def blast_radius(result: Result) -> Section | None:
    """How many GPUs an incident takes with it."""
    sizes = views.blast_sizes(result.ledgers)
    if not sizes:
        return None
    note = paragraph(
        "GPUs hit are those that the fault itself takes down or slows. A synchronous job stops as a whole "
        "as soon as one of its ranks is among them.",
        "note",
    )
    return Section("blast-radius", "Blast radius", figure(figures.blast(sizes)) + note)


def spread(result: Result) -> Section | None:
    """How much replications differ."""
    values = [one.goodput for one in result.measures]
    goodput = result.aggregate.metrics["goodput"]
    if len(values) < 2 or goodput.mean is None:
        return None
    chart = figures.distribution(values, goodput.mean, goodput.ci95)
    return Section("spread", "From replication to replication", figure(chart))


def scenario(result: Result) -> Section:
    """The scenario as it was written, and with every value filled in."""
    one = result.scenario
    body = details("The scenario as written", one.source_text) if one.source_text else ""
    body += details("Every value, defaults included", one.resolved_text)
    return Section(
        "scenario", "Scenario", body + paragraph(f"Hash of all values: {one.content_hash}", "note")
    )


def sources(result: Result) -> Section | None:
    """Where each number comes from."""
    found = result.scenario.sources()
    if not found:
        return None
    rows = [(key, setting(key, value), source, kind_of(source)) for key, value, source in found]
    assumed, partly = (sum(1 for row in rows if row[3] == kind) for kind in ("assumed", "partly assumed"))
    columns = (Column("setting"), Column("value"), Column("source"), Column("kind"))
    caption = f"{len(rows)} settings state their source: {assumed} are assumed, {partly} in part"
    return Section("sources", "Sources", table(caption, columns, rows))


def kind_of(source: str) -> str:
    """Whether public sources stand behind all numbers of a block.

    >>> kind_of("Assumed"), kind_of("arXiv 2407.21783; speed: assumed"), kind_of("arXiv 2407.21783")
    ('assumed', 'partly assumed', 'sourced')
    """
    if is_assumed(source):
        return "assumed"
    return "partly assumed" if re.search(r"\bassumed\b", source, re.IGNORECASE) else "sourced"


def is_assumed(source: str) -> bool:
    """True if no public source stands behind a number.

    >>> is_assumed("Assumed: no public figure"), is_assumed("arXiv 2407.21783, table 5")
    (True, False)
    """
    return source.strip().lower().startswith("assumed")


_TERMS = (
    ("goodput", "hours of training that were kept / horizon; an hour at relative speed s counts as s hours"),
    ("clean goodput", "productive hours / horizon: goodput less the work that is corrupt without anybody knowing"),
    ("ETTR", "(productive + tainted + degraded) / (horizon − planned)"),
    ("cluster goodput", "goodput × GPUs of the job / GPUs installed"),
    ("MTTI", "hours in which the job runs / unplanned interruptions, both summed over the replications"),
    (
        "lost GPU-hours",
        "hours of the job that were not productive × GPUs of the job, charged to their root cause",
    ),
    (
        "cost",
        "unit price × quantity, summed over the items that have a price; per effective GPU-hour: Σ cost / Σ (productive "
        "hours × GPUs of the job) over the replications",
    ),
    (
        "95% interval",
        "mean ± t(n−1) · sd / √n over the replications; of ratios of sums (MTTI): jackknife on the logarithm",
    ),
)


def method(result: Result) -> Section:
    """Definitions, seed, version, and how exactly time is conserved."""
    from ras_sim import __version__

    terms = "".join(f"<dt>{escape(name)}</dt><dd>{escape(meaning)}</dd>" for name, meaning in _TERMS)
    facts = (
        f"ras-sim {__version__}, seed {result.seed}, {len(result.measures)} of {result.replications} "
        f"replications, horizon {span(result.scenario.horizon_h)}. The same scenario, seed and version give "
        "the same numbers."
    )
    body = f'<dl class="terms">{terms}</dl>' + paragraph(facts)
    if result.ledgers:
        worst = views.worst_deviation(result.ledgers)
        body += paragraph(
            "Every hour of the job is in exactly one category: the categories sum to the horizon in each "
            f"replication; the largest relative deviation of {len(result.ledgers):,} is {worst:.1e}."
        )
    return Section("method", "How the numbers were made", body)


SECTIONS: tuple[Callable[[Result], Section | None], ...] = (
    headline_numbers,
    published,
    time_spent,
    lost_by_cause,
    costs,
    over_time,
    ladder,
    technicians,
    blast_radius,
    spread,
    scenario,
    sources,
    method,
)
"""The page in its order: a new section is one function and one line here."""
