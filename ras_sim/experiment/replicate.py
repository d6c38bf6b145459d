"""Replications: the same scenario with independent random histories, in one process or in many."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ras_sim.errors import InputError, Problem
from ras_sim.experiment import rundir
from ras_sim.experiment.executors import Workers, spread
from ras_sim.experiment.histories import history, sent
from ras_sim.experiment.kept import Form, Kept
from ras_sim.experiment.origin import key_of
from ras_sim.experiment.rows import pack, unpack
from ras_sim.experiment.wishes import MAX_REPLICATIONS, Closing, Watch, watch_of, wish_of
from ras_sim.ledger import ROW_TYPES, Ledger, frame_of
from ras_sim.metrics import Aggregate, Measures, aggregate, check_conservation, measure
from ras_sim.metrics.aggregate import COSTS, with_estimate
from ras_sim.metrics.cost import not_charged
from ras_sim.metrics.precision import Aim, aim_of, estimate_to
from ras_sim.metrics.samples import Sample, sample

if TYPE_CHECKING:
    import pandas as pd

    from ras_sim.metrics import Estimate
    from ras_sim.scenario.model import Scenario
    from ras_sim.scenario.setup import Setup

Progress = Callable[[int, int], None]
"""Called with (replications finished, replications wanted) each time one is finished."""

SCHEMA = 1
"""Version of the shape of `Result.to_json`."""

REPORTED = (
    "goodput",
    "clean_goodput",
    "ettr",
    "cluster_goodput",
    "mtti_h",
    "interruptions",
    "planned_interruptions",
)


def reported(total: Aggregate) -> tuple[str, ...]:
    """Metrics of the JSON result: `REPORTED`, and the cost where there are prices."""
    return (*REPORTED, *(name for name in COSTS if name in total.metrics))


class Simulate(Protocol):
    """One replication: a pure function of its arguments (`ras_sim.engine.simulate`)."""

    def __call__(self, scenario: Scenario, *, seed: int, replication: int) -> Ledger:
        """Return what happened in this replication."""


class _Outcome(NamedTuple):
    """What a worker sends back."""

    measures: Measures
    ledger: Ledger | None


@dataclass(frozen=True, slots=True)
class Result:
    """Finished replications of one scenario, in order of their number.

    Args:
        scenario: what was run.
        seed: the user's seed.
        replications: how many were wanted; `measures` has fewer if the run was interrupted.
        measures: metrics of each finished replication.
        ledgers: rows of each finished replication; empty if they were not kept.
        aggregate: estimates over the finished replications.
        wall_s: seconds that the run took; with `n_reused` all that is not reproducible.
        interrupted: the user stopped the run before the last replication.
        aim: the precision that was aimed at, if any; the interval of its metric in `aggregate` is that of the rule.
        n_reused: replications that were finished before.
    """

    scenario: Scenario
    seed: int
    replications: int
    measures: tuple[Measures, ...]
    ledgers: tuple[Ledger, ...]
    aggregate: Aggregate
    wall_s: float
    interrupted: bool = False
    aim: Aim | None = None
    n_reused: int = 0

    @property
    def is_precise(self) -> bool:
        """True if a precision was aimed at and reached."""
        return self.aim is not None and self.aim.is_reached

    @property
    def aimed(self) -> Estimate | None:
        """The metric whose precision was aimed at, with the interval of the rule; None without an aim."""
        return (
            None if self.aim is None else estimate_to(sample(self.measures, self.aim.wish.metric), self.aim)
        )

    def frame(self, table: str) -> pd.DataFrame:
        """One table over all replications.

        Args:
            table: `replications` (one row of metrics each), or one of the ledger (`ras_sim.ledger.ROW_TYPES`).

        Raises:
            InputError: no such table, or the ledgers were not kept.
        """
        if table == "replications":
            return replication_frame(self.measures)
        if table not in ROW_TYPES:
            raise wrong_argument("table", repr(table), "one of " + ", ".join(("replications", *ROW_TYPES)))
        if len(self.ledgers) < len(self.measures):
            raise wrong_argument("keep_ledgers", "False", f"True, to read the rows of {table}")
        return frame_of(table, self.ledgers)

    def to_json(self) -> dict[str, Any]:
        """The result as one JSON object: means over the finished replications, null for what is undefined."""
        from ras_sim import __version__

        total = self.aggregate
        means = ("time_h", "interruptions_by_class", "interruptions_by_mode", "faults_by_mode")
        return {
            "schema": SCHEMA,
            "scenario": self.scenario.name,
            "version": __version__,
            "seed": self.seed,
            "replications": len(self.measures),
            "horizon_h": self.scenario.horizon_h,
            "metrics": {name: total.metrics[name].to_json() for name in reported(total)},
            **{name: {key: one.mean for key, one in getattr(total, name).items()} for name in means},
            "rungs": {
                rung: {key: one.mean for key, one in counts.items()} for rung, counts in total.rungs.items()
            },
            "goodput_quantiles": {
                name: None if one is None else one.to_json() for name, one in total.goodput_quantiles.items()
            },
            "precision": self._precision(),
            "cost": self._bill_json(),
            "wall_s": self.wall_s,
        }

    def _precision(self) -> dict[str, Any] | None:
        """What precision was aimed at, whether it was reached, and the estimate."""
        if self.aim is None or self.aimed is None:
            return None
        return self.aim.to_json() | self.aimed.to_json()

    def _bill_json(self) -> dict[str, Any] | None:
        """The bill of a mean replication, and what is not on it; None without prices."""
        cost, total = self.scenario.cost, self.aggregate
        if cost is None:
            return None
        return {
            "currency": cost.currency,
            "bill": {
                item: {name: one.mean for name, one in charge.items()}
                for item, charge in total.charges.items()
            },
            "not_charged": list(not_charged(total.charges, total.units_taken, total.resources)),
        }

    def manifest(self) -> dict[str, Any]:
        """What is needed to make these results again, and to know whether they are complete."""
        from ras_sim import __version__

        return {
            "version": __version__,
            "scenario": self.scenario.name,
            "description": self.scenario.description,
            "content_hash": self.scenario.content_hash,
            "key": _key(self.scenario, self.seed),
            "source_text": self.scenario.source_text,
            "resolved_text": self.scenario.resolved_text,
            "horizon_h": self.scenario.horizon_h,
            "seed": self.seed,
            "replications": self.replications,
            "finished": [one.replication for one in self.measures],
            "interrupted": self.interrupted,
            "precision": None if self.aim is None else self.aim.to_json(),
            "wall_s": self.wall_s,
        }

    def save(self, directory: str | Path) -> Path:
        """Write a run directory (see `ras_sim.experiment.rundir`); without ledgers only the metrics.

        Raises: InputError if the folder cannot or must not be written.
        """
        kept = len(self.ledgers) == len(self.measures)
        tables = rundir.TABLES if kept else ("replications",)
        return rundir.write(directory, self.manifest(), {table: self.frame(table) for table in tables})

    def __repr__(self) -> str:
        """One line: rows and settings would fill screens."""
        goodput = self.aggregate.metrics["goodput"]
        mean = "none" if goodput.mean is None else f"{goodput.mean:.4f}"
        finished = f"{len(self.measures)} of {self.replications} replications"
        return f"<Result of {self.scenario.name!r}: goodput {mean}, {finished}, seed {self.seed}>"

    def _repr_html_(self) -> str:
        """A small table for notebooks."""
        rows = []
        for name, one in self.aggregate.metrics.items():
            mean = "-" if one.mean is None else f"{one.mean:.6g}"
            interval = "-" if one.ci95 is None else f"{one.ci95[0]:.6g} to {one.ci95[1]:.6g}"
            rows.append(f"<tr><th scope='row'>{escape(name)}</th><td>{mean}</td><td>{interval}</td></tr>")
        head = f"{escape(self.scenario.name)}: {len(self.measures)} of {self.replications} replications"
        columns = "<tr><th>metric</th><th>mean</th><th>95% interval</th></tr>"
        return f"<table><caption>{head}, seed {self.seed}</caption>{columns}{''.join(rows)}</table>"


def run(
    scenario: Scenario,
    *,
    seed: int = 1,
    replications: int = 1,
    workers: Workers = None,
    progress: Progress | None = None,
    keep_ledgers: bool = True,
    done: Sequence[Ledger] = (),
    precision: float | str | None = None,
    metric: str = "goodput",
    max_replications: int = MAX_REPLICATIONS,
    closing_in: Closing | None = None,
    out: str | Path | None = None,
    simulate: Simulate | None = None,
) -> Result:
    """Run a scenario several times with independent random histories.

    The result does not depend on `workers`: a replication is a pure function of (scenario, seed, number), and
    results are put in order of their number. Ctrl-C leaves what was finished, with `interrupted` set.

    Args:
        scenario: what to run.
        seed: any integer; the same seed gives the same results.
        replications: how many, >= 1.
        workers: who does it, see `ras_sim.experiment.executors.Workers`.
        progress: called after each finished replication.
        keep_ledgers: keep all rows; False saves memory where only metrics are wanted.
        done: ledgers of an earlier, interrupted run of the same scenario and seed: they are not run again.
        precision: go on until the 95% interval of `metric` is at most this to either side, by Stein's rule
            (`ras_sim.metrics.precision`): 0.002 or "0.2%" of goodput, "10 min" or "5 %" of an MTTI. `replications` is its
            first stage, >= 10.
        metric: what the precision is about, by its name in the JSON result.
        max_replications: where to stop whatever the precision.
        closing_in: shown the interval as it closes.
        out: a run directory where every replication is kept from the moment it is finished; those that it holds are not
            run again. `Result.save` writes the whole run there.
        simulate: what makes a ledger; None is `ras_sim.engine.simulate`. Picklable if workers > 1.

    Raises:
        InputError: a number is out of range, or `done` is of another seed.
        ModelError: a ledger does not add up.
    """
    if isinstance(scenario, str | Path):
        raise wrong_argument("scenario", repr(str(scenario)), "a scenario: ras_sim.load(path)")
    check_arguments(replications, workers)
    _check_seed(seed, done)
    wish = wish_of(scenario, metric, precision, n_first=replications, limit=max_replications)
    began_s = time.perf_counter()
    watch = watch_of(wish, replications, closing_in)
    finished: list[_Outcome] = []
    with _kept_ledgers(out, scenario, seed) as kept:
        work = _Work(scenario, simulate, seed, workers, keep_ledgers, progress, watch, (*done, *kept.pieces), kept)
        interrupted, aim = _run_up_to(replications, work, finished), None
        if wish is not None and not interrupted:
            aim = aim_of(_sample(finished, metric), replications, wish)
            while not interrupted and len(finished) < aim.n_wanted:
                interrupted = _run_up_to(aim.n_wanted, work, finished)
                aim = aim_of(_sample(finished, metric), replications, wish)
    measures = tuple(outcome.measures for outcome in finished)
    ledgers = tuple(outcome.ledger for outcome in finished if outcome.ledger is not None)
    total, wanted = aggregate(measures), replications if aim is None else aim.n_wanted
    if aim is not None:
        total = with_estimate(total, metric, estimate_to(_sample(finished, metric), aim))
    wall_s = time.perf_counter() - began_s
    known = {one.replication for one in work.known}
    n_reused = sum(one.replication in known for one in measures)
    return Result(scenario, seed, wanted, measures, ledgers, total, wall_s, interrupted, aim, n_reused)


def _sample(finished: Sequence[_Outcome], metric: str) -> Sample:
    return sample([one.measures for one in finished], metric)


class _Work(NamedTuple):
    """What does not change from replication to replication.

    Args:
        known: ledgers that were finished before.
        kept: where every ledger is kept from the moment it is finished.
    """

    scenario: Scenario
    simulate: Simulate | None
    seed: int
    workers: Workers
    keep_ledgers: bool
    progress: Progress | None
    watch: Watch | None
    known: tuple[Ledger, ...]
    kept: Kept[Ledger]


def _run_up_to(n: int, work: _Work, finished: list[_Outcome]) -> bool:
    """Finish the replications up to number n - 1, in order of their number; True if the user stopped that.

    Args:
        finished: what is finished already; the rest is added.
    """
    begun = {outcome.measures.replication for outcome in finished}
    known = {one.replication: one for one in work.known if one.replication < n and one.replication not in begun}
    finished.extend(_outcome(ledger, work.keep_ledgers) for ledger in known.values())
    missing = [number for number in range(n) if number not in known and number not in begun]
    wanted = work.keep_ledgers or work.kept.is_durable
    what = sent(work.scenario, work.simulate)
    tasks = [(what, work.simulate, work.seed, number, wanted) for number in missing]
    interrupted = False
    try:
        with closing(spread(_one, tasks, work.workers)) as outcomes:
            for outcome in outcomes:
                if outcome.ledger is not None:
                    work.kept.add(outcome.ledger)
                finished.append(outcome if work.keep_ledgers else outcome._replace(ledger=None))
                if work.watch is not None:
                    work.watch([one.measures for one in finished])
                if work.progress is not None:
                    work.progress(len(finished), n)
    except KeyboardInterrupt:
        interrupted = len(finished) < n
    finished.sort(key=lambda outcome: outcome.measures.replication)
    return interrupted


def _key(scenario: Scenario, seed: int) -> str:
    """What a replication depends on but its number."""
    return key_of("run", scenario.name, scenario.content_hash, seed)


def _kept_ledgers(out: str | Path | None, scenario: Scenario, seed: int) -> Kept[Ledger]:
    """The replications of a run that its directory holds, and where more of them are kept."""
    if out is None:
        return Kept(None, "", Form(pack, unpack))
    key = _key(scenario, seed)
    return Kept(out, key, Form(pack, unpack), lambda: rundir.saved_ledgers(out, key))


def measured(
    scenario: Scenario,
    seed: int,
    numbers: Sequence[int],
    *,
    workers: Workers = None,
    progress: Progress | None = None,
    simulate: Simulate | None = None,
) -> list[Measures]:
    """The metrics of some replications, in order of their number: `run` for who decides as it goes how many to run.

    Args:
        numbers: of the replications, each >= 0.
        progress: called with (finished, wanted) after each of them.

    Raises:
        InputError: `workers` is out of range.
        ModelError: a ledger does not add up.
    """
    check_arguments(1, workers)
    what = sent(scenario, simulate)
    tasks = [(what, simulate, seed, number, False) for number in numbers]
    found: list[Measures] = []
    with closing(spread(_one, tasks, workers)) as outcomes:
        for outcome in outcomes:
            found.append(outcome.measures)
            if progress is not None:
                progress(len(found), len(tasks))
    return sorted(found, key=lambda one: one.replication)


def replication_frame(measures: Sequence[Measures]) -> pd.DataFrame:
    """One row of metrics per replication; nested metrics become columns like `time_h.productive`.

    What did not occur in a replication is 0 there; an MTTI without any interruption is NaN.
    """
    import pandas as pd

    frame = pd.DataFrame.from_records([_flat(one) for one in measures])
    plain = [name for name in frame.columns if "." not in name]
    nested = frame.columns.difference(plain)
    frame[nested] = frame[nested].fillna({name: float(name.endswith(".zero_frac")) for name in nested})
    # Sorted, since the order of first occurrence depends on which replications there are.
    return frame[[*plain, *sorted(nested)]]


def _flat(measures: Measures) -> dict[str, float]:
    """Measures as one flat record."""
    record: dict[str, float] = {}
    for name in (field.name for field in fields(measures)):
        value = getattr(measures, name)
        if not isinstance(value, dict):
            record[name] = value
            continue
        for key, item in value.items():
            record |= _flat_item(f"{name}.{key}", item)
    record["mtti_h"] = float("nan") if measures.mtti_h is None else measures.mtti_h
    record["effective_gpu_h"] = measures.effective_gpu_h
    if measures.cost is not None:
        record["cost"] = measures.cost
    return record


def _flat_item(name: str, item: Any) -> dict[str, float]:
    """One entry of a nested metric: a number, or a small record of numbers."""
    if isinstance(item, int | float):
        return {name: float(item)}
    return {f"{name}.{field.name}": float(getattr(item, field.name)) for field in fields(item)}


def _outcome(ledger: Ledger, keep_ledger: bool) -> _Outcome:
    """Measure a ledger that adds up."""
    check_conservation(ledger)
    return _Outcome(measure(ledger), ledger if keep_ledger else None)


def _one(
    what: Scenario | Setup, simulate: Simulate | None, seed: int, replication: int, keep_ledger: bool
) -> _Outcome:
    """Run one replication: what a worker does."""
    ledger = history(what, simulate, seed=seed, replication=replication)
    return _Outcome(measure(ledger), ledger if keep_ledger else None)


def check_arguments(replications: int, workers: Workers) -> None:
    """Raise InputError for numbers that no run can be made of."""
    if replications < 1:
        raise wrong_argument("--replications", str(replications), ">= 1")
    if isinstance(workers, int) and workers < 1:
        raise wrong_argument("--workers", str(workers), ">= 1, or none for one per core")


def _check_seed(seed: int, done: Sequence[Ledger]) -> None:
    """Raise InputError if what is done is of another seed."""
    other = {ledger.seed for ledger in done} - {seed}
    if other:
        raise wrong_argument("--seed", str(seed), f"{min(other)}, the seed of the replications that are done")


def wrong_argument(where: str, got: str, wanted: str) -> InputError:
    """An error in an argument."""
    return InputError((Problem("", None, None, where, got, wanted),))
