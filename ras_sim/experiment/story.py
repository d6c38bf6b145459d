"""The story of an incident: everything that came of one root cause, in the order in which it happened."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest

from ras_sim.errors import InputError, Problem
from ras_sim.experiment.files import file_problem
from ras_sim.experiment.matching import Fault, faults_of
from ras_sim.experiment.rundir import Run
from ras_sim.ledger import ROW_TYPES, AttemptRow, IncidentRow, JobRow, Ledger
from ras_sim.metrics.measures import is_planned

KINDS = ("strikes", "lost_work", "tainted", "detected", "located", "waits", "rung", "closed", "job")
"""What a moment can be, in the order in which those of one instant are told."""

_SPREAD_OUT = ("degraded", "power_throttle", "checkpoint_save")


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, at an instant or for a while.

    Args:
        at_h, end_h: when it began and ended, hours since the start of the run; NaN as end if it never did.
        incident_id: the incident that it belongs to.
        kind: one of `KINDS`.
        name: the symptom, the category of the job's time, or the rung; "" where there is none.
        outcome: of a rung or of the incident, as in the ledger; else "".
        hours: of the job that it took; of waiting or work for a rung.
    """

    at_h: float
    end_h: float
    incident_id: int
    kind: str
    name: str
    outcome: str
    hours: float


@dataclass(frozen=True, slots=True)
class Story:
    """What one root cause did, from the part to the lost work.

    Args:
        replication: the history in which it happened.
        n_job_gpus: GPUs of the job; in a synchronous job all of them wait for the one that failed.
        fault: the incident in which it struck, its returns, what was tried, what it cost.
        moments: everything that happened, in order.
        levels: level of each limited resource just before it struck.
    """

    replication: int
    n_job_gpus: int
    fault: Fault
    moments: tuple[Moment, ...]
    levels: dict[str, int]


def finished(run: Run) -> list[int]:
    """Numbers of the replications of a run that were finished, ascending."""
    return sorted(int(number) for number in run.frames["replications"]["replication"])


def ledger_of(run: Run, replication: int | None = None) -> Ledger:
    """One ledger of a saved run, without making those of the others.

    Args:
        run: a run that kept its ledgers.
        replication: which one; None is the first that was finished.

    Raises:
        InputError: there is no such replication, or no ledger was kept.
    """
    known = finished(run)
    number = known[0] if replication is None and known else replication
    if number not in known:
        raise _wrong("--replication", str(number), f"a replication of this run: {_ranges(known)}")
    only = {name: frame[frame["replication"] == number] for name, frame in run.frames.items()}
    found = Run(run.directory, run.manifest, only).ledgers()
    if not any(ledger.job for ledger in found):
        raise file_problem(run.directory, f"no rows of replication {number}", " and ".join(ROW_TYPES))
    return found[0]


def story(ledger: Ledger, incident_id: int) -> Story:
    """The story that an incident is part of, from the first strike of its root cause.

    Raises:
        InputError: there is no such incident.
    """
    rows = {row.incident_id: row for row in ledger.incidents}
    row = rows.get(incident_id)
    if row is None:
        wanted = f"an incident of replication {ledger.replication}: {_ranges(sorted(rows))}"
        raise _wrong("--incident", str(incident_id), wanted)
    if is_planned(row):
        return _told(ledger, _planned(ledger, row))
    for fault in faults_of(ledger):
        if fault.first.root_id == row.root_id:
            return _told(ledger, fault)
    raise _wrong("--incident", str(incident_id), "an incident whose first strike is in the ledger")


def worst(ledgers: Iterable[Ledger], limit: int) -> list[Story]:
    """The stories of the root causes that cost most lost GPU-hours, the worst first; those that cost none left out.

    Args:
        ledgers: of as many replications as are wanted.
        limit: how many stories, >= 1.
    """
    found = [(ledger, fault) for ledger in ledgers for fault in faults_of(ledger) if fault.lost_gpu_h > 0]
    most = nlargest(limit, found, key=lambda one: one[1].lost_gpu_h)
    return [_told(ledger, fault) for ledger, fault in most]


def _planned(ledger: Ledger, row: IncidentRow) -> Fault:
    """A planned stop as a story: it is no fault, but it is told alike."""
    lost: dict[str, float] = {}
    for part in ledger.job:
        if part.incident_id == row.incident_id and part.category != "productive":
            lost[part.category] = lost.get(part.category, 0.0) + part.hours
    tries = tuple(one for one in ledger.attempts if one.incident_id == row.incident_id)
    return Fault((row,), tries, lost, math.fsum(lost.values()) * ledger.n_job_gpus)


def _told(ledger: Ledger, fault: Fault) -> Story:
    """A root cause with its moments in order."""
    ids = {row.incident_id for row in fault.incidents}
    moments = [
        *(moment for row in fault.incidents for moment in _of_incident(row)),
        *(moment for row in fault.attempts for moment in _of_attempt(row)),
        *_of_job([row for row in ledger.job if row.incident_id in ids]),
    ]
    moments.sort(key=lambda one: (one.at_h, KINDS.index(one.kind), one.incident_id))
    levels: dict[str, int] = {}
    for change in ledger.resources:
        # At time 0 a level is set; at the instant of the strike it is changed by what the strike did.
        if change.time_h < fault.first.arrive_h or change.time_h == 0.0:
            levels[change.resource] = levels.get(change.resource, 0) + change.change
    return Story(ledger.replication, ledger.n_job_gpus, fault, tuple(moments), levels)


def _of_incident(row: IncidentRow) -> Iterator[Moment]:
    """The stages that an incident reached."""
    number = row.incident_id
    yield Moment(row.arrive_h, row.arrive_h, number, "strikes", row.symptom, "", 0.0)
    for kind, at_h in (("detected", row.detected_h), ("located", row.located_h)):
        if not math.isnan(at_h):
            yield Moment(at_h, at_h, number, kind, "", "", 0.0)
    if not math.isnan(row.closed_h):
        yield Moment(row.closed_h, row.closed_h, number, "closed", "", row.outcome, 0.0)


def _of_attempt(row: AttemptRow) -> Iterator[Moment]:
    """The wait for a rung, and the rung; one that was never begun is a wait without end."""
    number = row.incident_id
    if not row.start_h <= row.asked_h:  # also NaN: still waiting when the run ended
        yield Moment(row.asked_h, row.start_h, number, "waits", row.rung, "", row.start_h - row.asked_h)
    if not math.isnan(row.start_h):
        worked_h = row.end_h - row.start_h
        yield Moment(row.start_h, row.end_h, number, "rung", row.rung, row.outcome, worked_h)


def _of_job(rows: Sequence[JobRow]) -> Iterator[Moment]:
    """Where the job's time went; a share of many running intervals is told once for each incident."""
    shares: dict[tuple[int, str], list[JobRow]] = {}
    for row in rows:
        if row.category in _SPREAD_OUT:
            shares.setdefault((row.incident_id, row.category), []).append(row)
        elif row.category != "productive":
            kind = row.category if row.category in ("lost_work", "tainted") else "job"
            yield Moment(row.start_h, row.end_h, row.incident_id, kind, row.category, "", row.hours)
    for (number, category), parts in shares.items():
        hours = math.fsum(row.hours for row in parts)
        yield Moment(parts[0].start_h, parts[-1].end_h, number, "job", category, "", hours)


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as text, runs of them as a range.

    >>> _ranges([0, 1, 2, 7]), _ranges([])
    ('0 to 2, 7', 'none')
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in runs) or "none"


def _wrong(where: str, got: str, wanted: str) -> InputError:
    return InputError([Problem("", None, None, where, got, wanted)])
