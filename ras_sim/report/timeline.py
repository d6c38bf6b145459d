"""One replication as bars and markers: few enough for a browser, true enough for a zoom."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from ras_sim.ledger import AttemptRow, IncidentRow, JobRow, Ledger
from ras_sim.report.style import EFFECT_LABELS, OUTCOME_LABELS, label_of, number, span

MAX_BARS = 5000
MAX_MARKERS = 5000
MAX_LANES = 12

OTHER_LANE = "other"

_RUNNING = frozenset({"productive", "degraded", "checkpoint_save", "power_throttle"})
_VISIBLE_SLOWNESS = 0.001


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of the job's time in one category; `incident_id` is -1 where no incident is to blame."""

    category: str
    start_h: float
    hours: float
    incident_id: int


@dataclass(frozen=True, slots=True)
class Marker:
    """An incident on the time line: when, in which lane (component class), its job effect, its hover text."""

    time_h: float
    lane: str
    effect: str
    text: str


@dataclass(frozen=True, slots=True)
class Steps:
    """A level over time: it is `levels[i]` from `times_h[i]` on, and 0 for `zero_frac` of the time."""

    name: str
    times_h: list[float]
    levels: list[int]
    zero_frac: float


def bars(ledger: Ledger, limit: int = MAX_BARS) -> tuple[list[Bar], int]:
    """The job's time as at most `limit` bars, in order of time, lost work on top of what it destroys.

    Checkpoint saves are spread over a running interval and have no place of their own, so they are not drawn.

    Returns:
        the bars, and how many short ones were merged into longer ones to keep the limit.
    """
    found = [bar for bar in _all_bars(ledger.job) if bar.hours > 0]
    found.sort(key=lambda bar: (bar.category in ("lost_work", "tainted"), bar.start_h))
    return _merged(found, limit) if len(found) > limit else (found, 0)


def _all_bars(rows: Sequence[JobRow]) -> Iterable[Bar]:
    """One bar per phase, one per running interval, one per loss of work."""
    for (start_h, end_h), group in groupby(rows, key=lambda row: (row.start_h, row.end_h)):
        running: dict[str, float] = defaultdict(float)
        rows_here = list(group)
        runs = any(row.category in _RUNNING for row in rows_here)
        for row in rows_here:
            if row.category in ("lost_work", "tainted"):
                # The work that is lost is the last that was done before the interruption.
                yield Bar(row.category, end_h - row.hours, row.hours, row.incident_id)
            elif row.category in _RUNNING and (row.category != "productive" or row.hours > 0):
                running[row.category] += row.hours
            elif row.category not in _RUNNING and not runs:  # a running job pauses for tests, too
                yield Bar(row.category, start_h, end_h - start_h, row.incident_id)
        if running:
            yield Bar(_speed_category(running), start_h, end_h - start_h, -1)


def _speed_category(hours: Mapping[str, float]) -> str:
    """What a running interval is coloured as: productive, or the reason why it ran slower than it could."""
    slow = max(("degraded", "power_throttle"), key=lambda category: hours.get(category, 0.0))
    return slow if hours.get(slow, 0.0) > _VISIBLE_SLOWNESS * sum(hours.values()) else "productive"


