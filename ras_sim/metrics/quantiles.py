"""Quantiles over replications, with intervals that hold whatever the distribution.

Of n independent values the number that lie at or below the true p-quantile is binomial(n, p), for every continuous
distribution. So with the sorted values x(1) <= ... <= x(n)

    P(x(r) <= quantile <= x(s)) = P(r <= B < s) >= 95%,      B binomial(n, p),

r the largest with P(B < r) <= 2.5%, s the smallest with P(B >= s) <= 2.5%; values that may be equal only add to it. For
few values there is no such r or s: all of them may well lie on one side of the quantile, and nothing is said of it.

Source: David & Nagaraja, Order Statistics, 3rd edition (2003), section 7.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ras_sim.metrics.estimates import CONFIDENCE

LEVELS = {"p5": 0.05, "p50": 0.5, "p95": 0.95}
"""The quantiles that are reported, by name."""

_P_BEYOND = (1.0 - CONFIDENCE) / 2.0


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of single replications: half, or 5%, or 95% of them are below it.

    Args:
        value: of the sample, between two values by linear interpolation.
        ci95: interval that covers the true quantile with at least 95%, whatever the distribution.
    """

    value: float
    ci95: tuple[float, float]

    def to_json(self) -> dict[str, object]:
        """`{"value": x, "ci95": [low, high]}`."""
        return {"value": self.value, "ci95": list(self.ci95)}


def values_for(level: float) -> int:
    """Smallest number of values with an interval for a quantile: neither p^n nor (1 - p)^n is above 2.5%.

    Args:
        level: p, 0 < p < 1.

    >>> values_for(0.5), values_for(0.05), values_for(0.95)
    (6, 72, 72)
    """
    return math.ceil(math.log(_P_BEYOND) / math.log(max(level, 1.0 - level)))


def quantile(values: Sequence[float], level: float) -> Quantile | None:
    """A quantile with its interval; None for fewer than `values_for(level)` values.

    Args:
        values: independent, finite.
        level: 0 < p < 1.

    >>> quantile([3.0, 1.0, 2.0, 6.0, 5.0, 4.0], 0.5)
    Quantile(value=3.5, ci95=(1.0, 6.0))
    """
    n = len(values)
    if n < values_for(level):
        return None
    # Not scipy.stats: it takes ten times as long to import.
    from scipy.special import bdtr

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    at_most = bdtr(np.arange(n), n, level)  # P(B <= k), k = 0 .. n - 1
    r = int(np.searchsorted(at_most, _P_BEYOND, side="right"))
    s = int(np.searchsorted(at_most, 1.0 - _P_BEYOND, side="left")) + 1
    return Quantile(float(np.quantile(ordered, level)), (float(ordered[r - 1]), float(ordered[s - 1])))
