"""What a report shows, free of any markup, so that the terminal and the page say the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ras_sim.ledger import CATEGORIES, Ledger
from ras_sim.metrics.measures import is_planned, root_causes
from ras_sim.report.style import count, count_column, label_of, money, number, percent, resource_label, span
from ras_sim.report.timeline import is_supply

if TYPE_CHECKING:
    from ras_sim.experiment.result import Result
    from ras_sim.metrics import Estimate

SMALL_FRAC = 0.0005
"""Shares below 0.05% are folded into one."""

OTHER = "other"

UNBLAMED = {
    "checkpoint_save": "checkpoint",
    "power_throttle": "power",
    "initialise": "start",
    "restore": "start",
    "swap": "start",
    "validate": "tests",
    "wait_capacity": "start",
}
"""Cause of hours that no incident is to blame for, as in `Measures.lost_gpu_hours_by_mode`."""


@dataclass(frozen=True, slots=True)
class Headline:
    """One headline number: its name, its mean, its 95% interval ("" if unknown) and what it means."""

    name: str
    label: str
    value: str
    interval: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Cause:
    """A root cause and its cost: interruptions and lost GPU-hours per replication, share of the loss."""

    name: str
    interruptions: float
    lost_gpu_h: float
    share: float


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung of the ladder: attempts and fixes per replication."""

    name: str
    attempts: float
    fixed: float

    @property
    def share(self) -> float | None:
        """Attempts that fixed the fault, 0..1; None if the rung was never tried."""
        return self.fixed / self.attempts if self.attempts > 0 else None


_HEADLINES = (
    ("goodput", "Goodput", "percent", "full-speed-equivalent training that was kept, of the horizon"),
    ("clean_goodput", "Clean goodput", "percent", "goodput less work that is corrupt without anybody knowing"),
    ("ettr", "ETTR", "percent", "effective training time ratio: time in training, planned stops left out"),
    (
        "cluster_goodput",
        "Cluster goodput",
        "percent",
        "goodput x job GPUs / installed GPUs: spares are not free",
    ),
    ("gpu_availability", "GPU availability", "percent", "GPU-hours in service, of all installed GPU-hours"),
    ("mtti_h", "MTTI", "span", "running time per unplanned interruption"),
    ("interruptions", "Interruptions", "number", "unplanned stops of the job in one replication"),
    ("planned_interruptions", "Planned stops", "number", "upgrades, maintenance, changes"),
    (
        "cost_per_effective_gpu_hour",
        "Cost per effective GPU-hour",
        "money",
        "all that is charged, divided by productive hours x job GPUs",
    ),
    ("cost", "Cost", "money", "all that is charged for one replication"),
)


HEADLINE_LABELS = {name: label for name, label, *_ in _HEADLINES}


def headlines(result: Result) -> list[Headline]:
    """The headline numbers, goodput first; clean goodput only where work can be corrupt, the cost where there are prices."""
    found = []
    for name, label, kind, meaning in _HEADLINES:
        estimate = result.aggregate.metrics.get(name)
        if estimate is None or (name == "clean_goodput" and not _can_corrupt(result)):
            continue
        value = "none seen" if name == "mtti_h" and estimate.mean is None else shown(estimate.mean, kind)
        if kind == "money" and estimate.mean is not None:
            value = f"{value} {result.scenario.currency}"
        found.append(Headline(name, label, value, interval(estimate, kind), meaning))
    return found


def _can_corrupt(result: Result) -> bool:
    """Whether the scenario has a failure mode that may be silent."""
    modes = (mode for named in result.scenario.failures.values() for mode in named.values())
    return any(mode.symptoms.get("silent", 0.0) > 0.0 for mode in modes)


def shown(value: float | None, kind: str) -> str:
    """A value as text: `kind` is percent, span (hours), money or number."""
    if kind == "percent":
        return percent(value)
    if kind == "money":
        return money(value)
    return span(value) if kind == "span" else count(value)


