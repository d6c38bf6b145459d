"""How an interval in which the job ran is split: work, what slowness took, tests, and saves."""

from __future__ import annotations

from ras_sim.ledger import NO_INCIDENT, JobRow, new_row


def book_running(
    rows: list[JobRow],
    start_h: float,
    end_h: float,
    work_h: float,
    saving_h: float,
    tested_frac: float,
    speed: float,
    cause: int,
) -> None:
    """Add the rows of one running interval; their hours sum to the interval.

    Args:
        rows: the job table of the ledger.
        start_h, end_h: the interval.
        work_h: work done in it, hours at full speed.
        saving_h: hours of it in saves.
        tested_frac: share of the time between saves that pauses for tests took.
        speed: relative speed, 0 < speed <= 1.
        cause: the incident to blame for what is lacking to full speed.
    """
    hours = end_h - start_h - saving_h
    tested_h = tested_frac * hours
    if speed < 1.0:
        slow_h = max(0.0, hours - tested_h - work_h)
        rows.append(new_row(JobRow, (start_h, end_h, "degraded", slow_h, cause)))
        work_h = hours - tested_h - slow_h
    else:
        work_h = hours - tested_h
    rows.append(new_row(JobRow, (start_h, end_h, "productive", work_h, NO_INCIDENT)))
    if tested_h > 0.0:
        rows.append(new_row(JobRow, (start_h, end_h, "validate", tested_h, NO_INCIDENT)))
    if saving_h > 0.0:
        rows.append(new_row(JobRow, (start_h, end_h, "checkpoint_save", saving_h, NO_INCIDENT)))
