"""Sensitivity: which of the numbers that nobody knows exactly move the result, by how much, and how sure that is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ras_sim.errors import InputError, Problem, nearest
from ras_sim.experiment import screening, tornado
from ras_sim.experiment.arguments import check_arguments
from ras_sim.experiment.executors import Workers
from ras_sim.experiment.factors import MAX_POINTS, Factor, Row
from ras_sim.experiment.files import readable_errors, writable_folder
from ras_sim.experiment.pointruns import PointRuns, estimate_of, pseudo_values
from ras_sim.experiment.points import Point, points_of
from ras_sim.experiment.pointstore import PointStore, check_names, put_json
from ras_sim.experiment.replicate import Progress, Simulate
from ras_sim.experiment.screening import Array, Screening
from ras_sim.experiment.sweep import check_metric, check_prices
from ras_sim.experiment.tornado import Swing
from ras_sim.experiment.varied import Varied, uncertain_numbers
from ras_sim.metrics.estimates import Estimate
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
RESULT = "sensitivity.json"
REPORTS = ("sensitivity.html", "summary.md")

_MIN_SAMPLES = 8


@dataclass(frozen=True, slots=True)
class Method:
    """A way to ask.

    Args:
        option: which option sets `n`; "" if none does.
        default: its value if nothing is said.
        wanted: what `n` may be, in words.
        allows: whether it may be that number.
        points: numbers varied, n, seed -> places in the unit cube, (n_points, numbers).
    """

    option: str
    default: int
    wanted: str
    allows: Callable[[int], bool]
    points: Callable[[int, int, int], Array]


def _tornado_points(n_numbers: int, _n: int, _seed: int) -> Array:
    """Nothing: the ends of each range are no places of one cube, as the other numbers stay as they are."""
    return np.empty((0, n_numbers))


METHODS: dict[str, Method] = {
    "tornado": Method("", 0, "", lambda _n: True, _tornado_points),
    "morris": Method("--trajectories", 16, "a number from 4 on", lambda n: n >= 4, screening.morris_points),
    "sobol": Method(
        "--samples",
        128,
        f"a power of 2 from {_MIN_SAMPLES} on",
        lambda n: n >= _MIN_SAMPLES and n & (n - 1) == 0,
        screening.sobol_points,
    ),
}
"""Ways to ask; what each makes of the runs is in `_Asked.answer`."""


@dataclass(frozen=True, slots=True, eq=False)
class Sensitivity:
    """What the uncertain numbers of a scenario do to a metric.

    Args:
        scenario: as it is.
        method: a name of `METHODS`.
        metric: what it is about.
        seed: the user's seed.
        replications: histories that every point meets.
        n: trajectories of Morris, samples of Sobol; 0 for a tornado.
        numbers: what was varied, in the order of the scenario.
        base: the metric of the scenario as it is.
        swings: of a tornado, one for each number; else empty, and empty if the user stopped it.
        screening: of the other methods; else None, and None if the user stopped it.
        response: lowest and highest mean of the metric over the points; None if the user stopped it.
        n_points: runs that were wanted, each of `replications` histories.
        n_finished: how many of them are finished.
        n_reused: points that an earlier run in the same folder had finished.
        wall_s: seconds that it took; with `n_reused` all that is not reproducible.
    """

    scenario: Scenario
    method: str
    metric: str
    seed: int
    replications: int
    n: int
    numbers: tuple[Varied, ...]
    base: Estimate | None
    swings: tuple[Swing, ...]
    screening: Screening | None
    response: tuple[float, float] | None
    n_points: int
    n_finished: int
    n_reused: int
    wall_s: float

    @property
    def interrupted(self) -> bool:
        """The user stopped it before the last point: there is no answer yet."""
        return self.n_finished < self.n_points

    def ranked(self) -> list[int]:
        """Places in `numbers`, the one that matters most first."""
        if self.screening is None:
            return tornado.ranked(self.swings)
        by = self.screening.indices["mu_star" if self.method == "morris" else "ST"]
        return sorted(range(len(by)), key=lambda place: -(by[place].value or 0.0))

    def to_json(self) -> dict[str, Any]:
        """The result as one JSON object; null for what is undefined."""
        from ras_sim import __version__

        return {
            "schema": SCHEMA,
            "scenario": self.scenario.name,
            "content_hash": self.scenario.content_hash,
            "version": __version__,
            "method": self.method,
            "metric": self.metric,
            "seed": self.seed,
            "replications": self.replications,
            METHODS[self.method].option.strip("-") or "ends": self.n or 2,
            "base": None if self.base is None else self.base.to_json(),
            "response": None if self.response is None else list(self.response),
            "luck_share": None if self.screening is None else self.screening.luck_share,
            "numbers": [self._number_json(place) for place in (() if self.interrupted else self.ranked())],
            "points": self.n_points,
            "interrupted": self.interrupted,
            "wall_s": self.wall_s,
        }

    def _number_json(self, place: int) -> dict[str, Any]:
        one = self.numbers[place]
        span = one.span
        found: dict[str, Any] = {
            "key": one.key,
            "low": span.low,
            "high": span.high,
            "base": one.base,
            "unit": span.unit,
            "law": "log_uniform" if span.is_log else "uniform",
            "source": one.source,
        }
        if self.screening is None:
            return found | self.swings[place].to_json()
        return found | {name: row[place].to_json() for name, row in self.screening.indices.items()}

    def save(self, directory: str | Path) -> Path:
        """Write sensitivity.json.

        Raises: InputError if the folder cannot or must not be written.
        """
        folder = writable_folder(directory, check_contents)
        with readable_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name in REPORTS:
                (folder / name).unlink(missing_ok=True)
            put_json(folder, RESULT, self.to_json())
        return folder

    def __repr__(self) -> str:
        """One line: numbers and rows would fill screens."""
        return f"<Sensitivity of {self.metric} of {self.scenario.name!r} to {len(self.numbers)} numbers, {self.method}>"


def check_contents(folder: Path) -> None:
    """Raise InputError if a folder holds anything that is not of such a study."""
    check_names(folder, {RESULT, *REPORTS}, "an earlier result of ras-sim sensitivity")


def sensitivity(
    scenario: str | Path | Scenario,
    vary: Sequence[str] = (),
    *,
    method: str = "tornado",
    samples: int | None = None,
    trajectories: int | None = None,
    metric: str = "goodput",
    overrides: Sequence[str] = (),
    seed: int = 1,
    replications: int = 8,
    workers: Workers = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    simulate: Simulate | None = None,
) -> Sensitivity:
    """Ask which uncertain numbers of a scenario move a metric.

    Every point meets the same histories. The result does not depend on `workers`. Ctrl-C leaves the finished points.

    Args:
        scenario: the file, or a scenario that was read before.
        vary: each `key.path=low..high`, besides what the scenario states as `uncertain`, or in its place.
        method: tornado, morris or sobol.
        samples: of Sobol, a power of 2.
        trajectories: of Morris.
        metric: one of `ras_sim.experiment.sweep.METRICS`.
        overrides: `key.path=value`, set at every point; of a scenario that was read before there are none.
        seed: any integer: of the histories, the points and the bootstrap.
        replications: histories that every point meets, >= 1; an interval needs at least 2.
        workers: who does it, see `ras_sim.experiment.executors.Workers`.
        out: a folder where every finished point is kept; those that it holds are not run again.
        progress: called with (replications finished, replications wanted).
        simulate: what makes a ledger; None is `ras_sim.engine.simulate`. Picklable if workers > 1.

    Raises:
        InputError: everything that is wrong with the ranges, or an argument is out of range.
        ModelError: a ledger does not add up.
    """
    check_arguments(replications, workers)
    check_metric(metric)
    n = _n(method, {"--samples": samples, "--trajectories": trajectories})
    loaded = scenario if isinstance(scenario, Scenario) else load(scenario, overrides)
    numbers = uncertain_numbers(loaded, vary)
    began_s = time.perf_counter()
    asked = _Asked(method, metric, n, seed, numbers)
    points = asked.points(loaded)
    check_prices(metric, points)
    with PointStore(out, check_contents) as store:
        runs = PointRuns(store, seed, range(replications), progress, simulate)
        n_reused = runs.take_finished(points)
        stopped = runs.finish(points, workers)
    rows = [runs.rows[key] for point in points if (key := runs.key(point)) in runs.rows]
    answer = _NONE if stopped else asked.answer(points, rows)
    return Sensitivity(
        scenario=loaded,
        method=method,
        metric=metric,
        seed=seed,
        replications=replications,
        n=n,
        numbers=numbers,
        base=answer.base,
        swings=answer.swings,
        screening=answer.screening,
        response=answer.response,
        n_points=len(points),
        n_finished=len(rows),
        n_reused=n_reused,
        wall_s=time.perf_counter() - began_s,
    )


def _n(method: str, given: dict[str, int | None]) -> int:
    """Samples or trajectories of a method.

    Raises: InputError for a method that is none, and for a number that it cannot take.
    """
    if method not in METHODS:
        wanted, hint = f"one of {', '.join(METHODS)}", nearest(method, METHODS)
        raise InputError([Problem("--method", None, None, "", repr(method), wanted, hint)])
    chosen = METHODS[method]
    problems = []
    for option, n in given.items():
        if n is None:
            continue
        if option != chosen.option:
            owner = next(name for name, one in METHODS.items() if one.option == option)
            problems.append(
                Problem(option, None, None, "", f"{n:,}", f"no number: it is for --method {owner}")
            )
        elif not chosen.allows(n):
            problems.append(Problem(option, None, None, "", f"{n:,}", chosen.wanted))
    if problems:
        raise InputError(problems)
    return given.get(chosen.option) or chosen.default


@dataclass(frozen=True, slots=True)
class _Answer:
    base: Estimate | None
    swings: tuple[Swing, ...]
    screening: Screening | None
    response: tuple[float, float] | None


_NONE = _Answer(None, (), None, None)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked: the points to run, and what their rows say. The first point is the scenario as it is."""

    method: str
    metric: str
    n: int
    seed: int
    numbers: tuple[Varied, ...]

    def points(self, scenario: Scenario) -> list[Point]:
        """The scenario as it is, then the points of the method."""
        found = list(points_of(scenario, [], [()]))
        for factors, rows in self._designs():
            found.extend(points_of(scenario, factors, rows, said_by="sample"))
        return found

    def _designs(self) -> list[tuple[list[Factor], list[Row]]]:
        """Factors with their rows: one design for each number of a tornado, else one for all."""
        if self.method == "tornado":
            ends = [
                (one.factor, (one.span.written(one.span.low), one.span.written(one.span.high)))
                for one in self.numbers
            ]
            return [([factor], [(low,), (high,)]) for factor, (low, high) in ends]
        cube = self._cube()
        if len(cube) > MAX_POINTS:
            got = f"{self.n:,}, which are {len(cube):,} points"
            option = METHODS[self.method].option
            raise InputError([Problem(option, None, None, "", got, f"at most {MAX_POINTS:,} points")])
        rows = [
            tuple(one.span.at(float(u)) for one, u in zip(self.numbers, place, strict=True)) for place in cube
        ]
        return [([one.factor for one in self.numbers], rows)]

    def _cube(self) -> Array:
        return METHODS[self.method].points(len(self.numbers), self.n, self.seed)

    def answer(self, points: Sequence[Point], rows: Sequence[pd.DataFrame]) -> _Answer:
        """What the rows of all points say.

        Raises: InputError if the metric is not defined at one of them.
        """
        means = [_mean(point, one, self.metric) for point, one in zip(points, rows, strict=True)]
        base, rest = rows[0], rows[1:]
        swings: tuple[Swing, ...] = ()
        found: Screening | None = None
        if self.method == "tornado":
            ends = zip(rest[::2], rest[1::2], strict=True)
            swings = tuple(tornado.swing_of(base, low, high, self.metric) for low, high in ends)
        else:
            by_history = np.array([pseudo_values(one, self.metric) for one in rest])
            if not np.isfinite(by_history).all():
                raise _undefined(self.metric, "with one of the histories left out")
            if self.method == "morris":
                found = screening.morris_indices(self._cube(), by_history, self.seed)
            else:
                found = screening.sobol_indices(len(self.numbers), by_history, self.seed)
        return _Answer(estimate_of(base, self.metric), swings, found, (min(means), max(means)))


def _mean(point: Point, rows: pd.DataFrame, metric: str) -> float:
    mean = estimate_of(rows, metric).mean
    if mean is None:
        raise _undefined(metric, ", ".join(point.values) or "in the scenario as it is")
    return mean


def _undefined(metric: str, where: str) -> InputError:
    hint = "more replications, or another metric"
    return InputError(
        [Problem("--metric", None, None, "", f"{metric}, not defined {where}", "a number", hint)]
    )
