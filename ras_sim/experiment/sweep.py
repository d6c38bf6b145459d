"""A sweep: one scenario at many values of some of its keys, every point on the same fault histories."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ras_sim.errors import InputError, Problem, nearest
from ras_sim.experiment.arguments import check_arguments
from ras_sim.experiment.compare_json import direction
from ras_sim.experiment.differences import BETTER
from ras_sim.experiment.executors import Workers
from ras_sim.experiment.factors import Factor, parse_factors, rows_of
from ras_sim.experiment.pointruns import PointRuns, difference_of, estimate_of
from ras_sim.experiment.points import Axis, Point, axes_of, points_of
from ras_sim.experiment.pointstore import PointStore
from ras_sim.experiment.replicate import Progress
from ras_sim.experiment.result import REPORTED
from ras_sim.experiment.sweepdir import check_contents
from ras_sim.ledger import CATEGORIES
from ras_sim.metrics.aggregate import COSTS, SCALARS
from ras_sim.metrics.estimates import Estimate
from ras_sim.metrics.paired import Difference

if TYPE_CHECKING:
    import pandas as pd

    from ras_sim.scenario.model import Scenario

SCHEMA = 1
"""Version of the shape of `Sweep.to_json`."""

METRICS = (*SCALARS, "mtti_h", *(f"time_h.{name}" for name in CATEGORIES), *COSTS)
"""What a sweep can be about; of a scenario without prices all but the cost."""


def better(metric: str) -> int:
    """1 if more of a metric is better, -1 if less is."""
    table, _, key = metric.partition(".")
    return BETTER[metric] if metric in BETTER else direction(table, key)


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """A point all of whose replications are finished.

    Args:
        point: which one.
        rows: one row of metrics per replication, in order of their number.
        metrics: the reported metrics and the one that the sweep is about.
        from_best: that metric less its value at the best point, on the same histories; None at the best point.
    """

    point: Point
    rows: pd.DataFrame
    metrics: dict[str, Estimate]
    from_best: Difference | None

    @property
    def is_as_good(self) -> bool:
        """True if the replications cannot tell this point from the best one."""
        return self.from_best is None or not self.from_best.is_clear


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """Finished points of a sweep.

    Args:
        design: grid, zip or lhs.
        factors: what was varied.
        axes: of each factor where the points lie.
        points: all that were wanted, in the order of the design.
        finished: those that are finished, in the same order; fewer if the sweep was interrupted.
        best: place in `finished` of the best point by the mean of `metric`; None if it is defined nowhere.
        metric: what the sweep is about.
        seed: the user's seed, the same at every point.
        replications: of each point.
        n_reused: points that an earlier sweep in the same folder had finished.
        wall_s: seconds that it took; with `n_reused` all that is not reproducible.
        interrupted: the user stopped it before the last point.
    """

    design: str
    factors: tuple[Factor, ...]
    axes: tuple[Axis, ...]
    points: tuple[Point, ...]
    finished: tuple[Finished, ...]
    best: int | None
    metric: str
    seed: int
    replications: int
    n_reused: int
    wall_s: float
    interrupted: bool

    @property
    def scenario(self) -> Scenario:
        """That of the first point."""
        return self.points[0].scenario

    def estimates(self) -> list[Estimate]:
        """The metric at each finished point."""
        return [one.metrics[self.metric] for one in self.finished]

    def frame(self) -> pd.DataFrame:
        """One row per point and replication: point, one column per factor (see `Axis`), metrics as in a run.

        Raises: InputError if no point is finished.
        """
        import pandas as pd

        if not self.finished:
            raise InputError([Problem("", None, None, "sweep", "no finished point", "at least one")])
        frames = []
        for one in self.finished:
            levels = {axis.key: axis.levels[one.point.index] for axis in self.axes}
            head = pd.DataFrame({"point": one.point.index, **levels}, index=range(len(one.rows)))
            frames.append(pd.concat([head, one.rows], axis=1))
        whole = pd.concat(frames, ignore_index=True)
        keys = ["point", *(axis.key for axis in self.axes)]
        nested = sorted(name for name in whole.columns if "." in name and name not in keys)
        # What only another point has seen did not occur here.
        whole[nested] = whole[nested].fillna({name: float(name.endswith(".zero_frac")) for name in nested})
        plain = [name for name in whole.columns if "." not in name and name not in keys]
        return whole[[*keys, *plain, *nested]]

    def to_json(self) -> dict[str, Any]:
        """The sweep as one JSON object; null for what is undefined."""
        from ras_sim import __version__

        return {
            "schema": SCHEMA,
            "scenario": self.scenario.name,
            "version": __version__,
            "seed": self.seed,
            "replications": self.replications,
            "design": self.design,
            "metric": self.metric,
            "factors": [{"key": axis.key, "unit": axis.unit} for axis in self.axes],
            "points_wanted": len(self.points),
            "points": [self._point_json(one) for one in self.finished],
            "best": None if self.best is None else self.finished[self.best].point.index,
            "wall_s": self.wall_s,
        }

    def _point_json(self, one: Finished) -> dict[str, Any]:
        keys = [factor.key for factor in self.factors]
        off = one.from_best
        return {
            "point": one.point.index,
            "values": dict(zip(keys, one.point.values, strict=True)),
            "levels": {axis.key: axis.levels[one.point.index] for axis in self.axes},
            "resolved_hash": one.point.resolved_hash,
            "metrics": {name: found.to_json() for name, found in one.metrics.items()},
            "from_best": None if off is None else off.estimate.to_json(),
            "as_good_as_best": self.best is not None and one.is_as_good,
        }

    def save(self, directory: str | Path) -> Path:
        """Write manifest.json, sweep.json, replications.parquet.

        Raises: InputError if the folder cannot or must not be written.
        """
        from ras_sim.experiment.sweepdir import write

        return write(directory, self)

    def __repr__(self) -> str:
        """One line: points and rows would fill screens."""
        done = f"{len(self.finished)} of {len(self.points)} points"
        return f"<Sweep of {self.scenario.name!r} over {', '.join(a.label for a in self.axes)}: {done}>"

    def _repr_html_(self) -> str:
        """The metric at every point, for notebooks."""
        from html import escape

        heads = "".join(f"<th>{escape(axis.label)}</th>" for axis in self.axes)
        rows = []
        for one in self.finished:
            found = one.metrics[self.metric]
            interval = "-" if found.ci95 is None else f"{found.ci95[0]:.6g} to {found.ci95[1]:.6g}"
            mean = "-" if found.mean is None else f"{found.mean:.6g}"
            cells = "".join(f"<td>{escape(text)}</td>" for text in (*one.point.values, mean, interval))
            rows.append(f"<tr>{cells}</tr>")
        caption = f"{escape(self.scenario.name)}, {self.replications} replications of each point"
        heads += f"<th>{escape(self.metric)}</th><th>95% interval</th>"
        return f"<table><caption>{caption}</caption><tr>{heads}</tr>{''.join(rows)}</table>"


def sweep(
    scenario: str | Path | Scenario,
    vary: str | Sequence[str] | Mapping[str, object],
    *,
    design: str = "grid",
    points: int | None = None,
    metric: str = "goodput",
    overrides: Sequence[str] = (),
    seed: int = 1,
    replications: int = 8,
    workers: Workers = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    allow_code: bool = False,
) -> Sweep:
    """Run a scenario at many values of some of its keys, each point on the same fault histories.

    Replication k of every point draws from the same keyed streams, so points differ by what was varied and not by luck.
    The result does not depend on `workers`. Ctrl-C leaves the finished points, with `interrupted` set.

    Args:
        scenario: the file, or a scenario that was read before.
        vary: each `key.path=a,b,c` or, for lhs, `key.path=low..high`; or key -> list of values.
        design: grid (each with each), zip (first with first, second with second), lhs (Latin hypercube).
        points: of a Latin hypercube.
        metric: what the sweep is about, one of `METRICS`.
        overrides: `key.path=value`, set at every point.
        seed: any integer, the same at every point.
        replications: of each point, >= 1; an interval needs at least 2.
        workers: who does it, see `ras_sim.experiment.executors.Workers`.
        out: a folder where every finished point is kept; those that it holds are not run again.
        progress: called with (replications finished, replications wanted).
        allow_code: see `ras_sim.load`; a scenario that was read before keeps what it was allowed.

    Raises:
        InputError: everything that is wrong with the points, or an argument is out of range.
        ModelError: a ledger does not add up.
    """
    check_arguments(replications, workers)
    check_metric(metric)
    factors = parse_factors(vary)
    rows = rows_of(factors, design, points, seed)
    wanted = points_of(scenario, factors, rows, overrides, allow_code=allow_code)
    check_prices(metric, wanted)
    began_s = time.perf_counter()
    with PointStore(out, check_contents) as store:
        run = PointRuns(store, seed, range(replications), progress)
        n_reused = run.take_finished(wanted)
        interrupted = run.finish(wanted, workers)
    found = [(point, run.rows[key]) for point in wanted if (key := run.key(point)) in run.rows]
    finished, best = _judged(found, metric)
    wall_s, axes = time.perf_counter() - began_s, axes_of(factors, wanted)
    return Sweep(
        design,
        factors,
        axes,
        wanted,
        finished,
        best,
        metric,
        seed,
        replications,
        n_reused,
        wall_s,
        interrupted,
    )


def check_metric(metric: str, option: str = "--metric") -> None:
    """Raise InputError unless a sweep can be about a metric."""
    if metric not in METRICS:
        wanted, hint = "one of " + ", ".join(METRICS), nearest(metric, METRICS)
        raise InputError([Problem(option, None, None, "", repr(metric), wanted, hint)])


def check_prices(metric: str, points: Sequence[Point], option: str = "--metric") -> None:
    """Raise InputError if a metric is a cost and a point has no prices, or they are in several currencies."""
    currencies = {point.scenario.currency for point in points}
    if metric not in COSTS:
        return
    if None in currencies:
        wanted, hint = "a metric that needs no prices", "prices are stated under `cost:`"
        raise InputError([Problem(option, None, None, "", repr(metric), wanted, hint)])
    if len(currencies) > 1:
        got = ", ".join(sorted(map(str, currencies)))
        raise InputError([Problem(option, None, None, "cost.currency", got, "one currency at all points")])


def _judged(
    found: Sequence[tuple[Point, pd.DataFrame]], metric: str
) -> tuple[tuple[Finished, ...], int | None]:
    """Every point with its estimates and its difference from the best one, and the place of that."""
    names = dict.fromkeys((*REPORTED, metric))
    metrics = [{name: estimate_of(rows, name) for name in names} for _, rows in found]
    means = [one[metric].mean for one in metrics]
    defined = [place for place, mean in enumerate(means) if mean is not None]
    best = max(defined, key=lambda place: better(metric) * (means[place] or 0.0), default=None)
    finished = []
    for place, (point, rows) in enumerate(found):
        off = None if best in (None, place) else difference_of(found[best or 0][1], rows, metric)
        finished.append(Finished(point, rows, metrics[place], off))
    return tuple(finished), best
