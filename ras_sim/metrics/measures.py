"""What one replication gave: every metric is a function of its ledger and of nothing else."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from ras_sim.errors import ModelError
from ras_sim.ledger import CATEGORIES, INSTALLED, IncidentRow, Ledger
from ras_sim.metrics.cost import Charge, charges, units_taken

RUNNING = ("productive", "tainted", "degraded", "lost_work", "checkpoint_save", "power_throttle")
"""Categories in which the job runs (at whatever speed): their hours are the time at risk of `mtti_h`."""


STAGES = (
    ("detect", "arrive_h", "detected_h"),
    ("locate", "detected_h", "located_h"),
    ("repair", "located_h", "closed_h"),
    ("total", "arrive_h", "closed_h"),
)
"""Stages of a repair: name, column where it begins, column where it ends."""

START = "start"
_UNBLAMED = {
    "checkpoint_save": "checkpoint",
    "power_throttle": "power",
    "initialise": START,
    "restore": START,
    "swap": START,
    "validate": "tests",
    "wait_capacity": START,
}
_TOLERANCE = 1e-9

N = TypeVar("N", int, float)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A total and what it is divided by, kept apart so that replications can be pooled."""

    total: float
    count: float

    @property
    def value(self) -> float | None:
        """total / count, None if there is nothing to divide by."""
        return self.total / self.count if self.count > 0 else None


@dataclass(frozen=True, slots=True)
class RungCount:
    """Tries of one rung, and how many were seen to fix it (outcome `fixed`)."""

    attempts: int
    fixed: int


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """Level of a limited resource over the run: time mean, extremes, and the share of time it was at 0.

    What a replication has no row of (a queue in which nobody ever stood) was at 0 all the time: the defaults.
    """

    mean: float = 0.0
    low: int = 0
    high: int = 0
    zero_frac: float = 1.0


@dataclass(frozen=True, slots=True)
class Measures:
    """The metrics of one replication (equations in docs/model.md, "Metrics").

    Args:
        replication: which one.
        horizon_h: length of the run, hours.
        n_job_gpus, n_installed_gpus: size of the job and of the machine.
        completed: the job had a fixed amount of work and finished it.
        goodput: (productive + tainted) / horizon, 0..1, in hours at full speed: training that was kept, whether sound or
            corrupt without anybody knowing. What the owner of the job believes.
        clean_goodput: productive / horizon: the sound part of it. What is true.
        ettr: (productive + tainted + degraded) / (horizon - planned), 0..1.
        cluster_goodput: goodput x job GPUs / installed GPUs, averaged over time: spares are not free.
        gpu_availability: 1 - GPU-hours out of service / installed GPU-hours, planned stops left out.
        running_h: hours in which the job ran; the time at risk of `mtti_h`.
        mtti_h: running_h / interruptions; None without any (right-censored at running_h).
        interruptions: unplanned stops of a running job, forced or drained.
        planned_interruptions: the same for planned stops.
        time_h: hours of the job in each category, all of them, summing to the horizon.
        interruptions_by_class, interruptions_by_mode: the unplanned ones under "hbm" and "hbm.due".
        faults_by_mode: faults that arrived, benign ones included.
        rungs: tries of each rung.
        lost_gpu_hours_by_class, lost_gpu_hours_by_mode: badput hours x job GPUs by root cause; time that no
            incident is to blame for is under "start", "checkpoint", "tests", "power" or the name of its category. They
            sum to (horizon - productive) x job GPUs.
        mttr_h: hours of repair by stage (detect, locate, repair, total), of unplanned incidents that were
            closed by a repair, and `wait`: hours of them spent waiting for a technician or a part.
        resources: use of each limited resource.
        units_taken: replaceable units that repairs took, by class.
        charges: the bill by item; empty where there are no prices.
    """

    replication: int
    horizon_h: float
    n_job_gpus: int
    n_installed_gpus: int
    completed: bool
    goodput: float
    clean_goodput: float
    ettr: float
    cluster_goodput: float
    gpu_availability: float
    running_h: float
    interruptions: int
    planned_interruptions: int
    time_h: dict[str, float]
    interruptions_by_class: dict[str, int]
    interruptions_by_mode: dict[str, int]
    faults_by_mode: dict[str, int]
    rungs: dict[str, RungCount]
    lost_gpu_hours_by_class: dict[str, float]
    lost_gpu_hours_by_mode: dict[str, float]
    mttr_h: dict[str, Ratio]
    resources: dict[str, ResourceUse]
    units_taken: dict[str, int]
    charges: dict[str, Charge]

    @property
    def effective_gpu_h(self) -> float:
        """Productive hours x job GPUs."""
        return self.time_h["productive"] * self.n_job_gpus

    @property
    def cost_by_item(self) -> dict[str, float]:
        """Amounts of the bill."""
        return {item: charge.amount for item, charge in self.charges.items()}

    @property
    def cost(self) -> float | None:
        """Total of the bill; None without prices."""
        return math.fsum(charge.amount for charge in self.charges.values()) if self.charges else None

    @property
    def mtti_h(self) -> float | None:
        """Mean time to interruption, hours of running; None if there was none."""
        return Ratio(self.running_h, self.interruptions).value


