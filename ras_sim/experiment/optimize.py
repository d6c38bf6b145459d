"""Optimise: search settings for the best of a metric, or for the best trade-offs of several, and check the winners on
histories that the search has not seen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ras_sim.errors import InputError, Problem
from ras_sim.experiment import optimizedir
from ras_sim.experiment.arguments import check_arguments, wrong_argument
from ras_sim.experiment.executors import Workers
from ras_sim.experiment.factors import Factor, Row, parse_factors
from ras_sim.experiment.pareto import dominates, front
from ras_sim.experiment.pointruns import PointRuns, difference_of, estimate_of
from ras_sim.experiment.points import Point, points_of
from ras_sim.experiment.pointstore import PointStore
from ras_sim.experiment.replicate import Progress, Simulate
from ras_sim.experiment.search import BATCH, Search
from ras_sim.experiment.sweep import better, check_metric, check_prices
from ras_sim.experiment.varied import as_it_is, search_space
from ras_sim.metrics.estimates import Estimate
from ras_sim.metrics.paired import Difference
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
MAX_TRIALS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One point that the search tried.

    Args:
        number: from 0, in the order in which they were asked for.
        values: of each factor, as they are written in a scenario.
        point: as it was run; None if these values together are no scenario.
        outcome: mean of each objective over the histories of the search; None if the point was not run, or one of
            them is not defined.
        why: what is wrong with it; "" if nothing is.
    """

    number: int
    values: Row
    point: Point | None
    outcome: tuple[float, ...] | None
    why: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Finalist:
    """A winner of the search, run again on fresh histories beside the scenario as it is.

    Args:
        trial: which one.
        fresh: of each objective the winner less the scenario as it is, paired, on histories that the search has not seen.
        level: of each objective its value on those histories.
        is_dominated: another finalist is at least as good in every objective on those histories, and better in one.
    """

    trial: Trial
    fresh: tuple[Difference, ...]
    level: tuple[Estimate, ...]
    is_dominated: bool


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """What a search found.

    Args:
        scenario: as it is.
        factors: what was varied.
        objectives: metrics, the first one first.
        seed: the user's seed.
        replications: histories that every trial meets: 0 to replications - 1.
        fresh: further histories that only the finalists meet: replications to replications + fresh - 1.
        base: of each objective the scenario as it is, on the histories of the search.
        starts_as_it_is: the scenario as it is lies within what is varied, and was tried first.
        trials: in their order; fewer than `n_trials` if the user stopped it.
        n_trials: how many were wanted.
        finalists: the best trial; of several objectives the Pareto front. Empty if the user stopped it.
        n_reused: points that an earlier run in the same folder had finished.
        wall_s: seconds that it took; with `n_reused` all that is not reproducible.
    """

    scenario: Scenario
    factors: tuple[Factor, ...]
    objectives: tuple[str, ...]
    seed: int
    replications: int
    fresh: int
    base: tuple[Estimate, ...]
    starts_as_it_is: bool
    trials: tuple[Trial, ...]
    n_trials: int
    finalists: tuple[Finalist, ...]
    n_reused: int
    wall_s: float

    @property
    def interrupted(self) -> bool:
        """The user stopped it before the finalists were known."""
        return not self.finalists

    @property
    def signs(self) -> tuple[int, ...]:
        """Of each objective 1 if more is better, -1 if less is."""
        return tuple(map(better, self.objectives))

    def worth(self) -> list[Trial]:
        """The trials that have an outcome."""
        return [one for one in self.trials if one.outcome is not None]

    def to_json(self) -> dict[str, Any]:
        """The result as one JSON object; null for what is undefined."""
        from ras_sim import __version__

        keys = [factor.key for factor in self.factors]
        return {
            "schema": SCHEMA,
            "scenario": self.scenario.name,
            "content_hash": self.scenario.content_hash,
            "version": __version__,
            "seed": self.seed,
            "replications": self.replications,
            "fresh_replications": self.fresh,
            "batch": BATCH,
            "factors": [_factor_json(factor) for factor in self.factors],
            "objectives": [
                {"metric": name, "better": "more" if sign > 0 else "less", "as_it_is": one.to_json()}
                for name, sign, one in zip(self.objectives, self.signs, self.base, strict=True)
            ],
            "trials": [
                {
                    "trial": one.number,
                    "values": dict(zip(keys, one.values, strict=True)),
                    "outcome": None
                    if one.outcome is None
                    else dict(zip(self.objectives, one.outcome, strict=True)),
                    "why": one.why,
                }
                for one in self.trials
            ],
            "finalists": [self._finalist_json(one) for one in self.finalists],
            "interrupted": self.interrupted,
            "wall_s": self.wall_s,
        }

    def _finalist_json(self, one: Finalist) -> dict[str, Any]:
        levels = zip(self.objectives, one.level, one.fresh, strict=True)
        return {
            "trial": one.trial.number,
            "fresh": {
                name: {"level": level.to_json(), "gain": off.estimate.to_json()}
                for name, level, off in levels
            },
            "is_dominated": one.is_dominated,
        }

    def save(self, directory: str | Path) -> Path:
        """Write optimize.json, scenario.yaml, and a small file that extends it for each finalist.

        Raises: InputError if the folder cannot or must not be written.
        """
        return optimizedir.write(directory, self)

    def __repr__(self) -> str:
        """One line: trials would fill screens."""
        what = ", ".join(self.objectives)
        return f"<Optimum of {what} of {self.scenario.name!r}: {len(self.trials)} of {self.n_trials} trials>"


