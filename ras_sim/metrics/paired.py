"""The difference of two designs that faced the same histories: mean, interval, and what pairing was worth.

Replication k of one design is compared with replication k of the other. Both saw the same faults, so what they have in
common cancels: var(b - a) = var(a) + var(b) - 2 cov(a, b).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ras_sim.metrics.estimates import Estimate, estimate_ratio, estimates, t_quantile

_ROUNDING = 1e-9  # of a number: what the same hours may differ by if they are added up in another order


@dataclass(frozen=True, slots=True)
class Difference:
    """One number in two designs, and how far they lie apart.

    Args:
        base, other: the number in each; None where it is not defined.
        estimate: of other - base, over pairs of replications.
        p_greater: probability that the true difference is above 0, given the pairs: Student's t of the paired difference
            (n - 1 degrees of freedom), all values held equally likely before. None for fewer than two pairs, and where
            no pair differs.
        variance_factor: (var(a) + var(b)) / var(b - a), > 0: as many times more replications would be needed without
            pairing. None for fewer than two pairs, and where all pairs differ by the same amount.
        most_by_pairing: (var(a) + var(b)) / (sd(b) - sd(a))^2: what common failures could be worth at most for numbers that
            spread as these do, for no pairing of them correlates by more than 1. Where one spreads s times as much as the
            other it is (1 + s^2) / (1 - s)^2. None for fewer than two pairs, where both spread alike, and where controls
            were used, which are not bound by it.
    """

    base: float | None
    other: float | None
    estimate: Estimate
    p_greater: float | None
    variance_factor: float | None
    most_by_pairing: float | None = None

    @property
    def is_zero(self) -> bool:
        """True if no pair differs, but for the rounding of sums: neither mean nor interval reaches 1e-9 of the level."""
        mean, ci95 = self.estimate.mean, self.estimate.ci95
        return mean is not None and max(map(abs, (mean, *(ci95 or ())))) <= _ROUNDING * abs(self.base or 0.0)

    @property
    def is_clear(self) -> bool:
        """True if the 95% interval does not hold 0."""
        ci95 = self.estimate.ci95
        return ci95 is not None and (ci95[0] > 0 or ci95[1] < 0) and not self.is_zero


def paired(base: Sequence[float], other: Sequence[float]) -> Difference:
    """Difference of means: d_i = b_i - a_i, mean(d) +- t(n-1) sd(d) / sqrt(n).

    Args:
        base, other: one value per replication, finite, in the same order of replications, equally many.

    >>> paired([1.0, 2.0, 4.0], [2.0, 3.0, 5.0]).estimate
    Estimate(mean=1.0, ci95=(1.0, 1.0), sd=0.0, n=3)
    >>> paired([1.0, 2.0], [1.0, 2.0]).p_greater is None
    True
    """
    return paired_each([base], [other])[0]


def paired_each(base: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> list[Difference]:
    """`paired` of each row with its counterpart, to the last bit; a table of rows costs little more than one of them.

    Args:
        base, other: (k, n), a row for each number that is compared.

    Raises: ValueError if they are not of one shape.
    """
    ours, theirs = (np.asarray(rows, dtype=np.float64) for rows in (base, other))
    if ours.shape != theirs.shape:  # numpy would repeat the one value of a single replication
        raise ValueError(f"{ours.shape} values against {theirs.shape}")
    if len(ours) == 0:
        return []
    columns = (*map(estimates, (ours, theirs, theirs - ours)), *_factors(ours, theirs))
    return [Difference(a.mean, b.mean, gap, _p_greater(gap), *f) for a, b, gap, *f in zip(*columns, strict=True)]


def paired_ratio(
    base: tuple[Sequence[float], Sequence[float]], other: tuple[Sequence[float], Sequence[float]]
) -> Difference:
    """Difference of two ratios of totals, R = sum(x) / sum(y), by the jackknife: the way to compare MTTIs.

    Deleting replication i from both designs gives D(i) = R_b(i) - R_a(i), and

        se^2 = (n - 1) / n * sum over i of (D(i) - mean of D(i))^2,   interval R_b - R_a +- t(n-1) se.

    Written with pseudo-values p_i = n R - (n - 1) R(i), whose differences are treated as `paired` treats values; their
    standard error is the one above.

    Args:
        base, other: (numerators, denominators), one of each per replication, >= 0.

    Returns:
        no mean where a ratio is not defined (no interruption at all); no interval if deleting one replication leaves
        nothing to divide by.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 11.
    """
    a, b = estimate_ratio(*base), estimate_ratio(*other)
    if a.mean is None or b.mean is None:
        return Difference(a.mean, b.mean, Estimate(None, None, None, a.n), None, None)
    mean = b.mean - a.mean
    if a.ci95 is None or b.ci95 is None:
        return Difference(a.mean, b.mean, Estimate(mean, None, None, a.n), None, None)
    pseudo_a, pseudo_b = pseudo_values(*base)[None], pseudo_values(*other)[None]
    sd = float((pseudo_b - pseudo_a).std(ddof=1))
    half = t_quantile(a.n - 1) * sd / math.sqrt(a.n)
    difference = Estimate(mean, (mean - half, mean + half), sd, a.n)
    (factor,), (most,) = _factors(pseudo_a, pseudo_b)
    return Difference(a.mean, b.mean, difference, _p_greater(difference), factor, most)


def pseudo_values(
    numerators: Sequence[float] | NDArray[np.float64],
    denominators: Sequence[float] | NDArray[np.float64],
    *,
    log: bool = False,
) -> NDArray[np.float64]:
    """n R - (n - 1) R(i) for each i, or the same of ln R, (n,); their spread is that of R by the jackknife.

    Args:
        numerators, denominators: one per replication, >= 0; leaving one out must leave something to divide, and by.
        log: of the logarithm.
    """
    x, y = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    n, total_x, total_y = len(x), math.fsum(x), math.fsum(y)
    whole = total_x / total_y
    deleted: NDArray[np.float64] = (total_x - x) / (total_y - y)
    return n * math.log(whole) - (n - 1) * np.log(deleted) if log else n * whole - (n - 1) * deleted


def _p_greater(difference: Estimate) -> float | None:
    """Of a difference whose standard error is sd / sqrt(n)."""
    if difference.mean is None or difference.sd is None:
        return None
    return p_greater(difference.mean, difference.sd / math.sqrt(difference.n), difference.n - 1)


def p_greater(mean: float, se: float, df: int) -> float | None:
    """P(T < mean / se), T of Student's t with df degrees of freedom; None if nothing differs.

    >>> p_greater(1.0, 1.0, 1), p_greater(-1.0, 0.0, 9), p_greater(0.0, 0.0, 9)
    (0.75, 0.0, None)
    """
    if se == 0.0:
        return None if mean == 0 else float(mean > 0)
    # Not scipy.stats: it takes ten times as long to import.
    from scipy.special import stdtr

    return float(stdtr(df, mean / se))


def _factors(
    base: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[list[float | None], list[float | None]]:
    """For each row of (k, n): the variance factor of its pairs, and the most that any pairing could give."""
    if base.shape[1] < 2:
        return [None] * len(base), [None] * len(base)
    ours, theirs = base.var(axis=1, ddof=1), other.var(axis=1, ddof=1)
    unpaired = (ours + theirs).tolist()
    found, least = (other - base).var(axis=1, ddof=1).tolist(), ((np.sqrt(theirs) - np.sqrt(ours)) ** 2).tolist()
    return list(map(_factor, found, unpaired)), list(map(_factor, least, unpaired))


def _factor(variance: float, unpaired: float) -> float | None:
    # Pairs that differ by one amount up to rounding have no variance to speak of.
    return unpaired / variance if variance > 1e-24 * unpaired and variance > 0 else None
