"""What technicians' hours went into and what they brought back, by the class of the part that failed; from a ledger."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ras_sim.ledger import IncidentRow, Ledger, VisitRow
from ras_sim.metrics.measures import root_causes

WAITED = ("repair", "wait_capacity", "validate")
"""Categories of the job's time in which it waits for a repair to end."""


@dataclass(frozen=True, slots=True)
class TechnicianUse:
    """Totals of one class of failures in one replication.

    Args:
        n_visits: technicians who were sent.
        wait_h: hours in which somebody who was called had not been sent yet.
        travel_h: technician-hours on the way.
        work_h: technician-hours at the machine.
        overtime_h: of both, hours after the end of the shift.
        n_gpus_back: GPUs that were in service again when the repair was done, each as often as it was.
        job_wait_gpu_h: GPU-hours of the job that waited for these repairs.
    """

    n_visits: float = 0
    wait_h: float = 0.0
    travel_h: float = 0.0
    work_h: float = 0.0
    overtime_h: float = 0.0
    n_gpus_back: float = 0
    job_wait_gpu_h: float = 0.0

    @property
    def hours(self) -> float:
        """Technician-hours: on the way and at the machine."""
        return self.travel_h + self.work_h

    @property
    def gpus_per_h(self) -> float | None:
        """GPUs back in service for each technician-hour; None without any."""
        return self.n_gpus_back / self.hours if self.hours > 0.0 else None

    def totals(self) -> tuple[float, ...]:
        """All of them, in order."""
        return tuple(getattr(self, name) for name in self.__slots__)


def together(uses: Iterable[TechnicianUse], weight: float = 1.0) -> TechnicianUse:
    """The sum of several, times a weight, e.g. 1 / replications."""
    columns = zip(*(one.totals() for one in uses), strict=True)
    return TechnicianUse(*(math.fsum(column) * weight for column in columns))


def technician_use(ledger: Ledger) -> dict[str, TechnicianUse]:
    """Use by the component class of the root cause, the most hours first.

    Visits that the end of the run cut short count until then. An incident brings its GPUs back if a technician was at its
    machine and its repair fixed the fault; one that comes back brought nothing.
    """
    classes = {number: cls for number, (cls, _) in root_causes(ledger.incidents).items()}
    found: dict[str, list[TechnicianUse]] = defaultdict(list)
    attended: set[int] = set()
    for row in ledger.visits:
        found[classes[row.incident_id]].append(_of_visit(row, ledger.horizon_h))
        if not math.isnan(row.arrived_h):
            attended.add(row.incident_id)
    if not found:
        return {}
    for cls, n_gpus in _brought_back(ledger.incidents, attended, classes):
        found[cls].append(TechnicianUse(n_gpus_back=n_gpus))
    for job in ledger.job:
        if job.incident_id in attended and job.category in WAITED:
            found[classes[job.incident_id]].append(
                TechnicianUse(job_wait_gpu_h=job.hours * ledger.n_job_gpus)
            )
    uses = {cls: together(some) for cls, some in found.items()}
    return dict(sorted(uses.items(), key=lambda item: (-item[1].hours, item[0])))


def _of_visit(row: VisitRow, horizon_h: float) -> TechnicianUse:
    sent_h, arrived_h, left_h = (
        horizon_h if math.isnan(hour) else hour for hour in (row.sent_h, row.arrived_h, row.left_h)
    )
    if math.isnan(row.arrived_h):  # sent home on the way, or still on it
        arrived_h = left_h
    return TechnicianUse(
        n_visits=0 if math.isnan(row.sent_h) else 1,
        wait_h=sent_h - row.called_h,
        travel_h=arrived_h - sent_h,
        work_h=left_h - arrived_h,
        overtime_h=0.0 if math.isnan(row.off_duty_h) else max(0.0, left_h - max(row.off_duty_h, sent_h)),
    )


def _brought_back(
    incidents: Iterable[IncidentRow], attended: set[int], classes: Mapping[int, str]
) -> Iterable[tuple[str, int]]:
    for row in incidents:
        if row.incident_id in attended and row.outcome == "fixed":
            yield classes[row.incident_id], max(row.n_gpus_hit, row.n_gpus_out)
