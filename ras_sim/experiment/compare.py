"""Two or more designs on the same failures: paired differences, and the faults where they parted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ras_sim.experiment.designs import Change, Design, Shared, changes_between, named_apart, shared_histories
from ras_sim.experiment.executors import spread, worker_count
from ras_sim.experiment.matching import FaultTotals, Parting, partings, worst
from ras_sim.experiment.replicate import (
    Progress,
    Simulate,
    check_arguments,
    replication_frame,
    wrong_argument,
)
from ras_sim.ledger import CATEGORIES, Ledger
from ras_sim.metrics import Aggregate, Measures, aggregate, check_conservation, measure
from ras_sim.metrics.paired import Difference, paired, paired_ratio
from ras_sim.scenario.model import Scenario

if TYPE_CHECKING:
    import pandas as pd

N_PARTINGS = 10
"""Faults in which two designs parted most that are kept, of those handled in another way and of those handled alike."""

BETTER: Mapping[str, int] = {
    "goodput": 1,
    "ettr": 1,
    "cluster_goodput": 1,
    "gpu_availability": 1,
    "mtti_h": 1,
    "interruptions": -1,
    "planned_interruptions": -1,
    "lost_gpu_hours": -1,
    "spares_taken": -1,
    "technician_h": -1,
    "horizon_h": -1,
}
"""Metrics that are compared: 1 if more is better, -1 if less is."""


class Usage(NamedTuple):
    """What a replication took from the stores.

    Args:
        spares_taken: nodes that left the pool of spares, whether to serve the job or because they broke there.
        technician_h: hours in which technicians were busy, travel included, summed over technicians.
    """

    spares_taken: int
    technician_h: float


@dataclass(frozen=True, slots=True)
class Against:
    """One design against the base: every difference is other - base.

    Args:
        design: the other one.
        changes: settings in which it differs from the base.
        shared: what of the fault histories is the same.
        metrics: by name, see `BETTER`.
        time_h: hours of the job by category.
        lost_gpu_hours_by_category: hours that were not productive x GPUs of the job.
        lost_gpu_hours_by_mode, interruptions_by_mode: by root cause, "class.mode".
        rungs: attempts of each rung.
        faults: totals of the matching of faults, one of each replication.
        partings: the matched faults of all replications in which the designs parted most: those that were handled in another
            way, the largest difference first, then those that were handled alike.
    """

    design: Design
    changes: list[Change]
    shared: Shared
    metrics: dict[str, Difference]
    time_h: dict[str, Difference]
    lost_gpu_hours_by_category: dict[str, Difference]
    lost_gpu_hours_by_mode: dict[str, Difference]
    interruptions_by_mode: dict[str, Difference]
    rungs: dict[str, Difference]
    faults: tuple[FaultTotals, ...]
    partings: list[Parting]


class _Outcome(NamedTuple):
    """What a worker sends back of one replication: one item for each design, or for each but the base."""

    measures: tuple[Measures, ...]
    usage: tuple[Usage, ...]
    faults: tuple[FaultTotals, ...]
    partings: tuple[list[Parting], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Finished replications of several designs, and how the designs differ.

    Args:
        designs: the base first.
        seed: the user's seed, the same for all designs.
        replications: how many were wanted of each; there are fewer if the comparison was interrupted.
        measures: of each design, in order of the replications.
        usage: likewise.
        aggregates: estimates for each design on its own.
        against: each design but the base against it.
        wall_s: seconds that it took; the only field that is not reproducible.
        interrupted: the user stopped it before the last replication.
    """

    designs: tuple[Design, ...]
    seed: int
    replications: int
    measures: tuple[tuple[Measures, ...], ...]
    usage: tuple[tuple[Usage, ...], ...]
    aggregates: tuple[Aggregate, ...]
    against: tuple[Against, ...]
    wall_s: float
    interrupted: bool = False

    @property
    def n_finished(self) -> int:
        """Replications that every design has finished."""
        return len(self.measures[0])

    def frame(self) -> pd.DataFrame:
        """One row of metrics per design and replication, as in a run, with the columns design and usage."""
        import pandas as pd

        frames = []
        for design, measures, usage in zip(self.designs, self.measures, self.usage, strict=True):
            head = pd.DataFrame({"design": design.name}, index=range(len(measures)))
            used = pd.DataFrame.from_records(usage, columns=Usage._fields).astype("float64")
            frames.append(pd.concat([head, replication_frame(measures), used], axis=1))
        whole = pd.concat(frames, ignore_index=True)
        # What only another design has seen did not occur here.
        nested = [name for name in whole.columns if "." in name]
        whole[nested] = whole[nested].fillna({name: float(name.endswith(".zero_frac")) for name in nested})
        return whole

    def to_json(self) -> dict[str, Any]:
        """The comparison as one JSON object; null for what is undefined."""
        from ras_sim.experiment.compare_json import comparison_json

        return comparison_json(self)

    def save(self, directory: str | Path) -> Path:
        """Write manifest.json, comparison.json and replications.parquet.

        Raises: InputError if the folder cannot or must not be written.
        """
        from ras_sim.experiment.comparedir import write

        return write(directory, self)

    def _repr_html_(self) -> str:
        """A small table for notebooks: goodput of each design against the base."""
        rows = []
        for one in self.against:
            found = one.metrics["goodput"].estimate
            interval = "-" if found.ci95 is None else f"{found.ci95[0]:+.6f} to {found.ci95[1]:+.6f}"
            mean = "-" if found.mean is None else f"{found.mean:+.6f}"
            rows.append(
                f"<tr><th scope='row'>{escape(one.design.name)}</th><td>{mean}</td><td>{interval}</td></tr>"
            )
        head = f"goodput less that of {escape(self.designs[0].name)}, {self.n_finished} pairs of replications"
        columns = "<tr><th>design</th><th>difference</th><th>95% interval</th></tr>"
        return f"<table><caption>{head}</caption>{columns}{''.join(rows)}</table>"


