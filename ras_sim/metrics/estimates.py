"""An estimate: the mean of a number over independent replications, and how far it may be off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Share of intervals that cover the true value."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean over replications with its uncertainty.

    Args:
        mean: the estimate; None where it is not defined (no replication; an MTTI without any interruption).
        ci95: 95% confidence interval of the mean (low, high); None for fewer than two replications.
        sd: standard deviation between replications (of a ratio: the square root of n times its standard
            error); None for fewer than two replications.
        n: number of replications behind it.
    """

    mean: float | None
    ci95: tuple[float, float] | None
    sd: float | None
    n: int

    def to_json(self) -> dict[str, object]:
        """Plain values: `{"mean": x, "ci95": [low, high], "sd": x}`, null for what is unknown."""
        return {"mean": self.mean, "ci95": None if self.ci95 is None else list(self.ci95), "sd": self.sd}


@lru_cache(maxsize=256)
def t_quantile(df: int, confidence: float = CONFIDENCE) -> float:
    """Two-sided quantile of Student's t: |T| stays below it with probability `confidence`.

    Args:
        df: degrees of freedom, >= 1.
        confidence: 0 < confidence < 1.

    >>> round(t_quantile(9), 3)
    2.262
    """
    # Not scipy.stats: it takes ten times as long to import.
    from scipy.special import stdtrit

    return float(stdtrit(df, 0.5 + 0.5 * confidence))


def estimate(values: Sequence[float]) -> Estimate:
    """Mean of independent values, with Student's t interval: mean +- t(n-1) sd / sqrt(n).

    Args:
        values: one per replication, finite.

    >>> estimate([1.0, 2.0, 3.0]).mean
    2.0
    >>> estimate([0.97])
    Estimate(mean=0.97, ci95=None, sd=None, n=1)
    """
    return estimates([values])[0]


def estimates(rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> list[Estimate]:
    """`estimate` of each row, to the last bit; a table of rows costs little more than one of them.

    Args:
        rows: (k, n), equally many values in each, finite.
    """
    if len(rows) == 0:
        return []
    array = np.asarray(rows, dtype=np.float64)
    n = array.shape[1]
    if n < 2:
        return [Estimate(float(row[0]) if n else None, None, None, n) for row in array]
    # Rounding must not give equal values a mean beside them or a spread.
    equal = array.min(axis=1) == array.max(axis=1)
    means = np.where(equal, array[:, 0], array.mean(axis=1))
    sds = np.where(equal, 0.0, array.std(axis=1, ddof=1))
    halves = t_quantile(n - 1) * sds / math.sqrt(n)
    columns = (one.tolist() for one in (means, means - halves, means + halves, sds))
    return [Estimate(mean, (low, high), sd, n) for mean, low, high, sd in zip(*columns, strict=True)]


def estimate_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """Ratio of two totals, R = sum(x) / sum(y), with a jackknife interval: the way to average an MTTI.

    The mean of the ratios of single replications would be wrong (and infinite as soon as one of them saw no
    interruption); the ratio of totals uses the time without interruptions as it should. Deleting one
    replication at a time gives R(i) = (sum(x) - x_i) / (sum(y) - y_i), and for L = ln R

        se(L)^2 = (n - 1) / n * sum over i of (L(i) - mean of L(i))^2,   ci95 = R exp(+- t(n-1) se(L)).

    The logarithm keeps the interval positive and follows the skew of a mean time with few events.

    Args:
        numerators: x, one per replication, >= 0.
        denominators: y, one per replication, >= 0, often a count.

    Returns:
        mean None if all y are 0; ci95 and sd None if n < 2, or if deleting one replication leaves no event or
        no time.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 11.
    """
    n = len(numerators)
    total_x, total_y = math.fsum(numerators), math.fsum(denominators)
    if total_y <= 0:
        return Estimate(None, None, None, n)
    ratio = total_x / total_y
    left_x = total_x - np.asarray(numerators, dtype=np.float64)
    left_y = total_y - np.asarray(denominators, dtype=np.float64)
    # A difference of totals that should be 0 may come out as a rounding error of either sign.
    if n < 2 or left_x.min() <= 1e-12 * total_x or left_y.min() <= 1e-12 * total_y:
        return Estimate(ratio, None, None, n)
    deleted = left_x / left_y
    sd = math.sqrt(n * (n - 1)) * float(deleted.std())  # sqrt(n) times the jackknife standard error
    log_se = math.sqrt(n - 1) * float(np.log(deleted).std())
    factor = math.exp(min(t_quantile(n - 1) * log_se, 700.0))
    return Estimate(ratio, (ratio / factor, ratio * factor), sd, n)