def interval(estimate: Estimate, kind: str) -> str:
    """The 95% interval as text, "" where there is none."""
    if estimate.ci95 is None:
        return ""
    # Student's t knows nothing of the ends of the scale: no metric is negative, no share above 1.
    low, high = max(estimate.ci95[0], 0.0), estimate.ci95[1]
    if kind == "percent":
        high = min(high, 1.0)
    return f"{shown(low, kind)} to {shown(high, kind)}"


def subtitle(result: Result) -> list[str]:
    """Machine and job size, horizon, replications, seed: one short phrase each."""
    parts = []
    if result.ledgers:
        first = result.ledgers[0]
        parts.append(f"{first.n_job_gpus:,} GPUs in the job, {first.n_installed_gpus:,} installed")
    n = len(result.measures)
    parts.append(f"horizon {span(result.scenario.horizon_h)}")
    parts.append(f"{n:,} replication{'s' if n != 1 else ''}")
    parts.append(f"seed {result.seed}")
    if result.interrupted:
        parts.append("stopped early: only the finished replications are counted")
    return parts


def time_shares(result: Result) -> dict[str, float]:
    """Share of the job's time in each category, in the order of `CATEGORIES`; they sum to 1.

    Means of the shares of single replications, so that `productive` is the clean goodput even where replications
    are of different length.
    """
    n = max(len(result.measures), 1)
    return {
        category: sum(one.time_h[category] / one.horizon_h for one in result.measures) / n
        for category in CATEGORIES
    }


def folded(shares: Mapping[str, float], floor: float = SMALL_FRAC) -> dict[str, float]:
    """The shares of at least `floor`; all smaller ones together under "other".

    >>> folded({"a": 0.75, "b": 0.125, "c": 0.0002, "d": 0.0002})
    {'a': 0.75, 'b': 0.125, 'other': 0.0004}
    """
    kept = {name: share for name, share in shares.items() if share >= floor}
    rest = sum(share for share in shares.values() if 0 < share < floor)
    return {**kept, OTHER: rest} if rest > 0 else kept


def causes(result: Result) -> list[Cause]:
    """Every root cause, the one with the most lost GPU-hours first."""
    aggregate = result.aggregate
    lost = {name: one.mean or 0.0 for name, one in aggregate.lost_gpu_hours_by_mode.items()}
    total = sum(lost.values())
    counts = {name: one.mean or 0.0 for name, one in aggregate.interruptions_by_mode.items()}
    found = [
        Cause(
            name,
            counts.get(name, 0.0),
            lost.get(name, 0.0),
            lost.get(name, 0.0) / total if total > 0 else 0.0,
        )
        for name in dict.fromkeys([*lost, *counts])
    ]
    return sorted(found, key=lambda cause: (-cause.lost_gpu_h, -cause.interruptions, cause.name))


def rungs(result: Result) -> list[Rung]:
    """Every rung that was tried, in the order of the scenario's ladder."""
    counts = result.aggregate.rungs
    order = dict.fromkeys([*ladder_of(result), *counts])
    return [
        Rung(name, counts[name]["attempts"].mean or 0.0, counts[name]["fixed"].mean or 0.0)
        for name in order
        if name in counts
    ]


def ladder_of(result: Result) -> list[str]:
    """Names of the scenario's rungs, the cheapest first."""
    return list(result.scenario.repair.ladder)


def cause_rows(found: Sequence[Cause]) -> list[tuple[str, str, str, str]]:
    """Name, interruptions, lost GPU-hours and share of the loss as text, one row for each cause."""
    counts = count_column([one.interruptions for one in found])
    return [
        (one.name, n, number(one.lost_gpu_h), percent(one.share, 1))
        for one, n in zip(found, counts, strict=True)
    ]


def rung_rows(found: Sequence[Rung]) -> list[tuple[str, str, str, str]]:
    """Name, attempts, fixes and share of attempts that fixed the fault as text, one row for each rung."""
    attempts = count_column([one.attempts for one in found])
    fixed = count_column([one.fixed for one in found])
    return [
        (label_of(one.name), n, n_fixed, percent(one.share, 1))
        for one, n, n_fixed in zip(found, attempts, fixed, strict=True)
    ]


