"""The price at which two designs cost the same per effective GPU-hour.

With Y the effective GPU-hours of a design, q the quantity that is charged at the price p, and r the rest of its cost, sums
over the replications, the cost per effective GPU-hour is (r + p q) / Y: linear in p. Two designs a and b cost the same at

    p* = -A / B,     A = r_b / Y_b - r_a / Y_a,     B = q_b / Y_b - q_a / Y_a.

A and B vary together from replication to replication, so the interval is Fieller's: every p at which the paired comparison
would not object to "both cost the same", that is, with standard errors and covariance of A and B by the jackknife,

    (A + p B)^2 <= t(n-1)^2 (s_AA + 2 p s_AB + p^2 s_BB).

So today's price lies in the interval exactly if the difference in cost per effective GPU-hour is not clear.

Source: Fieller, Some Problems in Interval Estimation, Journal of the Royal Statistical Society B 16 (1954); Efron &
Tibshirani, An Introduction to the Bootstrap (1993), chapter 11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ras_sim.metrics.cost import price_key
from ras_sim.metrics.estimates import t_quantile
from ras_sim.metrics.measures import Measures
from ras_sim.metrics.paired import pseudo_values

_ROUNDING = 1e-9
"""Quantities that differ by less, of their size, are the same."""


class BreakEven(NamedTuple):
    """A price at which both designs cost the same per effective GPU-hour.

    Args:
        key: of the price: gpus, spare_gpus, technicians, parts.CLASS, energy.
        price: what is charged in the other design; None if the designs are charged different prices.
        at: the price at which both cost the same, >= 0.
        ci95: its 95% interval, the lower end no less than 0.
        other_uses_more: the other design uses more of it per effective GPU-hour, so it is the cheaper one below `at`.
    """

    key: str
    price: float | None
    at: float
    ci95: tuple[float, float]
    other_uses_more: bool


def break_evens(base: Sequence[Measures], other: Sequence[Measures]) -> list[BreakEven]:
    """The break-even of each price whose quantity differs between two designs, in the order of the bill.

    A price is left out if both designs use as much of it, if no price >= 0 makes them cost the same, and if the replications
    cannot tell whether one does.

    Args:
        base, other: replication by replication, with prices in one currency.
    """
    designs = (base, other)
    effective = [np.array([one.effective_gpu_h for one in measures]) for measures in designs]
    if not all(map(_can_be_deleted, effective)):
        return []
    items = dict.fromkeys(item for one in (*base, *other) for item in one.charges)
    at: dict[str, list[str]] = {}
    for item in items:
        at.setdefault(price_key(item), []).append(item)
    found = (_of_price(key, charged, designs, effective) for key, charged in at.items())
    return [one for one in found if one is not None]


def _of_price(
    key: str, items: Sequence[str], designs: Sequence[Sequence[Measures]], effective: Sequence[_Values]
) -> BreakEven | None:
    """Of one price, at which some items are charged; None if there is nothing to say."""
    quantities = [_quantities(measures, items) for measures in designs]
    if _alike(*quantities):
        return None
    rests = [_rests(measures, items) for measures in designs]
    a, pseudo_a = _gap(rests, effective)
    b, pseudo_b = _gap(quantities, effective)
    n = len(designs[0])
    interval = root_interval(a, b, np.cov(pseudo_a, pseudo_b) / n, n - 1)
    if interval is None or not -a / b > 0.0:
        return None
    prices = {_price(measures, key) for measures in designs} - {None}
    price = prices.pop() if len(prices) == 1 else None
    return BreakEven(key, price, -a / b, (max(0.0, interval[0]), interval[1]), b > 0.0)


def root_interval(a: float, b: float, covariance: NDArray[np.float64], df: int) -> tuple[float, float] | None:
    """Fieller's interval of the p at which a + p b is 0.

    Args:
        covariance: of the estimates a and b, (2, 2).
        df: degrees of freedom behind it, >= 1.

    Returns:
        None where it is no interval: b may be 0, and any price may be it.

    >>> root_interval(-2.0, 1.0, np.zeros((2, 2)), 9)
    (2.0, 2.0)
    """
    share = t_quantile(df) ** 2
    (s_aa, s_ab), (_, s_bb) = covariance.tolist()
    square, half, rest = b * b - share * s_bb, a * b - share * s_ab, a * a - share * s_aa
    if not square > 0.0:
        return None
    root = math.sqrt(max(0.0, half * half - square * rest))
    return (-half - root) / square, (-half + root) / square


_Values = NDArray[np.float64]


def _quantities(measures: Sequence[Measures], items: Sequence[str]) -> _Values:
    """What is charged for some items, in units of their price, of each replication."""
    bills = [one.charges for one in measures]
    return np.array([math.fsum(bill[item].n_prices for item in items if item in bill) for bill in bills])


def _rests(measures: Sequence[Measures], items: Sequence[str]) -> _Values:
    """The cost without some items, of each replication."""
    bills = [one.charges for one in measures]
    return np.array([math.fsum(bill[item].amount for item in bill if item not in items) for bill in bills])


def _price(measures: Sequence[Measures], key: str) -> float | None:
    """What is charged at a price."""
    charges = (c for one in measures for item, c in one.charges.items() if item == key)
    return next((charge.price for charge in charges), None)


def _alike(ours: _Values, theirs: _Values) -> bool:
    """Whether both designs use as much in every replication, up to rounding."""
    return bool(np.all(np.abs(ours - theirs) <= _ROUNDING * np.maximum(np.abs(ours), np.abs(theirs))))


def _can_be_deleted(effective: _Values) -> bool:
    """Whether something is left to divide by without any one of the replications."""
    return len(effective) > 1 and bool(np.all(effective.sum() - effective > _ROUNDING * effective.sum()))


def _gap(values: Sequence[_Values], effective: Sequence[_Values]) -> tuple[float, _Values]:
    """Difference of the ratios of totals, other - base, and its pseudo-values."""
    (ours, theirs), (y_ours, y_theirs) = values, effective
    gap = math.fsum(theirs) / math.fsum(y_theirs) - math.fsum(ours) / math.fsum(y_ours)
    return gap, pseudo_values(theirs, y_theirs) - pseudo_values(ours, y_ours)
