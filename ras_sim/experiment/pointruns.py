"""The runs of a study: many points, each on the same histories, each kept as soon as it is finished."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ras_sim.experiment.executors import Workers, spread
from ras_sim.experiment.flat import replication_frame
from ras_sim.experiment.histories import history
from ras_sim.experiment.points import Point
from ras_sim.experiment.pointstore import PointStore
from ras_sim.experiment.replicate import Progress, Simulate
from ras_sim.metrics import Measures, measure
from ras_sim.metrics.aggregate import RATIOS
from ras_sim.metrics.estimates import Estimate, estimate, estimate_ratio
from ras_sim.metrics.paired import Difference, paired, paired_ratio

if TYPE_CHECKING:
    import pandas as pd

    from ras_sim.scenario.model import Scenario


class PointRuns:
    """A study under way: the rows of the finished points by their key.

    Args:
        store: where finished points are kept.
        seed: the user's seed.
        replications: numbers of the histories that every point meets.
        progress: called with (replications finished, replications wanted).
        simulate: what makes a ledger; None is `ras_sim.engine.simulate`. Picklable if there are several workers.
    """

    def __init__(
        self,
        store: PointStore,
        seed: int,
        replications: range,
        progress: Progress | None = None,
        simulate: Simulate | None = None,
    ) -> None:
        self.rows: dict[str, pd.DataFrame] = {}
        self._store, self._seed, self._replications = store, seed, replications
        self._progress, self._simulate = progress, simulate

    def key(self, point: Point) -> str:
        return point.key(self._seed, self._replications)

    def take_finished(self, points: Sequence[Point]) -> int:
        """Read what the folder holds; returns how many of the points."""
        for key in {self.key(point) for point in points}:
            rows = self._store.read(key, self._replications)
            if rows is not None:
                self.rows[key] = rows
        return sum(self.key(point) in self.rows for point in points)

    def finish(self, points: Sequence[Point], workers: Workers) -> bool:
        """Run what is missing, and keep each point as soon as it is finished; True if the user stopped that."""
        distinct = {self.key(point): point.scenario for point in points}
        missing = {key: one for key, one in distinct.items() if key not in self.rows}
        begun: dict[str, dict[int, Measures]] = {}
        for key in missing:
            begun[key] = {one.replication: one for one in self._store.begun(key)}
            self._keep_if_whole(key, begun)
        tasks = [
            (key, missing[key], self._seed, number, self._simulate)
            for key, known in begun.items()
            for number in self._replications
            if number not in known
        ]
        total = len(distinct) * len(self._replications)
        n_done = total - len(tasks)
        try:
            with closing(spread(_one, tasks, workers)) as outcomes:
                for key, measures in outcomes:
                    self._store.add(key, measures)
                    begun[key][measures.replication] = measures
                    self._keep_if_whole(key, begun)
                    n_done += 1
                    if self._progress is not None:
                        self._progress(n_done, total)
        except KeyboardInterrupt:
            return len(self.rows) < len(distinct)
        return False

    def _keep_if_whole(self, key: str, begun: dict[str, dict[int, Measures]]) -> None:
        """Keep a point of which every replication is finished, and forget that it was begun."""
        if len(begun[key]) == len(self._replications):
            known = begun.pop(key)
            rows = replication_frame([known[number] for number in self._replications])
            self._store.put(key, rows)
            self.rows[key] = rows


def _one(
    key: str, scenario: Scenario, seed: int, replication: int, simulate: Simulate | None
) -> tuple[str, Measures]:
    """One replication of one point: what a worker does."""
    return key, measure(history(scenario, simulate, seed=seed, replication=replication))


def _values(rows: pd.DataFrame, name: str) -> list[float]:
    """One metric of each replication."""
    return [float(value) for value in rows[name]]


def estimate_of(rows: pd.DataFrame, name: str) -> Estimate:
    """One metric over the replications of a point."""
    if name in RATIOS:
        return estimate_ratio(*(_values(rows, part) for part in RATIOS[name]))
    return estimate(_values(rows, name))


def difference_of(base: pd.DataFrame, other: pd.DataFrame, name: str) -> Difference:
    """Of other - base, replication by replication."""
    if name not in RATIOS:
        return paired(_values(base, name), _values(other, name))
    over, per = RATIOS[name]
    ours, theirs = ((_values(rows, over), _values(rows, per)) for rows in (base, other))
    return paired_ratio(ours, theirs)


def pseudo_values(rows: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """What each history adds to the estimate of a metric, (n,): p_i = n R - (n - 1) R without i; their mean estimates R.

    Of a metric that is a mean over replications these are its values; of a ratio of totals (MTTI) see
    `ras_sim.metrics.paired.paired_ratio`. Not finite where one history alone has all events.
    """
    if name not in RATIOS:
        return np.asarray(_values(rows, name))
    x, y = (np.asarray(_values(rows, one)) for one in RATIOS[name])
    n = len(x)
    if n < 2:
        return x / y if y.all() else np.full(n, np.nan)
    left = y.sum() - y
    deleted = np.divide(x.sum() - x, left, out=np.full(n, np.nan), where=left > 0)
    found: NDArray[np.float64] = n * (x.sum() / max(y.sum(), 1e-300)) - (n - 1) * deleted
    return found
