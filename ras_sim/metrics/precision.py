"""Replications until an interval is as narrow as wanted, by a rule whose intervals keep their promise.

Looking after every replication and stopping as soon as the ordinary interval is narrow enough cheats: it stops early when
the spread happens to look small, and its 95% intervals cover less. Stein's interval is bound to a first stage: with the
standard deviation s0 of the first n0 values, and s of all n values so far,

    half-width(n) = max(t(n0-1) s0, t(n-1) s) / sqrt(n),      mean of all n values +- half-width(n),

and values are added, to the number that the half-width found asks for, until it is narrow enough. Of normal values it
covers the mean with at least 95% however often one looks: looks and half-width depend on standard deviations alone, of
which the mean of normal values is independent, and the half-width is never below Stein's t(n0-1) s0 / sqrt(n), which
covers with exactly 95%. A ceiling leaves that true. The second term matters where values are skewed, and the first stage
has seen none of the rare large ones.

A ratio of totals (an MTTI) takes the standard deviation of its jackknife pseudo-values for s. A relative precision r is
one of ln(1 + r) on the scale of the logarithm, whose pseudo-values are n ln R - (n - 1) ln R(i); the interval is from
R / (1 + half-width) to R (1 + half-width). What is covered where values are not normal is measured in
docs/decisions/0023-run-precision.md.

Source: Stein, A Two-Sample Test for a Linear Hypothesis Whose Power Is Independent of the Variance, Annals of
Mathematical Statistics 16 (1945).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ras_sim.metrics.estimates import Estimate, t_quantile
from ras_sim.metrics.paired import Difference, p_greater, pseudo_values
from ras_sim.metrics.samples import Sample, paired_difference

MIN_FIRST = 10
"""A standard deviation of fewer values is too poor a guide."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A precision that is asked for.

    Args:
        metric: its name in the JSON result.
        half_width: of the 95% interval, to either side, > 0: in the unit of the metric, or as a share of its mean.
        relative: it is a share of the mean.
        limit: replications at most.
    """

    metric: str
    half_width: float
    relative: bool
    limit: int

    @property
    def on_scale(self) -> float:
        """The half-width on the scale on which the rule works: of the logarithm if it is relative."""
        return math.log1p(self.half_width) if self.relative else self.half_width


@dataclass(frozen=True, slots=True)
class Aim:
    """A precision that was aimed at, and how far a number of replications has come.

    Args:
        wish: what was asked for.
        n_first: replications of the first stage.
        n: replications that this is known from.
        n_needed: replications that it takes by all that is known; n if it is reached; None if the values are all alike,
            and say nothing of a spread.
    """

    wish: Wish
    n_first: int
    n: int
    n_needed: int | None

    @property
    def n_wanted(self) -> int:
        """Replications at which to look again: twice as many where nothing is known; no more than the limit."""
        return min(2 * self.n if self.n_needed is None else self.n_needed, self.wish.limit)

    @property
    def is_reached(self) -> bool:
        """True if the interval is as narrow as asked for."""
        return self.n_needed is not None and self.n >= self.n_needed

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        wish = self.wish
        return {
            "metric": wish.metric,
            "half_width": wish.half_width,
            "relative": wish.relative,
            "n_first": self.n_first,
            "n_needed": self.n_needed,
            "max_replications": wish.limit,
            "reached": self.is_reached,
        }


@dataclass(frozen=True, slots=True)
class Reach:
    """What gives the half-width of the rule.

    Args:
        n: number of values.
        sd: that decides: of the first stage or of all values.
        df: degrees of freedom of that standard deviation.
    """

    n: int
    sd: float
    df: int

    @property
    def half_width(self) -> float:
        """t(df) sd / sqrt(n)."""
        return t_quantile(self.df) * self.se

    @property
    def se(self) -> float:
        """sd / sqrt(n)."""
        return self.sd / math.sqrt(self.n)

    def n_needed(self, half_width: float) -> int:
        """Number of values with that half-width if the standard deviation stays: n if n are enough, else more by at
        least a twentieth, so that there are few looks."""
        if self.half_width <= half_width:
            return self.n
        needed = math.floor((self.half_width / half_width) ** 2 * self.n) + 1
        return max(needed, self.n + 1 + self.n // 20)


def reach_of(sample: Sample, n_first: int, relative: bool) -> Reach | None:
    """The half-width that the rule gives to some values, 0 if they are all alike; None if there is nothing to go by.

    Args:
        sample: all values so far, the first stage first.
        n_first: values of the first stage.
        relative: on the scale of the logarithm.
    """
    first, n = sample.first(n_first), len(sample.values)
    return _wider(min(n, n_first), _spread(first, relative), n, _spread(sample, relative))


def aim_of(sample: Sample, n_first: int, wish: Wish) -> Aim:
    """What some values say of the number of replications; see `reach_of`."""
    found = reach_of(sample, n_first, wish.relative)
    needed = found.n_needed(wish.on_scale) if found is not None and found.sd > 0 else None
    return Aim(wish, n_first, len(sample.values), needed)


def estimate_to(sample: Sample, aim: Aim) -> Estimate:
    """Mean (or ratio of totals) with the interval of the rule."""
    found, reach = sample.estimate, reach_of(sample, aim.n_first, aim.wish.relative)
    if found.mean is None or reach is None:
        return found
    half = reach.half_width
    if aim.wish.relative:
        return replace(found, ci95=(found.mean * math.exp(-half), found.mean * math.exp(min(half, 700.0))))
    return replace(found, ci95=(found.mean - half, found.mean + half))


def half_width_so_far(sample: Sample, n_first: int, wish: Wish) -> float | None:
    """In the unit of the metric, or as a share of the mean, like the one that is wished for; None if it is not known."""
    found = reach_of(sample, n_first, wish.relative)
    if found is None or found.sd == 0:
        return None
    return math.expm1(min(found.half_width, 700.0)) if wish.relative else found.half_width


def paired_to(base: Sample, other: Sample, n_first: int) -> Difference:
    """The difference other - base, with the interval of the rule and the probability that goes with it.

    Args:
        base, other: of one metric, one value per replication, the first stage first.
        n_first: replications of the first stage, n0 >= 2.
    """
    whole, reach = paired_difference(base, other), paired_reach(base, other, n_first)
    mean = whole.estimate.mean
    if mean is None or reach is None:
        return whole
    interval = (mean - reach.half_width, mean + reach.half_width)
    found = replace(whole.estimate, ci95=interval)
    return replace(whole, estimate=found, p_greater=p_greater(mean, reach.se, reach.df))


def paired_reach(base: Sample, other: Sample, n_first: int) -> Reach | None:
    """The half-width that the rule gives to a difference, 0 if all pairs differ alike; None if it is not known."""
    first = paired_difference(base.first(n_first), other.first(n_first)).estimate
    whole = paired_difference(base, other).estimate
    return _wider(first.n, first.sd, whole.n, whole.sd)


def _wider(n_first: int, first: float | None, n: int, whole: float | None) -> Reach | None:
    """The wider of what the first stage and all values say; None if they say nothing."""
    if whole is None:
        return None
    found = (
        [Reach(n, whole, n - 1)] if first is None else [Reach(n, whole, n - 1), Reach(n, first, n_first - 1)]
    )
    return max(found, key=lambda one: one.half_width)


def _spread(sample: Sample, relative: bool) -> float | None:
    """Standard deviation on the scale of the rule; None where leaving one value out leaves nothing."""
    if len(sample.values) < 2 or (sample.per is None and not relative):
        return sample.estimate.sd
    per = [1.0] * len(sample.values) if sample.per is None else sample.per
    totals = math.fsum(sample.values), math.fsum(per)
    if min(totals[0] - max(sample.values), totals[1] - max(per)) <= 1e-12 * max(totals):
        return None
    scores = pseudo_values(sample.values, per, log=relative)
    # Equal values must not get a spread from rounding.
    return float(scores.std(ddof=1)) if np.ptp(scores) > 1e-9 * np.abs(scores).max() else 0.0


def needed_by(first: Estimate, half_width: float) -> int:
    """Replications in all, by Stein's rule from the first ones alone, so that the interval is at most half_width wide to
    either side.

    Args:
        first: of the values of the first stage, n0 >= 2; if they are all alike they are taken at their word.
        half_width: > 0, in the unit of the values.

    >>> from ras_sim.metrics.estimates import estimate
    >>> needed_by(estimate([1.0, 2.0, 3.0]), 1.0)
    19
    """
    sd = first.sd or 0.0
    return max(first.n, math.floor((t_quantile(first.n - 1) * sd / half_width) ** 2) + 1)