def compare(
    *designs: Design | Scenario,
    seed: int = 1,
    replications: int = 1,
    workers: int | None = None,
    progress: Progress | None = None,
    simulate: Simulate | None = None,
) -> Comparison:
    """Run several designs on the same fault histories and compare each with the first.

    Replication k of every design draws from the same keyed streams: the same parts fail at the same time, show the same
    symptom and need the same rung, and the n-th try of a rung on a fault ends alike. The result does not depend on
    `workers`. Ctrl-C leaves the replications that every design has finished, with `interrupted` set.

    Args:
        designs: two or more; the first is the base.
        seed: any integer, for all designs.
        replications: of each design, >= 1; an interval needs at least 2.
        workers: processes; None takes one per core that this process may use.
        progress: called after each replication that all designs have finished.
        simulate: what makes a ledger; None is `ras_sim.engine.simulate`. Picklable if workers > 1.

    Raises:
        InputError: fewer than two designs, or a number is out of range.
        ModelError: a ledger does not add up.
    """
    named = named_apart([one if isinstance(one, Design) else Design(one.name, one) for one in designs])
    if len(named) < 2:
        raise wrong_argument("designs", str(len(named)), "two or more")
    check_arguments(replications, workers)
    began_s = time.perf_counter()
    scenarios = tuple(design.scenario for design in named)
    tasks = [(scenarios, simulate, seed, number) for number in range(replications)]
    outcomes = spread(_one, tasks, worker_count(workers, replications))
    finished: list[_Outcome] = []
    interrupted = False
    try:
        with closing(outcomes):
            for outcome in outcomes:
                finished.append(outcome)
                if progress is not None:
                    progress(len(finished), replications)
    except KeyboardInterrupt:
        interrupted = len(finished) < replications
    finished.sort(key=lambda outcome: outcome.measures[0].replication)
    return _comparison(named, seed, replications, finished, began_s, interrupted)


def _one(scenarios: Sequence[Scenario], simulate: Simulate | None, seed: int, replication: int) -> _Outcome:
    """One replication of every design: what a worker does. Only what the comparison needs is kept of the ledgers."""
    if simulate is None:
        from ras_sim.engine import simulate as engine_simulate

        simulate = engine_simulate
    base = _checked(simulate(scenarios[0], seed=seed, replication=replication))
    measures, usage, totals, parted = [measure(base)], [usage_of(base)], [], []
    for scenario in scenarios[1:]:
        other = _checked(simulate(scenario, seed=seed, replication=replication))
        measures.append(measure(other))
        usage.append(usage_of(other))
        found, worst_ones = partings(base, other, N_PARTINGS)
        totals.append(found)
        parted.append(worst_ones)
    return _Outcome(tuple(measures), tuple(usage), tuple(totals), tuple(parted))


def _checked(ledger: Ledger) -> Ledger:
    check_conservation(ledger)
    return ledger


