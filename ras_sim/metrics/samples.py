"""One metric over replications, as the values that its mean is made of, and intervals at any level of confidence.

`Aggregate` has 95% intervals to be read. A decision that is made at several looks needs stricter ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ras_sim.metrics.aggregate import RATIOS
from ras_sim.metrics.estimates import Estimate, estimate, estimate_ratio, t_quantile
from ras_sim.metrics.measures import Measures
from ras_sim.metrics.paired import Difference, paired, paired_ratio

EVERYTHING = (-math.inf, math.inf)
"""The interval of somebody who knows nothing."""

Interval = tuple[float, float]


class Sample(NamedTuple):
    """Values of one metric.

    Args:
        values: one per replication.
        per: of a ratio of totals what they are divided by, one per replication, >= 0; else None.
        is_count: values are counts of events.
    """

    values: Sequence[float]
    per: Sequence[float] | None = None
    is_count: bool = False

    @property
    def estimate(self) -> Estimate:
        """Mean (or ratio of totals) with its 95% interval."""
        return estimate(self.values) if self.per is None else estimate_ratio(self.values, self.per)

    def first(self, n: int) -> Sample:
        """The first n replications."""
        return Sample(self.values[:n], None if self.per is None else self.per[:n], self.is_count)

    def interval(self, p_beyond: float) -> Interval:
        """Confidence interval of the mean.

        Args:
            p_beyond: probability that the truth is below the interval, and that it is above, 0 < p < 0.5.

        Returns:
            (low, high), infinite where the replications say nothing. Values that are all the same are taken at their
            word; a count that never occurred in n replications has the bound of Poisson counts, -ln(p) / n.
        """
        if len(self.values) < 2:
            return EVERYTHING
        if self.per is not None:
            return _ratio_interval(self.values, self.per, p_beyond)
        if self.is_count and not any(self.values):
            return 0.0, -math.log(p_beyond) / len(self.values)
        return interval_of(self.estimate, len(self.values) - 1, p_beyond)


def sample(measures: Sequence[Measures], metric: str) -> Sample:
    """The values of a metric, by its name in the JSON result; what did not occur in a replication is 0 there.

    Args:
        measures: of each replication.
        metric: `goodput`, `mtti_h`, `time_h.restore`, `interruptions_by_mode.hbm.due`, `rungs.rma.attempts`, `cost`,
            `cost_by_item.energy` ...
    """
    if metric in RATIOS:
        values, per = ([float(getattr(one, name)) for one in measures] for name in RATIOS[metric])
        return Sample(values, per)
    table, _, key = metric.partition(".")
    if table == "rungs":
        rung, _, count = key.rpartition(".")
        tried = [one.rungs.get(rung) for one in measures]
        return Sample([0.0 if one is None else float(getattr(one, count)) for one in tried], is_count=True)
    found = [getattr(one, table) for one in measures]
    values = [float(one.get(key, 0) if isinstance(one, dict) else one) for one in found]
    return Sample(values, is_count=table.startswith(("interruptions", "planned_interruptions", "faults")))


def paired_difference(base: Sample, other: Sample) -> Difference:
    """Of other - base, replication by replication; both of the same metric and equally long."""
    if base.per is None or other.per is None:
        return paired(base.values, other.values)
    return paired_ratio((base.values, base.per), (other.values, other.per))


def paired_interval(base: Sample, other: Sample, p_beyond: float) -> tuple[float | None, Interval]:
    """Difference other - base and its interval, from pairs of replications; see `Sample.interval`."""
    found = paired_difference(base, other).estimate
    return found.mean, interval_of(found, found.n - 1, p_beyond)


def unpaired_interval(base: Estimate, other: Estimate, p_beyond: float) -> tuple[float | None, Interval]:
    """Difference other - base and its interval, from independent runs, by Welch's method.

        se^2 = sd_a^2 / n_a + sd_b^2 / n_b,   degrees of freedom by Welch and Satterthwaite, rounded down

    Source: Welch, The Generalization of Student's Problem when Several Different Population Variances are Involved,
    Biometrika 34 (1947).
    """
    if base.mean is None or other.mean is None:
        return None, EVERYTHING
    difference = other.mean - base.mean
    if base.sd is None or other.sd is None:
        return difference, EVERYTHING
    parts = [(one.sd or 0.0) ** 2 / one.n for one in (base, other)]
    se = math.sqrt(sum(parts))
    if se == 0.0:
        return difference, (difference, difference)
    df = sum(parts) ** 2 / sum(part**2 / (one.n - 1) for part, one in zip(parts, (base, other), strict=True))
    half = t_quantile(max(1, math.floor(df)), 1.0 - 2.0 * p_beyond) * se
    return difference, (difference - half, difference + half)


def interval_of(found: Estimate, df: int, p_beyond: float) -> Interval:
    """mean +- t sd / sqrt(n); everything where there is no spread to speak of."""
    if found.mean is None or found.sd is None or df < 1:
        return EVERYTHING
    half = 0.0 if found.sd == 0.0 else t_quantile(df, 1.0 - 2.0 * p_beyond) * found.sd / math.sqrt(found.n)
    return found.mean - half, found.mean + half


def _ratio_interval(numerators: Sequence[float], denominators: Sequence[float], p_beyond: float) -> Interval:
    """Fieller's interval of R = E[x] / E[y]: every b for which Student's test of E[x - b y] = 0 does not object.

        (X - b Y)^2 <= t^2 / n (s_xx - 2 b s_xy + b^2 s_yy)

    with means X, Y and variances s. A bound on R is thus decided as exactly as a bound on a mean. Without any event the
    lower end is that of Poisson events, total time / -ln(p).

    Source: Fieller, Some Problems in Interval Estimation, Journal of the Royal Statistical Society B 16 (1954).
    """
    n = len(numerators)
    if math.fsum(denominators) <= 0:
        return math.fsum(numerators) / -math.log(p_beyond), math.inf
    x, y = np.mean(numerators), np.mean(denominators)
    (s_xx, s_xy), (_, s_yy) = np.cov(numerators, denominators)
    share = t_quantile(n - 1, 1.0 - 2.0 * p_beyond) ** 2 / n
    a, b, c = y * y - share * s_yy, x * y - share * s_xy, x * x - share * s_xx
    if a <= 0.0:
        return EVERYTHING  # it cannot be told that there are any events at all
    root = math.sqrt(max(0.0, b * b - a * c))
    return float((b - root) / a), float((b + root) / a)