def losses_by_phase(ledgers: Sequence[Ledger]) -> dict[str, dict[str, float]]:
    """Lost GPU-hours per replication: cause ("class.mode") -> category -> GPU-hours, the worst cause first.

    The cause of an incident is that of its root: the same rule as in `Measures.lost_gpu_hours_by_mode`.
    """
    table: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for ledger in ledgers:
        names = {key: f"{cls}.{mode}" for key, (cls, mode) in root_causes(ledger.incidents).items()}
        hours: dict[tuple[int, str], float] = defaultdict(float)
        for row in ledger.job:
            if row.category != "productive":
                hours[row.incident_id, row.category] += row.hours
        weight = ledger.n_job_gpus / len(ledgers)
        for (incident_id, category), value in hours.items():
            cause = names.get(incident_id) or UNBLAMED.get(category, category)
            table[cause][category] += value * weight
    worst_first = sorted(table, key=lambda cause: -sum(table[cause].values()))
    return {cause: dict(table[cause]) for cause in worst_first}


def attempts_by_outcome(ledgers: Sequence[Ledger], ladder: Sequence[str]) -> dict[str, dict[str, float]]:
    """Tries per replication: rung -> outcome -> mean count, in the order of the ladder."""
    table: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for ledger in ledgers:
        for row in ledger.attempts:
            table[row.rung][row.outcome] += 1 / len(ledgers)
    return {rung: dict(table[rung]) for rung in dict.fromkeys([*ladder, *table]) if rung in table}


def blast_sizes(ledgers: Sequence[Ledger]) -> dict[str, dict[int, float]]:
    """Unplanned incidents per replication: job effect -> number of GPUs hit -> mean count."""
    table: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for ledger in ledgers:
        for row in ledger.incidents:
            if not is_planned(row):
                table[row.job_effect][row.n_gpus_hit] += 1 / len(ledgers)
    return {effect: dict(sizes) for effect, sizes in table.items()}


def scarcity(result: Result) -> str:
    """Which supply ran out for the largest part of the time, in words."""
    supplies = {
        name: use["zero_frac"].mean or 0.0
        for name, use in result.aggregate.resources.items()
        if is_supply(name)
    }
    worst = max(supplies, key=supplies.__getitem__, default="")
    if not worst:
        return "How busy technicians were"
    if supplies[worst] <= 0:
        return "Neither spares nor parts ever ran out"
    n = len(result.measures)
    mean = f", mean of {n:,} replications" if n > 1 else ""
    return f"{resource_label(worst)}: none for {percent(supplies[worst], 1)} of the time{mean}"


def stops(result: Result) -> str:
    """How often the job stopped, in words."""
    metrics = result.aggregate.metrics
    unplanned, planned = metrics["interruptions"].mean or 0.0, metrics["planned_interruptions"].mean or 0.0
    horizon = span(sum(one.horizon_h for one in result.measures) / max(len(result.measures), 1))
    return f"In {horizon} the job has {count(unplanned)} unplanned and {count(planned)} planned stops"


def worst_deviation(ledgers: Sequence[Ledger]) -> float:
    """Largest |sum of hours - horizon| / horizon over the ledgers: how exactly time is conserved."""
    return max(
        (abs(sum(row.hours for row in one.job) - one.horizon_h) / one.horizon_h for one in ledgers),
        default=0.0,
    )


def ranked(result: Result, n: int) -> list[int]:
    """Positions of at most n replications from the worst goodput to the best, evenly spread over the ranking.

    With one place only it is the median replication.
    """
    order = sorted(range(len(result.ledgers)), key=lambda i: result.measures[i].goodput)
    if len(order) <= n:
        return order
    if n == 1:
        return [order[len(order) // 2]]
    return [order[round(k * (len(order) - 1) / (n - 1))] for k in range(n)]