def _merged(found: list[Bar], limit: int) -> tuple[list[Bar], int]:
    """Keep the longest bars; each run of shorter neighbours becomes one bar of its main category."""
    n_kept = max((limit - 1) // 2, 1)
    longest = {id(bar) for bar in sorted(found, key=lambda bar: -bar.hours)[:n_kept]}
    merged: list[Bar] = []
    for is_long, group in groupby(found, key=lambda bar: id(bar) in longest):
        run = list(group)
        merged.extend(run if is_long else [_one_bar(run)])
    return merged, len(found) - len(merged)


def _one_bar(run: Sequence[Bar]) -> Bar:
    """The bar that stands for a run of neighbours."""
    if len(run) == 1:
        return run[0]
    hours: dict[str, float] = defaultdict(float)
    for bar in run:
        hours[bar.category] += bar.hours
    start_h = min(bar.start_h for bar in run)
    end_h = max(bar.start_h + bar.hours for bar in run)
    return Bar(max(hours, key=hours.__getitem__), start_h, end_h - start_h, -1)


def markers(ledger: Ledger, limit: int = MAX_MARKERS) -> tuple[list[Marker], int]:
    """The incidents as at most `limit` markers; those that stopped the job are kept first.

    Returns:
        the markers in order of time, and how many were left out.
    """
    rows = sorted(ledger.incidents, key=lambda row: row.job_effect == "none")[:limit]
    rows.sort(key=lambda row: row.arrive_h)
    lanes = _lanes(ledger.incidents)
    walked = _by_incident(ledger.attempts)
    lost_h = _lost_hours(ledger.job)
    found = [
        Marker(
            row.arrive_h,
            row.component_class if row.component_class in lanes else OTHER_LANE,
            row.job_effect,
            hover_text(
                row, walked.get(row.incident_id, []), lost_h.get(row.incident_id, 0.0), ledger.n_job_gpus
            ),
        )
        for row in rows
    ]
    return found, len(ledger.incidents) - len(found)


def _lanes(incidents: Sequence[IncidentRow]) -> set[str]:
    """The component classes with most incidents; the rest share a lane."""
    common = Counter(row.component_class for row in incidents).most_common()
    n_own = MAX_LANES if len(common) <= MAX_LANES else MAX_LANES - 1
    return {name for name, _ in common[:n_own]}


def _by_incident(attempts: Iterable[AttemptRow]) -> dict[int, list[AttemptRow]]:
    """Attempts of each incident in the order in which they were made."""
    found: dict[int, list[AttemptRow]] = defaultdict(list)
    for row in attempts:
        found[row.incident_id].append(row)
    return found


def _lost_hours(rows: Iterable[JobRow]) -> dict[int, float]:
    """Lost work in hours by incident."""
    lost: dict[int, float] = defaultdict(float)
    for row in rows:
        if row.category == "lost_work":
            lost[row.incident_id] += row.hours
    return lost


def hover_text(row: IncidentRow, walked: Sequence[AttemptRow], lost_h: float, n_job_gpus: int) -> str:
    """What a person wants to know of one incident, as chart markup; names from the scenario are escaped."""
    effect = EFFECT_LABELS.get(row.job_effect, row.job_effect)
    lines = [
        f"<b>{safe(row.component_class)}.{safe(row.mode)}</b> #{row.instance}"
        + (f", node {row.node}" if row.node >= 0 else ""),
        f"{safe(label_of(row.symptom))}; {safe(effect)}",
        f"arrived {clock(row.arrive_h)}",
        _stages(row),
        f"{row.n_gpus_hit:,} GPUs hit",
    ]
    if walked:
        lines.append("rungs: " + " → ".join(safe(_try(attempt)) for attempt in walked))
    if lost_h > 0:
        lines.append(f"lost work {span(lost_h)} = {number(lost_h * n_job_gpus)} GPU-h")
    return "<br>".join(line for line in lines if line)


def _try(attempt: AttemptRow) -> str:
    """One attempt in words: "gpu reset (seen to fail)"."""
    return f"{label_of(attempt.rung)} ({OUTCOME_LABELS.get(attempt.outcome, attempt.outcome)})"


def _stages(row: IncidentRow) -> str:
    """How long after its arrival an incident was detected, located, closed; others are left out."""
    stages = (("detected", row.detected_h), ("located", row.located_h), ("closed", row.closed_h))
    return ", ".join(f"{name} +{span(t - row.arrive_h)}" for name, t in stages if not math.isnan(t))


def clock(time_h: float) -> str:
    """An instant as day and time of day, the run starting on day 0.

    >>> clock(0.0), clock(49.5)
    ('day 0, 00:00', 'day 2, 01:30')
    """
    minutes = math.floor(time_h * 60 + 0.5)
    return f"day {minutes // 1440}, {minutes // 60 % 24:02d}:{minutes % 60:02d}"


def safe(text: str) -> str:
    """Text that a chart shows as it is: charts read a little markup and know only a few named entities.

    >>> safe("<b>R&D</b>")
    '&lt;b&gt;R&amp;D&lt;/b&gt;'
    """
    return escape(text, quote=False)


def resource_names(ledgers: Iterable[Ledger]) -> list[str]:
    """Every resource of any of the ledgers, in order of first occurrence."""
    return list(dict.fromkeys(row.resource for one in ledgers for row in one.resources))


def steps(ledger: Ledger, names: Iterable[str], limit: int) -> list[Steps]:
    """The level of each named resource over the run, thinned to about `limit` points each.

    A level is 0 until its first row: a queue in which nobody ever stood has no row at all.
    """
    changes: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for row in ledger.resources:
        changes[row.resource].append((row.time_h, row.change))
    return [_levels(name, changes[name], ledger.horizon_h, limit) for name in names]


def is_supply(resource: str) -> bool:
    """Whether a resource is something that can run out: spare nodes, parts on a shelf."""
    return resource == "spare_nodes" or resource.startswith("parts.")


def _levels(name: str, rows: list[tuple[float, int]], horizon_h: float, limit: int) -> Steps:
    """Running sum of the changes, from 0 to the horizon."""
    times_h, levels = [0.0], [0]
    for time_h, change in sorted(rows, key=lambda row: row[0]):
        if times_h[-1] == time_h:
            levels[-1] += change
        else:
            times_h.append(time_h)
            levels.append(levels[-1] + change)
    ends_h = [*times_h[1:], horizon_h]
    empty_h = math.fsum(b - a for a, b, level in zip(times_h, ends_h, levels, strict=True) if level == 0)
    times_h, levels = _thinned(times_h, levels, limit)
    return Steps(name, [*times_h, horizon_h], [*levels, levels[-1]], empty_h / horizon_h)


def _thinned(times_h: list[float], levels: list[int], limit: int) -> tuple[list[float], list[int]]:
    """At most `limit` points: of each group of neighbours the lowest and the highest level are kept."""
    if len(times_h) <= limit:
        return times_h, levels
    size = math.ceil(2 * len(times_h) / limit)
    kept: list[int] = []
    for begin in range(0, len(times_h), size):
        group = range(begin, min(begin + size, len(times_h)))
        low, high = min(group, key=levels.__getitem__), max(group, key=levels.__getitem__)
        kept.extend(sorted({low, high}))
    return [times_h[i] for i in kept], [levels[i] for i in kept]