def _factor_json(factor: Factor) -> dict[str, Any]:
    span = factor.span
    if span is None:
        return {"key": factor.key, "values": list(factor.values)}
    return {"key": factor.key, "low": span.low, "high": span.high, "unit": span.unit}


def optimize(
    scenario: str | Path | Scenario,
    vary: Sequence[str],
    *,
    objective: str | Sequence[str] = "goodput",
    trials: int = 40,
    overrides: Sequence[str] = (),
    seed: int = 1,
    replications: int = 8,
    fresh: int = 20,
    workers: Workers = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    simulate: Simulate | None = None,
) -> Optimum:
    """Search for the settings that are best in a metric, or the best trade-offs of several.

    Every trial meets the same histories. The best of many owes part of its lead to chance, so it is run again, beside the
    scenario as it is, on histories that the search has not seen. The result does not depend on `workers`. Ctrl-C leaves
    the finished points.

    Args:
        scenario: the file, or a scenario that was read before.
        vary: each `key.path=low..high` or `key.path=a,b,c`.
        objective: one or more of `ras_sim.experiment.sweep.METRICS`.
        trials: points to try, >= 1.
        overrides: `key.path=value`, set at every point; of a scenario that was read before there are none.
        seed: any integer: of the histories and of the search.
        replications: histories that every trial meets, >= 1.
        fresh: further histories for the finalists, >= 2.
        workers: who does it, see `ras_sim.experiment.executors.Workers`.
        out: a folder where every finished point is kept; those that it holds are not run again.
        progress: called with (trials finished, trials wanted).
        simulate: what makes a ledger; None is `ras_sim.engine.simulate`. Picklable if workers > 1.

    Raises:
        InputError: everything that is wrong with what is varied, or an argument is out of range.
        ModelError: a ledger does not add up.
    """
    objectives = _checked(objective, trials, fresh)
    check_arguments(replications, workers)
    loaded = scenario if isinstance(scenario, Scenario) else load(scenario, overrides)
    factors = search_space(loaded, parse_factors(vary))
    base = points_of(loaded, [], [()])[0]
    for name in objectives:
        check_prices(name, [base], "--objective")
    start = as_it_is(loaded, base, factors)
    began_s = time.perf_counter()
    search = Search(factors, [better(name) for name in objectives], seed, start)
    with PointStore(out, optimizedir.check_contents) as store:
        runs = _Runs(PointRuns(store, seed, range(replications), None, simulate), objectives, workers)
        again = _Runs(
            PointRuns(store, seed, range(replications, replications + fresh), None, simulate),
            objectives,
            workers,
        )
        first = runs.of([base])
        found = _tried(search, runs, loaded, factors, trials, progress) if first is not None else []
        finalists = _finalists(found, base, again, objectives) if len(found) == trials else ()
    return Optimum(
        scenario=loaded,
        factors=factors,
        objectives=objectives,
        seed=seed,
        replications=replications,
        fresh=fresh,
        base=() if first is None else tuple(estimate_of(first[0], name) for name in objectives),
        starts_as_it_is=start is not None,
        trials=tuple(found),
        n_trials=trials,
        finalists=finalists,
        n_reused=runs.n_reused + again.n_reused,
        wall_s=time.perf_counter() - began_s,
    )