def measure(ledger: Ledger) -> Measures:
    """Compute every metric of one replication.

    Args:
        ledger: rows of a finished replication, horizon_h > 0.

    Raises:
        ModelError: the ledger has no length, or a row names a category or an incident that does not exist.
    """
    if not ledger.horizon_h > 0:
        raise ModelError(f"horizon is {ledger.horizon_h!r} h, want > 0", 0.0, "ledger")
    time_h = hours_by_category(ledger)
    causes = root_causes(ledger.incidents)
    stops = [row for row in ledger.incidents if row.n_interruptions]
    unplanned = [row for row in stops if not is_planned(row)]
    by_mode: Counter[tuple[str, str]] = Counter()
    for row in unplanned:
        by_mode[causes[row.incident_id]] += row.n_interruptions
    lost = lost_gpu_hours(ledger, causes)
    kept_h = time_h["productive"] + time_h["tainted"]
    goodput = kept_h / ledger.horizon_h
    at_work_h = ledger.horizon_h - time_h["planned"]
    running_h = math.fsum(time_h[category] for category in RUNNING)
    return Measures(
        replication=ledger.replication,
        horizon_h=float(ledger.horizon_h),
        n_job_gpus=ledger.n_job_gpus,
        n_installed_gpus=ledger.n_installed_gpus,
        completed=ledger.completed,
        goodput=goodput,
        clean_goodput=time_h["productive"] / ledger.horizon_h,
        ettr=(kept_h + time_h["degraded"]) / at_work_h if at_work_h > 0 else 0.0,
        cluster_goodput=goodput * ledger.n_job_gpus / mean_installed_gpus(ledger),
        gpu_availability=gpu_availability(ledger),
        running_h=running_h,
        interruptions=by_mode.total(),
        planned_interruptions=sum(row.n_interruptions for row in stops) - by_mode.total(),
        time_h=time_h,
        interruptions_by_class=_by_class(by_mode),
        interruptions_by_mode=_named(by_mode),
        faults_by_mode=_named({(row.component_class, row.mode): row.n_faults for row in ledger.faults}),
        rungs=rung_counts(ledger),
        lost_gpu_hours_by_class=_by_class(lost),
        lost_gpu_hours_by_mode=_named(lost),
        mttr_h=repair_stages(ledger),
        resources=resource_use(ledger),
        units_taken=units_taken(ledger),
        charges=charges(ledger, running_h),
    )


def check_conservation(ledger: Ledger) -> None:
    """Check that the job's rows partition the horizon: no hour is missing, counted twice, or negative.

    Raises:
        ModelError: the hours do not sum to the horizon within 1e-9 of it, or a category's total is below
            -1e-9 h.
    """
    time_h = hours_by_category(ledger)
    total_h = math.fsum(row.hours for row in ledger.job)
    if not abs(total_h - ledger.horizon_h) <= _TOLERANCE * ledger.horizon_h:
        message = f"job hours sum to {total_h!r}, horizon is {ledger.horizon_h!r}"
        raise ModelError(message, ledger.horizon_h, "ledger.job")
    for category, hours in time_h.items():
        if hours < -_TOLERANCE:
            raise ModelError(f"{category} is {hours!r} h, want >= 0", ledger.horizon_h, "ledger.job")


