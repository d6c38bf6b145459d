"""Lifetimes put together from pieces: a bathtub, a table of rates, observed, fixed or bounded times."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ras_sim.distributions.base import (
    Array,
    Distribution,
    moments_from_inverse,
    power,
    require_non_negative,
    require_positive,
)
from ras_sim.distributions.parametric import Exponential, Weibull


@dataclass(frozen=True, slots=True)
class Bathtub(Distribution):
    """Infant mortality, chance failures and wear-out, whichever comes first: the three hazards add up.

    H(t) = (t / infant_scale)^infant_shape + rate · t + (t / wearout_scale)^wearout_shape.

    Source: Meeker & Escobar, "Statistical Methods for Reliability Data" (1998), section 2.1 (the curve) and
    chapter 15 (competing causes: hazards add).
    """

    infant_shape: float
    infant_scale_h: float
    rate_per_h: float
    wearout_shape: float
    wearout_scale_h: float
    _parts: tuple[Distribution, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0.0 < self.infant_shape < 1.0:
            raise ValueError(f"infant_shape: got {self.infant_shape!r}, want 0 < shape < 1")
        if not 1.0 < self.wearout_shape < math.inf:
            raise ValueError(f"wearout_shape: got {self.wearout_shape!r}, want a finite shape > 1")
        require_positive("infant_scale_h", self.infant_scale_h)
        require_non_negative("rate_per_h", self.rate_per_h)
        require_positive("wearout_scale_h", self.wearout_scale_h)
        infant = Weibull(self.infant_shape, self.infant_scale_h)
        wearout = Weibull(self.wearout_shape, self.wearout_scale_h)
        object.__setattr__(self, "_parts", (infant, Exponential(self.rate_per_h), wearout))

    def cumulative_hazard(self, age_h: Array) -> Array:
        return np.asarray(sum(part.cumulative_hazard(age_h) for part in self._parts))

    def inverse_hazard(self, y: Array) -> Array:
        y = np.asarray(y, dtype=np.float64)
        # ln H is convex in ln t (a log-sum-exp of straight lines): Newton from above never overshoots.
        start = np.min([part.inverse_hazard(y) for part in self._parts], axis=0)
        solve = (start > 0.0) & (start < np.inf)  # 0 and inf are their own answers
        t, target = np.where(solve, start, 1.0), np.where(solve, y, 1.0)
        for _ in range(60):
            total = self.cumulative_hazard(t)
            step = np.log(target / total) * total / (t * self.hazard(t))
            t = t * np.exp(np.minimum(step, 0.0))
            if np.all(step > -1e-15):
                break
        return np.where(solve, t, start)

    def hazard(self, age_h: Array) -> Array:
        return np.asarray(sum(part.hazard(age_h) for part in self._parts))

    @property
    def mean_h(self) -> float:
        return moments_from_inverse(self)[0]

    @property
    def variance_h2(self) -> float:
        return moments_from_inverse(self)[1]

    def quantile(self, u: float) -> float:
        return self.residual_h(0.0, -math.log1p(-u))

    def residual_h(self, age_h: float, exp1: float) -> float:
        # The smallest of the three lives that the parts would have left bounds the answer from above,
        # and the smallest at a third of the hazard from below.
        high = min(part.residual_h(age_h, exp1) for part in self._parts)
        low = min(part.residual_h(age_h, exp1 / 3.0) for part in self._parts)
        x = high
        if not 0.0 < x < math.inf:
            return x
        for _ in range(200):
            excess = self._increment(age_h, x) - exp1
            if excess > 0.0:
                high = x
            else:
                low = x
            newton = x - excess / self._hazard(age_h + x)
            if abs(newton - x) <= 1e-14 * x:
                return newton
            x = newton if low < newton < high else 0.5 * (low + high)
        return x

    def _hazard(self, age_h: float) -> float:
        """Return h at one age > 0, per hour."""
        infant = self.infant_shape * power(age_h / self.infant_scale_h, self.infant_shape)
        wearout = self.wearout_shape * power(age_h / self.wearout_scale_h, self.wearout_shape)
        return (infant + wearout) / age_h + self.rate_per_h

    def _increment(self, age_h: float, x_h: float) -> float:
        """Return H(age + x) - H(age) without the difference of two large numbers."""
        infant = _power_increment(self.infant_shape, age_h / self.infant_scale_h, x_h / self.infant_scale_h)
        wearout = _power_increment(
            self.wearout_shape, age_h / self.wearout_scale_h, x_h / self.wearout_scale_h
        )
        return infant + self.rate_per_h * x_h + wearout

    def scaled(self, rate_factor: float) -> Distribution:
        require_positive("rate_factor", rate_factor)
        return Bathtub(
            self.infant_shape,
            self.infant_scale_h / power(rate_factor, 1.0 / self.infant_shape),
            self.rate_per_h * rate_factor,
            self.wearout_shape,
            self.wearout_scale_h / power(rate_factor, 1.0 / self.wearout_shape),
        )


def _power_increment(exponent: float, a: float, x: float) -> float:
    """Return (a + x)^exponent - a^exponent without cancellation; a >= 0, x > 0."""
    if x >= a:
        return power(a + x, exponent) - power(a, exponent)
    return power(a, exponent) * math.expm1(exponent * math.log1p(x / a))


@dataclass(frozen=True, slots=True)
class PiecewiseConstant(Distribution):
    """A table of hazards: rate ``rates_per_h[i]`` from age ``edges_h[i]`` on; the last rate goes on for ever.

    ``edges_h`` are the starts of the pieces: the first is 0, they rise, and there is one for each rate. H(t)
    is the polygon through them. A rate of 0 is a span without failures.
    """

    edges_h: tuple[float, ...]
    rates_per_h: tuple[float, ...]
    _hazards: tuple[float, ...] = field(init=False, repr=False, compare=False)  # H at each edge

    def __post_init__(self) -> None:
        edges, rates = tuple(self.edges_h), tuple(self.rates_per_h)
        if not edges or len(edges) != len(rates):
            raise ValueError(
                f"edges_h, rates_per_h: got {len(edges)} and {len(rates)} values, want as many of each, >= 1"
            )
        if edges[0] != 0.0 or not all(a < b < math.inf for a, b in pairwise(edges)):
            raise ValueError(f"edges_h: got {edges!r}, want finite ages that start at 0 and rise")
        for rate in rates:
            require_non_negative("rates_per_h", rate)
        hazards = [0.0]
        for (start, end), rate in zip(pairwise(edges), rates[:-1], strict=True):
            hazards.append(hazards[-1] + rate * (end - start))
        object.__setattr__(self, "edges_h", edges)
        object.__setattr__(self, "rates_per_h", rates)
        object.__setattr__(self, "_hazards", tuple(hazards))

    def cumulative_hazard(self, age_h: Array) -> Array:
        edges, rates, hazards = np.array(self.edges_h), np.array(self.rates_per_h), np.array(self._hazards)
        piece = np.searchsorted(edges, age_h, side="right") - 1
        return np.asarray(hazards[piece] + rates[piece] * (age_h - edges[piece]))

    def inverse_hazard(self, y: Array) -> Array:
        edges, rates, hazards = np.array(self.edges_h), np.array(self.rates_per_h), np.array(self._hazards)
        piece = (
            np.searchsorted(hazards, y, side="right") - 1
        )  # on a flat span: its end, so the rate is 0 only at the last
        rate = rates[piece]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(rate > 0.0, edges[piece] + (y - hazards[piece]) / rate, np.inf)

    def hazard(self, age_h: Array) -> Array:
        piece = np.searchsorted(np.array(self.edges_h), age_h, side="right") - 1
        return np.asarray(np.array(self.rates_per_h)[piece])

    def _moment(self, order: int) -> float:
        """Return E[T] (order 1) or E[T²] (order 2): n ∫ tⁿ⁻¹ S(t) dt, piece by piece."""
        if self.rates_per_h[-1] == 0.0:
            return math.inf
        total = 0.0
        for start, end, rate, y in zip(
            self.edges_h, (*self.edges_h[1:], math.inf), self.rates_per_h, self._hazards, strict=True
        ):
            zeroth, first = _exponential_integrals(rate, end - start)
            total += math.exp(-y) * (zeroth if order == 1 else 2.0 * (start * zeroth + first))
        return total

    @property
    def mean_h(self) -> float:
        return self._moment(1)

    @property
    def variance_h2(self) -> float:
        mean = self._moment(1)
        return self._moment(2) - mean * mean if mean < math.inf else math.inf

    @property
    def memoryless(self) -> bool:
        return min(self.rates_per_h) == max(self.rates_per_h)

    def quantile(self, u: float) -> float:
        y = -math.log1p(-u)
        piece = bisect_right(self._hazards, y) - 1
        rate = self.rates_per_h[piece]
        return self.edges_h[piece] + (y - self._hazards[piece]) / rate if rate > 0.0 else math.inf

    def residual_h(self, age_h: float, exp1: float) -> float:
        x, left = 0.0, exp1
        for piece in range(bisect_right(self.edges_h, age_h) - 1, len(self.edges_h) - 1):
            width, rate = self.edges_h[piece + 1] - (age_h + x), self.rates_per_h[piece]
            if left < rate * width:
                return x + left / rate
            left -= rate * width
            x += width
        return x + left / self.rates_per_h[-1] if self.rates_per_h[-1] > 0.0 else math.inf

    def scaled(self, rate_factor: float) -> Distribution:
        require_positive("rate_factor", rate_factor)
        return PiecewiseConstant(self.edges_h, tuple(rate * rate_factor for rate in self.rates_per_h))


def _exponential_integrals(rate: float, width: float) -> tuple[float, float]:
    """Return ∫ e^(-rate·x) dx and ∫ x e^(-rate·x) dx over 0 <= x <= width (width may be inf if rate > 0)."""
    if math.isinf(width):
        return 1.0 / rate, 1.0 / rate**2
    a = rate * width
    if a < 1e-3:  # the closed form cancels; four terms of the series leave less than 1e-13
        first = width**2 * (0.5 - a / 3.0 + a**2 / 8.0 - a**3 / 30.0)
        return width * (1.0 - a / 2.0 + a**2 / 6.0 - a**3 / 24.0), first
    return -math.expm1(-a) / rate, (-math.expm1(-a) - a * math.exp(-a)) / rate**2


@dataclass(frozen=True, slots=True)
class Empirical(Distribution):
    """Observed times, joined: H = -ln(1 - F), F the piecewise-*linear* empirical distribution function.

    F runs through (0, 0), (x₁, 1/n), ..., (x_n, 1) with straight lines (tied values are one longer rise). So
    draws fall between the observations and never past the largest, and the mean lies below that of the
    observations by half a gap on average.
    """

    values_h: tuple[float, ...]
    _knots: Array = field(init=False, repr=False, compare=False)
    _failed: Array = field(init=False, repr=False, compare=False)  # F at each knot, from 0 up to 1
    _survival: Array = field(init=False, repr=False, compare=False)  # S = 1 - F at each knot

    def __post_init__(self) -> None:
        values = tuple(sorted(map(float, self.values_h)))
        if not values:
            raise ValueError("values_h: got no value, want at least one observed time")
        for value in values:
            require_positive("values_h", value)
        knots, counts = np.unique(np.array(values), return_counts=True)
        below = np.concatenate(([0], np.cumsum(counts)))
        object.__setattr__(self, "values_h", values)
        object.__setattr__(self, "_knots", np.concatenate(([0.0], knots)))
        object.__setattr__(self, "_failed", below / len(values))
        object.__setattr__(self, "_survival", (len(values) - below) / len(values))

    def cumulative_hazard(self, age_h: Array) -> Array:
        failed = np.interp(age_h, self._knots, self._failed)
        alive = np.interp(age_h, self._knots, self._survival)
        with np.errstate(divide="ignore"):  # the smaller of the two keeps its digits
            return np.where(failed < 0.5, -np.log1p(-np.minimum(failed, 0.5)), -np.log(alive))

    def inverse_hazard(self, y: Array) -> Array:
        failed = np.interp(-np.expm1(-np.minimum(y, 1.0)), self._failed, self._knots)
        alive = np.interp(-np.exp(-np.asarray(y)), -self._survival, self._knots)
        return np.where(np.asarray(y) < 0.5, failed, alive)

    def hazard(self, age_h: Array) -> Array:
        piece = np.searchsorted(self._knots, age_h, side="right") - 1
        slopes = np.append(-np.diff(self._survival) / np.diff(self._knots), 0.0)
        alive = np.interp(age_h, self._knots, self._survival)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(alive > 0.0, slopes[piece] / alive, np.inf)

    @property
    def mean_h(self) -> float:
        middles = 0.5 * (self._knots[1:] + self._knots[:-1])
        return float(np.sum(middles * -np.diff(self._survival)))

    @property
    def variance_h2(self) -> float:
        low, high = self._knots[:-1], self._knots[1:]
        squares = (low * low + low * high + high * high) / 3.0  # E[X²] of a uniform on [low, high]
        return float(np.sum(squares * -np.diff(self._survival))) - self.mean_h**2

    def quantile(self, u: float) -> float:
        return float(np.interp(u, self._failed, self._knots))

    def residual_h(self, age_h: float, exp1: float) -> float:
        alive = float(np.interp(age_h, self._knots, self._survival)) * math.exp(-exp1)
        return max(0.0, float(np.interp(-alive, -self._survival, self._knots)) - age_h)


@dataclass(frozen=True, slots=True)
class Deterministic(Distribution):
    """Always the same time: H jumps from 0 to inf at ``value_h``."""

    value_h: float

    def __post_init__(self) -> None:
        require_non_negative("value_h", self.value_h)

    def cumulative_hazard(self, age_h: Array) -> Array:
        return np.where(np.asarray(age_h) < self.value_h, 0.0, np.inf)

    def inverse_hazard(self, y: Array) -> Array:
        return np.full(np.shape(y), float(self.value_h))

    def hazard(self, age_h: Array) -> Array:
        return self.cumulative_hazard(age_h)

    @property
    def mean_h(self) -> float:
        return float(self.value_h)

    @property
    def variance_h2(self) -> float:
        return 0.0

    def draw(self, key: int, ordinal: int) -> float:
        return self.value_h

    def quantile(self, u: float) -> float:
        return float(self.value_h)

    def residual_h(self, age_h: float, exp1: float) -> float:
        return max(0.0, self.value_h - age_h)

    def scaled(self, rate_factor: float) -> Distribution:
        require_positive("rate_factor", rate_factor)
        return self  # 0 and inf stay what they are


@dataclass(frozen=True, slots=True)
class Uniform(Distribution):
    """Equally likely between two times: H(t) = -ln((high - t) / (high - low)) in between."""

    low_h: float
    high_h: float

    def __post_init__(self) -> None:
        require_non_negative("low_h", self.low_h)
        require_positive("high_h", self.high_h)
        if not self.low_h < self.high_h:
            raise ValueError(f"high_h: got {self.high_h!r}, want > low_h = {self.low_h!r}")

    def cumulative_hazard(self, age_h: Array) -> Array:
        failed = np.clip((np.asarray(age_h) - self.low_h) / (self.high_h - self.low_h), 0.0, 1.0)
        with np.errstate(divide="ignore"):
            return np.asarray(-np.log1p(-failed))

    def inverse_hazard(self, y: Array) -> Array:
        return np.asarray(self.low_h - (self.high_h - self.low_h) * np.expm1(-np.asarray(y)))

    def hazard(self, age_h: Array) -> Array:
        left = self.high_h - np.asarray(age_h)
        with np.errstate(divide="ignore"):
            return np.where(age_h < self.low_h, 0.0, np.where(left > 0.0, 1.0 / left, np.inf))

    @property
    def mean_h(self) -> float:
        return 0.5 * (self.low_h + self.high_h)

    @property
    def variance_h2(self) -> float:
        return (self.high_h - self.low_h) ** 2 / 12.0

    def quantile(self, u: float) -> float:
        return self.low_h + (self.high_h - self.low_h) * u

    def residual_h(self, age_h: float, exp1: float) -> float:
        start = max(age_h, self.low_h)
        return max(0.0, start - age_h - (self.high_h - start) * math.expm1(-exp1))
