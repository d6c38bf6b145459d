"""One replication as a trace in the Trace Event Format, which Perfetto and chrome://tracing open.

Three processes: the job with its phases; the incidents, one lane for each that is open at the same time, grouped by the
rung that closed them, with detection, location, waits and tries nested inside; the limited resources as counters.

Source: "Trace Event Format" (Google, 2016): phases X (complete), M (metadata), C (counter); `ts` and `dur` in microseconds.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ras_sim.ledger import AttemptRow, IncidentRow, Ledger
from ras_sim.report.style import label_of, resource_label, span
from ras_sim.report.timeline import bars
from ras_sim.units import SECONDS_PER_HOUR

JOB_PID, INCIDENTS_PID, RESOURCES_PID = 1, 2, 3

_PROCESSES = {JOB_PID: "job", INCIDENTS_PID: "incidents by last rung", RESOURCES_PID: "resources"}
_US_PER_HOUR = SECONDS_PER_HOUR * 1e6

Event = dict[str, Any]


class _Slice(NamedTuple):
    """A stretch of time with a name; what it holds comes right after it."""

    begin_h: float
    end_h: float
    name: str
    args: Mapping[str, Any]
    inner: Sequence[_Slice] = ()


def trace(ledger: Ledger) -> dict[str, Any]:
    """The trace of one replication as plain values for JSON."""
    lanes: dict[tuple[int, str], list[_Slice]] = {**_job_lanes(ledger), **_incident_lanes(ledger)}
    events: list[Event] = [_named("process_name", pid, 0, name) for pid, name in _PROCESSES.items()]
    events += [
        {"ph": "M", "name": "process_sort_index", "pid": pid, "tid": 0, "args": {"sort_index": pid}}
        for pid in _PROCESSES
    ]
    for tid, ((pid, name), slices) in enumerate(lanes.items(), start=1):
        events.append(_named("thread_name", pid, tid, name))
        events.extend(event for one in slices for event in _complete(one, pid, tid))
    events += _counters(ledger)
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {
            "scenario": ledger.scenario,
            "seed": ledger.seed,
            "replication": ledger.replication,
            "horizon": span(ledger.horizon_h),
        },
    }


def trace_json(ledger: Ledger) -> str:
    """The trace as the text of a file."""
    return json.dumps(trace(ledger), allow_nan=False, ensure_ascii=False, separators=(",", ":")) + "\n"


def _named(what: str, pid: int, tid: int, name: str) -> Event:
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": name}}


def _us(time_h: float) -> int:
    """Microseconds; rounding keeps order, so that what is nested stays nested."""
    return round(time_h * _US_PER_HOUR)


def _complete(one: _Slice, pid: int, tid: int) -> Iterator[Event]:
    """A slice and what it holds."""
    begin_us = _us(one.begin_h)
    yield {
        "ph": "X",
        "name": one.name,
        "cat": _PROCESSES[pid],
        "ts": begin_us,
        "dur": _us(one.end_h) - begin_us,
        "pid": pid,
        "tid": tid,
        "args": dict(one.args),
    }
    for inner in one.inner:
        yield from _complete(inner, pid, tid)


def _job_lanes(ledger: Ledger) -> dict[tuple[int, str], list[_Slice]]:
    """Phases of the job, and on a lane of its own the work that was lost, where it was done."""
    drawn, _ = bars(ledger, max(len(ledger.job), 1))
    lanes: dict[tuple[int, str], list[_Slice]] = {(JOB_PID, "phases"): []}
    lost: list[_Slice] = []
    for bar in drawn:
        args = {"incident": bar.incident_id} if bar.incident_id >= 0 else {}
        end_h = bar.start_h + bar.hours
        one = _Slice(max(bar.start_h, 0.0), end_h, label_of(bar.category), args)
        (lost if bar.category in ("lost_work", "tainted") else lanes[JOB_PID, "phases"]).append(one)
    for number, lane in enumerate(_without_overlap(lost), start=1):
        lanes[JOB_PID, f"lost work {number}" if number > 1 else "lost work"] = lane
    return lanes


def _incident_lanes(ledger: Ledger) -> dict[tuple[int, str], list[_Slice]]:
    """Incidents by the rung that closed them, those that overlap on lanes of their own."""
    tries: dict[int, list[AttemptRow]] = {}
    for attempt in ledger.attempts:
        tries.setdefault(attempt.incident_id, []).append(attempt)
    groups: dict[str, list[_Slice]] = {}
    for row in ledger.incidents:
        walked = tries.get(row.incident_id, [])
        groups.setdefault(_group(row), []).append(_incident(row, walked, ledger.horizon_h))
    lanes: dict[tuple[int, str], list[_Slice]] = {}
    for name in sorted(groups):
        for number, lane in enumerate(_without_overlap(groups[name]), start=1):
            lanes[INCIDENTS_PID, f"{name} {number}"] = lane
    return lanes


def _group(row: IncidentRow) -> str:
    """The rung by which an incident is grouped."""
    if row.symptom == "planned":
        return "planned"
    return label_of(row.final_rung) if row.final_rung else "no rung"


def _incident(row: IncidentRow, tries: Iterable[AttemptRow], horizon_h: float) -> _Slice:
    """An incident from its arrival until it is closed or the run ends, with its stages."""
    end_h = horizon_h if math.isnan(row.closed_h) else min(row.closed_h, horizon_h)
    stages = [("detect", row.arrive_h, row.detected_h), ("locate", row.detected_h, row.located_h)]
    found = [(begin, end, name, "") for name, begin, end in stages if not math.isnan(begin)]
    for one in tries:
        found.append((one.asked_h, one.start_h, f"wait for {label_of(one.rung)}", ""))
        if not math.isnan(one.start_h):
            found.append((one.start_h, one.end_h, label_of(one.rung), one.outcome))
    inner: list[_Slice] = []
    since_h = row.arrive_h
    for begin, end, name, outcome in sorted(found, key=lambda stage: stage[0]):
        # A viewer draws slices of one lane only if none of them crosses the edge of another.
        last_h = end_h if math.isnan(end) else min(end, end_h)
        begin_h = max(begin, since_h)
        if last_h > begin_h:
            inner.append(_Slice(begin_h, last_h, name, {"outcome": outcome} if outcome else {}))
            since_h = last_h
    args = {
        "incident": row.incident_id,
        "root": row.root_id,
        "symptom": row.symptom,
        "job": row.job_effect,
        "outcome": row.outcome,
        "node": row.node,
        "GPUs hit": row.n_gpus_hit,
    }
    name = f"{row.component_class}.{row.mode} #{row.instance}"
    return _Slice(row.arrive_h, max(end_h, row.arrive_h), name, args, inner)


def _without_overlap(slices: Iterable[_Slice]) -> list[list[_Slice]]:
    """Slices on as few lanes as will do so that none overlaps another: each goes to a lane that is free."""
    lanes: list[list[_Slice]] = []
    free: list[tuple[float, int]] = []  # when a lane is free again, its number
    for one in sorted(slices, key=lambda item: (item.begin_h, item.end_h)):
        if free and free[0][0] <= one.begin_h:
            _, number = heapq.heappop(free)
        else:
            number = len(lanes)
            lanes.append([])
        lanes[number].append(one)
        heapq.heappush(free, (one.end_h, number))
    return lanes


def _counters(ledger: Ledger) -> list[Event]:
    """The level of every limited resource, one event for each instant at which it changes."""
    levels: dict[str, int] = {}
    found: dict[tuple[int, str], int] = {}
    for row in sorted(ledger.resources, key=lambda change: change.time_h):
        levels[row.resource] = levels.get(row.resource, 0) + row.change
        found[_us(row.time_h), row.resource] = levels[row.resource]
    return [
        {
            "ph": "C",
            "name": resource_label(name),
            "ts": ts,
            "pid": RESOURCES_PID,
            "tid": 0,
            "args": {"level": level},
        }
        for (ts, name), level in found.items()
    ]
