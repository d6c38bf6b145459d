"""The job's history as the log entries that ml-goodput-measurement's `GoodputCalculator` reads.

The calculator counts as productive the time from the start of each step to the start of the next, less what is logged as
a custom badput event within it, less checkpoint saves. A step that is logged once more is a restart from there: what
came after it was lost. So that its goodput is that of the ledger:

* a step stands for up to `STEP_H` of training; the shortfall of a slower speed is a custom event in it;
* work that was lost is the last step of its session, logged once more at the next restart. What was lost later, because
  an older checkpoint had to be used, is told in the session that did it: the calculator cannot take back steps that
  it has counted;
* a downtime is told in one order: recovery, planned stop, start-up, restore.

Source: ml-goodput-measurement 0.2.3, `goodput.py` and `checkpoint_badput_calculator.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ras_sim.ledger import BADPUT, JobRow, Ledger
from ras_sim.metrics.measures import RUNNING
from ras_sim.units import SECONDS_PER_HOUR

STEP_H = 1.0
"""Most hours of training that one step stands for: few enough entries for the calculator, which is quadratic in them."""

EPOCH_S = 946_684_800.0
"""When a run begins in the log: 2000-01-01 00:00 UTC."""

_SLOWER = ("degraded", "power_throttle", "validate")
_RECOVERY = "INFRASTRUCTURE_RECOVERY_FROM_DISRUPTION"
_DIRECTORY = "/checkpoints"

Entry = dict[str, Any]


@dataclass(slots=True)
class _Session:
    """The job running from one start to the next stop.

    Args:
        begin_h, end_h: when; equal if the job never ran again after the downtime.
        hours: in each category of running; productive as it seemed then, less what was lost of it later.
        lost_h: work of it that was lost.
        down_h: hours of the downtime before it, by category.
    """

    begin_h: float
    end_h: float
    down_h: dict[str, float]
    hours: dict[str, float] = field(default_factory=dict)
    lost_h: float = 0.0


def goodput_log(ledger: Ledger, job_name: str) -> str:
    """The log of one replication: one JSON object a line, in order."""
    return "".join(json.dumps({"job_name": job_name, **entry}) + "\n" for entry in entries(ledger))


def entries(ledger: Ledger) -> Iterator[Entry]:
    """The entries of one replication, in order, without the name of the job."""
    yield {"job_start_time": _s(0.0)}
    step, stopped_h, is_whole = 0, 0.0, True
    for session in _sessions(ledger):
        yield from _downtime(session, stopped_h, step)
        if session.end_h > session.begin_h:
            yield from _steps(session, step)
            step += _n_steps(session)
            stopped_h, is_whole = session.end_h, session.lost_h <= 0.0
    if stopped_h < ledger.horizon_h or not is_whole:
        # The calculator takes the time from the last step to the end for productive.
        yield _step(step, ledger.horizon_h)
    yield {"job_end_time": _s(ledger.horizon_h)}


def _s(time_h: float) -> float:
    """An instant as the log has it, seconds since 1970."""
    return EPOCH_S + time_h * SECONDS_PER_HOUR


def _step(number: int, time_h: float) -> Entry:
    return {"step_count": number, "step_start_time": _s(time_h)}


def _sessions(ledger: Ledger) -> list[_Session]:
    """The job's sessions in order, the last one empty if the run ended in a downtime."""
    found: list[_Session] = []
    down_h: dict[str, float] = {}
    is_open = False
    for row in ledger.job:
        if row.category == "lost_work":
            _lose(found, row.hours)
            is_open = False
        elif row.category in RUNNING and row.end_h > row.start_h:
            if not is_open:
                found.append(_Session(row.start_h, row.end_h, down_h))
                is_open, down_h = True, {}
            _add(found[-1], row)
        elif is_open and row.category == "validate" and row.start_h < found[-1].end_h:
            _add(found[-1], row)  # pauses for tests while the job runs
        elif row.category not in RUNNING and row.hours > 0:
            down_h[row.category] = down_h.get(row.category, 0.0) + row.hours
            is_open = False
    if down_h:
        found.append(_Session(ledger.horizon_h, ledger.horizon_h, down_h))
    return found


def _add(session: _Session, row: JobRow) -> None:
    """Take a row into a session."""
    session.end_h = max(session.end_h, row.end_h)
    session.hours[row.category] = session.hours.get(row.category, 0.0) + row.hours


def _lose(sessions: list[_Session], hours: float) -> None:
    """Take lost work from the sessions that did it, the latest first."""
    for session in reversed(sessions):
        part_h = min(hours, session.hours.get("productive", 0.0))
        if part_h > 0:
            session.hours["productive"] -= part_h
            session.lost_h += part_h
            hours -= part_h
        if hours <= 0:
            return


def _downtime(session: _Session, stopped_h: float, step: int) -> Iterator[Entry]:
    """What came between two sessions."""
    down_h = session.down_h
    if not down_h:
        return
    recovery_h = math.fsum(hours for name, hours in down_h.items() if BADPUT[name] == _RECOVERY)
    start_h, restore_h = down_h.get("initialise", 0.0), down_h.get("restore", 0.0)
    if stopped_h > 0:
        yield {"job_start_time": _s(stopped_h + recovery_h)}
    yield {"tpu_init_start_time": _s(session.begin_h - restore_h - start_h)}
    yield {"tpu_init_end_time": _s(session.begin_h - restore_h)}
    if restore_h > 0:
        seconds = restore_h * SECONDS_PER_HOUR
        yield {
            "step": step,
            "event_type": "restore",
            "directory": _DIRECTORY,
            "checkpointer_duration_secs": seconds,
            "checkpoint_manager_duration_secs": seconds,
        }


def _n_steps(session: _Session) -> int:
    """Steps whose work was kept, at least one; those that were lost are logged after them."""
    return max(1, math.ceil((session.end_h - session.lost_h - session.begin_h) / STEP_H))


def _steps(session: _Session, first: int) -> Iterator[Entry]:
    """The steps of a session: those that were kept, and one for the work that was lost."""
    n = _n_steps(session)
    kept_h = session.end_h - session.lost_h
    edges = [session.begin_h + (kept_h - session.begin_h) * number / n for number in range(n)] + [kept_h]
    save_s = session.hours.get("checkpoint_save", 0.0) / n * SECONDS_PER_HOUR
    for number, begin_h in enumerate(edges[:-1]):
        yield _step(first + number, begin_h)
        at_h = begin_h
        for category in _SLOWER:
            until_h = min(at_h + session.hours.get(category, 0.0) / n, edges[number + 1])
            if until_h > at_h:
                yield {"custom_badput_event_type": category, "custom_badput_event_start_time": _s(at_h)}
                yield {"custom_badput_event_type": category, "custom_badput_event_end_time": _s(until_h)}
            at_h = until_h
        if save_s > 0:
            yield _save(first + number, save_s)
    yield _step(first + n, kept_h)
    if session.lost_h > 0:
        yield _step(first + n + 1, session.end_h)


def _save(step: int, seconds: float) -> Entry:
    """The checkpoint saves of one step."""
    return {
        "step": step,
        "event_type": "save",
        "directory": _DIRECTORY,
        "wait_for_prev_duration_secs": 0.0,
        "get_old_steps_duration_secs": 0.0,
        "checkpointer_blocking_duration_secs": seconds,
        "checkpoint_manager_blocking_duration_secs": seconds,
    }
