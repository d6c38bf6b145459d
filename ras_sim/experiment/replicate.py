"""Replications: the same scenario with independent random histories, in one process or in many."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ras_sim.experiment import rundir
from ras_sim.experiment.arguments import check_arguments, wrong_argument
from ras_sim.experiment.executors import Workers, spread
from ras_sim.experiment.histories import history, sent
from ras_sim.experiment.kept import Form, Kept
from ras_sim.experiment.result import Result, run_key
from ras_sim.experiment.rows import pack, unpack
from ras_sim.experiment.wishes import MAX_REPLICATIONS, Closing, Watch, run_as_wished, watch_of, wish_of
from ras_sim.ledger import Ledger
from ras_sim.metrics import Aggregate, Measures, aggregate, check_conservation, measure
from ras_sim.metrics.aggregate import with_estimate
from ras_sim.metrics.precision import Aim, aim_of, estimate_to
from ras_sim.metrics.samples import Sample, sample

if TYPE_CHECKING:

    from ras_sim.scenario.model import Scenario
    from ras_sim.scenario.setup import Setup

Progress = Callable[[int, int], None]
"""Called with (replications finished, replications wanted) each time one is finished."""


class Simulate(Protocol):
    """One replication: a pure function of its arguments (`ras_sim.engine.simulate`)."""

    def __call__(self, scenario: Scenario, *, seed: int, replication: int) -> Ledger:
        """Return what happened in this replication."""


class _Outcome(NamedTuple):
    """What a worker sends back."""

    measures: Measures
    ledger: Ledger | None


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
        interrupted, aim = run_as_wished(
            wish,
            replications,
            lambda n: _run_up_to(n, work, finished),
            lambda wanted: aim_of(_sample(finished, metric), replications, wanted),
        )
    measures = tuple(outcome.measures for outcome in finished)
    ledgers = tuple(outcome.ledger for outcome in finished if outcome.ledger is not None)
    total, wanted = _total(finished, aim), replications if aim is None else aim.n_wanted
    wall_s = time.perf_counter() - began_s
    n_reused = len({one.replication for one in work.known} & {one.replication for one in measures})
    return Result(scenario, seed, wanted, measures, ledgers, total, wall_s, interrupted, aim, n_reused)


def _total(finished: Sequence[_Outcome], aim: Aim | None) -> Aggregate:
    """Estimates of every metric, that of the wish by the rule that decided how many replications there are."""
    total = aggregate([outcome.measures for outcome in finished])
    if aim is None:
        return total
    metric = aim.wish.metric
    return with_estimate(total, metric, estimate_to(_sample(finished, metric), aim))


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
        with closing(spread(_one, tasks, work.workers, at_once=work.kept.is_durable)) as outcomes:
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


def _kept_ledgers(out: str | Path | None, scenario: Scenario, seed: int) -> Kept[Ledger]:
    """The replications of a run that its directory holds, and where more of them are kept."""
    if out is None:
        return Kept(None, "", Form(pack, unpack))
    key = run_key(scenario, seed)
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
    with closing(spread(_one, tasks, workers, at_once=False)) as outcomes:
        for outcome in outcomes:
            found.append(outcome.measures)
            if progress is not None:
                progress(len(found), len(tasks))
    return sorted(found, key=lambda one: one.replication)


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


def _check_seed(seed: int, done: Sequence[Ledger]) -> None:
    """Raise InputError if what is done is of another seed."""
    other = {ledger.seed for ledger in done} - {seed}
    if other:
        raise wrong_argument("--seed", str(seed), f"{min(other)}, the seed of the replications that are done")