def _checked(objective: str | Sequence[str], trials: int, fresh: int) -> tuple[str, ...]:
    """The objectives, each once.

    Raises: InputError for a metric that is none, and numbers out of range.
    """
    objectives = (objective,) if isinstance(objective, str) else tuple(dict.fromkeys(objective))
    if not objectives:
        raise wrong_argument("--objective", "nothing", "a metric")
    for name in objectives:
        check_metric(name, "--objective")
    if not 1 <= trials <= MAX_TRIALS:
        raise wrong_argument("--trials", f"{trials:,}", f"1 to {MAX_TRIALS:,}")
    if fresh < 2:
        raise wrong_argument("--fresh", f"{fresh:,}", "at least 2, for an interval")
    return objectives


class _Runs:
    """Runs of points on one set of histories, with what they are worth."""

    def __init__(self, runs: PointRuns, objectives: Sequence[str], workers: Workers) -> None:
        self._runs, self._objectives, self._workers = runs, objectives, workers
        self.n_reused = 0

    def of(self, points: Sequence[Point]) -> list[pd.DataFrame] | None:
        """Rows of every point; None if the user stopped it."""
        new = [point for point in points if self._runs.key(point) not in self._runs.rows]
        self.n_reused += self._runs.take_finished(new)
        if self._runs.finish(points, self._workers):
            return None
        return [self._runs.rows[self._runs.key(point)] for point in points]

    def outcome(self, rows: pd.DataFrame) -> tuple[float, ...] | None:
        """Mean of each objective; None if one of them is not defined."""
        means = [estimate_of(rows, name).mean for name in self._objectives]
        known = tuple(mean for mean in means if mean is not None)
        return known if len(known) == len(means) else None


def _tried(
    search: Search,
    runs: _Runs,
    scenario: Scenario,
    factors: Sequence[Factor],
    n_trials: int,
    progress: Progress | None,
) -> list[Trial]:
    """All trials; fewer if the user stopped it."""
    found: list[Trial] = []
    while len(found) < n_trials:
        asked = search.ask(min(BATCH, n_trials - len(found)))
        batch = [_trial(scenario, factors, len(found) + place, row) for place, row in enumerate(asked)]
        rows = runs.of([one.point for one in batch if one.point is not None])
        if rows is None:
            return found
        outcomes = iter(map(runs.outcome, rows))
        batch = [one if one.point is None else _judged(one, next(outcomes)) for one in batch]
        search.tell([one.outcome for one in batch])
        found += batch
        if progress is not None:
            progress(len(found), n_trials)
    return found


def _trial(scenario: Scenario, factors: Sequence[Factor], number: int, row: Row) -> Trial:
    """A point as it will be run, or why it cannot be."""
    try:
        return Trial(number, row, points_of(scenario, factors, [row])[0], None)
    except InputError as error:  # each value alone is good, these together are not
        return Trial(number, row, None, None, str(error.problems[0]))


def _judged(trial: Trial, outcome: tuple[float, ...] | None) -> Trial:
    return replace(trial, outcome=outcome, why="" if outcome is not None else "an objective is not defined")


def _finalists(
    trials: Sequence[Trial], base: Point, again: _Runs, objectives: Sequence[str]
) -> tuple[Finalist, ...]:
    """The winners on fresh histories; empty if the user stopped it.

    Raises: InputError if no trial has an outcome.
    """
    worth = [one for one in trials if one.outcome is not None and one.point is not None]
    if not worth:
        why = next((one.why for one in trials if one.why), "")
        raise InputError([Problem("", None, None, "optimize", "no trial with a result", "at least one", why)])
    signs = [better(name) for name in objectives]
    best = [worth[place] for place in front([one.outcome or () for one in worth], signs)]
    rows = again.of([base, *(one.point for one in best if one.point is not None)])
    if rows is None:
        return ()
    levels = [tuple(estimate_of(one, name) for name in objectives) for one in rows[1:]]
    means = [tuple(one.mean or 0.0 for one in level) for level in levels]
    return tuple(
        Finalist(
            trial,
            tuple(difference_of(rows[0], mine, name) for name in objectives),
            level,
            any(dominates(other, mean, signs) for other in means),
        )
        for trial, mine, level, mean in zip(best, rows[1:], levels, means, strict=True)
    )
