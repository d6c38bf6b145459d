"""What happened, as rows: the only thing a metric may be computed from.

Eight tables. Times are hours since the start of the run, `incident_id` is -1 where no incident is meant.

job        where every second of the job went. The hours of all rows sum to the horizon, exactly up to rounding.
           A running interval gives up to three rows with the same start and end (productive, degraded, checkpoint_save).
           Work that an interruption destroys is a pair of rows: -x productive and +x lost_work; work that is corrupt at
           the end without anybody knowing one of -x productive and +x tainted.
incidents  one row per incident: one fault's life, or one return of a fault that was not truly fixed.
attempts   one row per try of a rung on an incident.
resources  a change in the level of something limited: spare nodes, busy technicians, parts on the shelf, queues.
visits     one row per technician who was called for a try of a rung, limited or not.
parts      one row per replaceable unit that was asked for, limited or not.
faults     how many faults of each failure mode arrived (benign ones included, which have no incident).
tariff     what is charged for what; empty where the scenario states no prices.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

CATEGORIES = (
    "productive",
    "tainted",
    "degraded",
    "lost_work",
    "checkpoint_save",
    "detect",
    "diagnose",
    "repair",
    "swap",
    "initialise",
    "restore",
    "wait_capacity",
    "validate",
    "planned",
    "power_throttle",
)
"""Where a GPU-second of the job can go: they partition the horizon (docs/model.md, "Ledger")."""

BADPUT = {
    "productive": "",
    "tainted": "",
    "degraded": "OTHER",
    "lost_work": "WASTED_PROGRESS_FROM_DISRUPTION",
    "checkpoint_save": "UNPRODUCTIVE_CHECKPOINT_SAVE_TIME",
    "detect": "INFRASTRUCTURE_RECOVERY_FROM_DISRUPTION",
    "diagnose": "INFRASTRUCTURE_RECOVERY_FROM_DISRUPTION",
    "repair": "INFRASTRUCTURE_RECOVERY_FROM_DISRUPTION",
    "swap": "INFRASTRUCTURE_RECOVERY_FROM_DISRUPTION",
    "initialise": "TPU_INITIALIZATION",
    "restore": "UNPRODUCTIVE_CHECKPOINT_RESTORE_TIME",
    "wait_capacity": "INFRASTRUCTURE_RECOVERY_FROM_DISRUPTION",
    "validate": "INFRASTRUCTURE_RECOVERY_FROM_DISRUPTION",
    "planned": "CUSTOM_BADPUT_EVENTS",
    "power_throttle": "OTHER",
}
"""Each category's name among the `BadputType` members of ml-goodput-measurement ("" is goodput, not badput: who does not
know that work is corrupt counts it as done)."""

NO_INCIDENT = -1

INSTALLED = "installed_gpus"
"""The resource whose level is the number of GPUs that are there, in runs in which some come later."""

new_row = tuple.__new__
"""`new_row(JobRow, (...))` is `JobRow(...)` at half the price, for rows that are made by the ten thousand: a NamedTuple is
made by a Python function, its base class by one in C. All fields must be given, in order."""


class JobRow(NamedTuple):
    """Hours of the job in one category, between two instants, and the incident that is to blame."""

    start_h: float
    end_h: float
    category: str
    hours: float
    incident_id: int


class IncidentRow(NamedTuple):
    """One incident. Stage times are NaN where the stage was never reached before the run ended.

    `root_id` is the incident in which this root cause first struck. `job_effect` is one of none, paused (a caught
    exception, a fault sat out), interrupted (a running job stopped), drained (stopped on purpose, work saved first),
    dropped (its replicas left the step, the others went on), extended (the job was down already), slowed. `outcome` is
    one of fixed, comes_back (closed, not fixed), disabled (the part was taken out of use; its repair is an incident of its
    own, with the same root), tolerated, deferred (its repair waits), sat_out, open; of an alarm (symptom alarm, class
    monitor or test, `node` is the accused one) dismissed, acquitted, convicted, cordoned (the node leaves for good); of a
    good part that is replaced (symptom healthy) in_vain. `n_interruptions` counts how often it stopped a running job so
    that it had to start up again.
    `n_gpus_hit` are the GPUs of the blast, `n_gpus_out` all of the nodes that were kept out of service for it, from
    `held_h` on (NaN: not known, or none).
    """

    incident_id: int
    root_id: int
    component_class: str
    mode: str
    instance: int
    node: int
    symptom: str
    arrive_h: float
    detected_h: float
    located_h: float
    closed_h: float
    needs_rung: str
    final_rung: str
    n_attempts: int
    outcome: str
    job_effect: str
    n_nodes_hit: int
    n_gpus_hit: int
    speed: float
    n_interruptions: int
    n_gpus_out: int = 0
    held_h: float = math.nan


class AttemptRow(NamedTuple):
    """One try of one rung. `asked_h` to `start_h` is the wait for a technician or a part.

    `outcome` is one of fixed, failed (seen to fail), seems_fixed (not fixed, not noticed), caught (not fixed, found by
    the validation test), false_alarm (fixed, but the test said no), disabled (taken out of use), open.
    """

    incident_id: int
    rung: str
    asked_h: float
    start_h: float
    end_h: float
    outcome: str


class ResourceRow(NamedTuple):
    """The level of `resource` changes by `change` at `time_h`. A resource is at level 0 before its first row."""

    time_h: float
    resource: str
    change: int


class VisitRow(NamedTuple):
    """One technician for one try of one rung: called, sent, arrived, gone again. NaN for what the run ended before.

    A try has one visit for each technician who took part: more than one where work was handed over, none where the rung
    needs nobody. `crew` is "" for the one that serves what no other does. Technicians that are not limited are there as
    soon as they are called. `off_duty_h` is the end of the technician's shift, NaN if it has none: what lies beyond it is
    overtime.
    """

    incident_id: int
    rung: str
    called_h: float
    sent_h: float
    arrived_h: float
    left_h: float
    off_duty_h: float
    crew: str = ""


class PartRow(NamedTuple):
    """One part of `component_class` that was asked for and taken, for one try of one rung; `taken_h` is NaN if the run
    ended before. Parts that are not limited are taken as soon as they are asked for, and are sound.

    `condition` is one of sound, dead (on arrival): these were new; returned, faulty: these came back from the manufacturer,
    good or with a fault that was not found; "" for a part that was not taken.
    """

    incident_id: int
    rung: str
    component_class: str
    asked_h: float
    taken_h: float
    condition: str = "sound"


class FaultRow(NamedTuple):
    """Number of faults of one failure mode that arrived within the horizon, `n_benign` of them without any effect."""

    component_class: str
    mode: str
    n_faults: int
    n_benign: int


class TariffRow(NamedTuple):
    """The amount charged for `item` is unit_price x factor x basis, the basis being a quantity of this ledger.

    `item` is one of gpus, spare_gpus, technicians, parts.CLASS, stock.CLASS, energy; energy has several rows. `basis` is one
    of elapsed_h, running_h, held_h, technician_h, overtime_h, units.CLASS, stock_h.CLASS (`ras_sim.metrics.cost`).
    unit_price is an amount of `currency` for one unit of the item; factor x basis is how many units.
    """

    item: str
    unit_price: float
    factor: float
    basis: str
    currency: str


@dataclass(slots=True)
class Ledger:
    """The rows of one replication, and the few facts needed to read them.

    Args:
        scenario: name of the scenario.
        seed, replication: which random history this is.
        horizon_h: length of the run in hours (the job's completion if it had a fixed amount of work).
        completed: True if the job had a fixed amount of work and finished it.
        n_job_gpus, n_installed_gpus: size of the job, and of the machine when all of it is there.
    """

    scenario: str
    seed: int
    replication: int
    horizon_h: float
    n_job_gpus: int
    n_installed_gpus: int
    completed: bool = False
    job: list[JobRow] = field(default_factory=list)
    incidents: list[IncidentRow] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)
    resources: list[ResourceRow] = field(default_factory=list)
    visits: list[VisitRow] = field(default_factory=list)
    parts: list[PartRow] = field(default_factory=list)
    faults: list[FaultRow] = field(default_factory=list)
    tariff: list[TariffRow] = field(default_factory=list)

    def move(self) -> Ledger:
        """The same rows in another ledger; this one has none from then on."""
        own: dict[str, Any] = {table: list(getattr(self, table)) for table in ROW_TYPES}
        for table in ROW_TYPES:
            getattr(self, table).clear()
        return replace(self, **own)

    def frame(self, table: str) -> pd.DataFrame:
        """One table as a data frame with a leading `replication` column.

        Args:
            table: a name from `ROW_TYPES`.
        """
        return frame_of(table, [self])


ROW_TYPES: dict[str, type[NamedTuple]] = {
    "job": JobRow,
    "incidents": IncidentRow,
    "attempts": AttemptRow,
    "resources": ResourceRow,
    "visits": VisitRow,
    "parts": PartRow,
    "faults": FaultRow,
    "tariff": TariffRow,
}


def frame_of(table: str, ledgers: Iterable[Ledger]) -> pd.DataFrame:
    """One table of many ledgers as one data frame, `replication` first; the job table also gets `badput_type`."""
    import numpy as np
    import pandas as pd

    ledgers = list(ledgers)
    columns = list(ROW_TYPES[table]._fields)
    rows = [row for ledger in ledgers for row in getattr(ledger, table)]
    frame = pd.DataFrame.from_records(rows, columns=columns)
    counts = [len(getattr(ledger, table)) for ledger in ledgers]
    frame.insert(0, "replication", np.repeat([ledger.replication for ledger in ledgers], counts))
    if table == "job":
        frame["badput_type"] = frame["category"].map(BADPUT)
    return frame