def is_planned(row: IncidentRow) -> bool:
    """True for a stop that somebody planned: it is no failure and no interruption of `mtti_h`."""
    return row.symptom == "planned"


def hours_by_category(ledger: Ledger) -> dict[str, float]:
    """Hours of the job in each of `CATEGORIES`, in that order, zeros included.

    Raises: ModelError for a category that is not one of them.
    """
    hours: dict[str, list[float]] = {category: [] for category in CATEGORIES}
    for row in ledger.job:
        if row.category not in hours:
            raise ModelError(f"job category {row.category!r} does not exist", row.start_h, "ledger.job")
        hours[row.category].append(row.hours)
    # fsum: 100,000 rows of a long run must not lose the last digits that conservation is checked in.
    return {category: math.fsum(values) for category, values in hours.items()}


def root_causes(incidents: Iterable[IncidentRow]) -> dict[int, tuple[str, str]]:
    """Component class and failure mode of each incident's root cause, by incident id.

    A fault that comes back is a new incident with the `root_id` of the first one, which takes the blame.
    """
    rows = {row.incident_id: row for row in incidents}
    roots = {incident_id: rows.get(row.root_id, row) for incident_id, row in rows.items()}
    return {incident_id: (root.component_class, root.mode) for incident_id, root in roots.items()}


def lost_gpu_hours(ledger: Ledger, causes: Mapping[int, tuple[str, str]]) -> dict[tuple[str, str], float]:
    """Badput hours x job GPUs for each root cause, (class, mode); (name, "") where no incident is to blame.

    Raises: ModelError for a row that blames an incident without a row.
    """
    hours: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in ledger.job:
        if row.category == "productive":
            continue
        if row.incident_id < 0:
            cause = (_UNBLAMED.get(row.category, row.category), "")
        elif row.incident_id in causes:
            cause = causes[row.incident_id]
        else:
            raise ModelError(f"incident {row.incident_id} has no row", row.start_h, "ledger.incidents")
        hours[cause].append(row.hours)
    return {cause: math.fsum(values) * ledger.n_job_gpus for cause, values in hours.items()}


def rung_counts(ledger: Ledger) -> dict[str, RungCount]:
    """Attempts of each rung and how many fixed the fault, in order of first use."""
    attempts = Counter(row.rung for row in ledger.attempts)
    fixed = Counter(row.rung for row in ledger.attempts if row.outcome == "fixed")
    return {rung: RungCount(n, fixed[rung]) for rung, n in attempts.items()}


def repair_stages(ledger: Ledger) -> dict[str, Ratio]:
    """Total hours and number of repairs by stage; a stage that an incident never reached is left out."""
    closed = [
        row
        for row in ledger.incidents
        if not is_planned(row) and row.outcome in ("fixed", "comes_back") and not math.isnan(row.closed_h)
    ]
    stages: dict[str, Ratio] = {}
    for name, begin, end in STAGES:
        spans = [getattr(row, end) - getattr(row, begin) for row in closed]
        known = [span for span in spans if not math.isnan(span)]
        stages[name] = Ratio(math.fsum(known), len(known))
    ids = {row.incident_id for row in closed}
    waits = [row.start_h - row.asked_h for row in ledger.attempts if row.incident_id in ids]
    stages["wait"] = Ratio(math.fsum(wait for wait in waits if not math.isnan(wait)), len(closed))
    return stages