def usage_of(ledger: Ledger) -> Usage:
    """Spares and technicians that a replication used."""
    taken = -sum(row.change for row in ledger.resources if row.resource == "spare_nodes" and row.change < 0)
    busy = [(row.time_h, row.change) for row in ledger.resources if row.resource == "technicians_busy"]
    # Each step of the level lasts from its time to the end.
    return Usage(taken, math.fsum(change * max(0.0, ledger.horizon_h - time_h) for time_h, change in busy))


def _comparison(
    designs: tuple[Design, ...],
    seed: int,
    replications: int,
    finished: Sequence[_Outcome],
    began_s: float,
    interrupted: bool,
) -> Comparison:
    """Put the outcomes together."""
    measures = tuple(tuple(one.measures[i] for one in finished) for i in range(len(designs)))
    usage = tuple(tuple(one.usage[i] for one in finished) for i in range(len(designs)))
    against = []
    for i, design in enumerate(designs[1:]):
        shared = shared_histories(designs[0].scenario, design.scenario)
        changes = changes_between(designs[0].scenario, design.scenario)
        pair = _Pair(measures[0], measures[i + 1], usage[0], usage[i + 1])
        found = worst((parting for one in finished for parting in one.partings[i]), N_PARTINGS)
        faults = tuple(one.faults[i] for one in finished)
        against.append(Against(design, changes, shared, **_differences(pair), faults=faults, partings=found))
    aggregates = tuple(map(aggregate, measures))
    wall_s = time.perf_counter() - began_s
    return Comparison(
        designs, seed, replications, measures, usage, aggregates, tuple(against), wall_s, interrupted
    )


class _Pair(NamedTuple):
    """Two designs in the same replications."""

    base: Sequence[Measures]
    other: Sequence[Measures]
    base_usage: Sequence[Usage]
    other_usage: Sequence[Usage]


def _differences(pair: _Pair) -> dict[str, Any]:
    """The tables of differences of `Against`, by field."""
    return {
        "metrics": _metrics(pair),
        "time_h": _table(pair, lambda one: one.time_h, CATEGORIES),
        "lost_gpu_hours_by_category": _table(pair, _lost_by_category),
        "lost_gpu_hours_by_mode": _table(pair, lambda one: one.lost_gpu_hours_by_mode),
        "interruptions_by_mode": _table(pair, lambda one: one.interruptions_by_mode),
        "rungs": _table(pair, lambda one: {name: count.attempts for name, count in one.rungs.items()}),
    }


def _metrics(pair: _Pair) -> dict[str, Difference]:
    """The metrics of `BETTER`; the length of the run only where it is an outcome."""
    a, b = pair.base, pair.other
    found = {
        name: paired([float(getattr(one, name)) for one in a], [float(getattr(one, name)) for one in b])
        for name in ("goodput", "ettr", "cluster_goodput", "gpu_availability")
    }
    found["mtti_h"] = paired_ratio(
        ([one.running_h for one in a], [one.interruptions for one in a]),
        ([one.running_h for one in b], [one.interruptions for one in b]),
    )
    for name in ("interruptions", "planned_interruptions"):
        found[name] = paired(
            [float(getattr(one, name)) for one in a], [float(getattr(one, name)) for one in b]
        )
    found["lost_gpu_hours"] = paired(list(map(_lost_gpu_h, a)), list(map(_lost_gpu_h, b)))
    for name in Usage._fields:
        found[name] = paired(
            [float(getattr(one, name)) for one in pair.base_usage],
            [float(getattr(one, name)) for one in pair.other_usage],
        )
    if any(one.completed for one in (*a, *b)):
        found["horizon_h"] = paired([one.horizon_h for one in a], [one.horizon_h for one in b])
    return found


def _lost_gpu_h(one: Measures) -> float:
    """All GPU-hours of the job that were not productive."""
    return math.fsum(one.lost_gpu_hours_by_mode.values())


def _lost_by_category(one: Measures) -> dict[str, float]:
    return {name: hours * one.n_job_gpus for name, hours in one.time_h.items() if name != "productive"}


def _table(
    pair: _Pair, get: Callable[[Measures], Mapping[str, float]], names: Iterable[str] | None = None
) -> dict[str, Difference]:
    """A difference for each key of a nested metric, sorted unless named; a key that a replication lacks is 0 there."""
    ours, theirs = [get(one) for one in pair.base], [get(one) for one in pair.other]
    keys = sorted({key for one in (*ours, *theirs) for key in one}) if names is None else names
    return {
        key: paired([float(one.get(key, 0.0)) for one in ours], [float(one.get(key, 0.0)) for one in theirs])
        for key in keys
    }