def gpu_availability(ledger: Ledger) -> float:
    """1 - GPU-hours out of service / (installed GPUs x horizon), 0..1.

    The GPUs of all nodes that an incident holds, whether they failed or not, are out of service from its arrival (from
    its detection if it was silent or only slow, from the accusation for an alarm) until it is closed or the run ends.
    Incidents that overlap on one node count once, with the most GPUs among them; one that hit several nodes (a leaf
    switch) is added to those of its nodes: the result errs on the low side. Planned stops, tests and incidents that were
    tolerated take nothing out of service.
    """
    spans: dict[tuple[str, int], list[tuple[float, float, int]]] = defaultdict(list)
    for row in ledger.incidents:
        late = row.symptom in ("silent", "slow")
        begin_h = row.detected_h if late else row.arrive_h
        if not math.isnan(row.held_h):  # a repair that waited took nothing out of service before
            begin_h = max(begin_h, row.held_h)
        end_h = ledger.horizon_h if math.isnan(row.closed_h) else min(row.closed_h, ledger.horizon_h)
        in_service = is_planned(row) or row.outcome in ("tolerated", "deferred")
        out = not in_service and begin_h < end_h  # False for NaN
        n_gpus = max(row.n_gpus_hit, row.n_gpus_out)
        if out and n_gpus > 0:
            local = row.n_nodes_hit <= 1 and row.node >= 0
            unit = ("node", row.node) if local else (row.component_class, row.instance)
            spans[unit].append((begin_h, end_h, n_gpus))
    lost = math.fsum(_covered(unit_spans) for unit_spans in spans.values())
    return max(0.0, 1.0 - lost / (mean_installed_gpus(ledger) * ledger.horizon_h))


def mean_installed_gpus(ledger: Ledger) -> float:
    """GPUs that are there, averaged over the run: all of the machine, unless some came later."""
    changes = [(row.time_h, row.change) for row in ledger.resources if row.resource == INSTALLED]
    return _step_use(changes, ledger.horizon_h).mean if changes else ledger.n_installed_gpus


def _covered(spans: list[tuple[float, float, int]]) -> float:
    """Integral over time of the largest weight among overlapping (begin, end, weight) spans."""
    if len(spans) == 1:
        begin, end, weight = spans[0]
        return (end - begin) * weight
    edges = sorted({edge for begin, end, _ in spans for edge in (begin, end)})
    area = 0.0
    for left, right in pairwise(edges):
        area += (right - left) * max(
            (w for begin, end, w in spans if begin <= left and right <= end), default=0
        )
    return area


def resource_use(ledger: Ledger) -> dict[str, ResourceUse]:
    """Use of each limited resource; its level is 0 until its first row (at time 0: where it starts)."""
    rows: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for row in ledger.resources:
        rows[row.resource].append((row.time_h, row.change))
    return {name: _step_use(changes, ledger.horizon_h) for name, changes in rows.items()}


def _step_use(changes: list[tuple[float, int]], horizon_h: float) -> ResourceUse:
    """Time mean, extremes and share of time at 0 of a step function given by its changes, over 0..horizon."""
    level, since_h, area, zero_h = 0, 0.0, 0.0, 0.0
    held: list[int] = []
    for time_h, change in [*sorted(changes, key=lambda row: row[0]), (horizon_h, 0)]:
        span_h = min(time_h, horizon_h) - since_h
        if span_h > 0:  # levels that last no time are steps of one event, not states
            held.append(level)
            area += span_h * level
            zero_h += span_h if level == 0 else 0.0
            since_h = min(time_h, horizon_h)
        level += change
    return ResourceUse(area / horizon_h, min(held), max(held), zero_h / horizon_h)


def _named(values: Mapping[tuple[str, str], N]) -> dict[str, N]:
    """Keys (class, mode) as "class.mode", sorted; a key without mode is the class alone."""
    return {f"{cls}.{mode}" if mode else cls: values[cls, mode] for cls, mode in sorted(values)}


def _by_class(values: Mapping[tuple[str, str], N]) -> dict[str, N]:
    """Sums over the modes of each class, sorted."""
    sums: dict[str, N] = {}
    for (cls, _), value in sorted(values.items()):
        sums[cls] = sums[cls] + value if cls in sums else value
    return sums
