"""Lifetimes and durations with a name and a closed form.

Source of every formula: Johnson, Kotz & Balakrishnan, "Continuous Univariate Distributions", vol. 1 (1994),
chapters 14 (lognormal), 17 (gamma), 19 (exponential), 21 (Weibull), and vol. 2 (1995), chapter 23
(log-logistic).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ras_sim.distributions.base import (
    Array,
    Distribution,
    exp_or_inf,
    power,
    require_non_negative,
    require_positive,
)

_NORMAL = NormalDist()
_SQRT_HALF = math.sqrt(0.5)
_LN_2 = math.log(2.0)
_Z_SCALAR_MAX = 37.0  # beyond it erfc underflows, and the logarithm must come from scipy
_Y_SCALAR_MAX = 700.0  # beyond it exp(-y) underflows
_LN_TINY = -600.0  # below it the logarithm of Q(a, x) comes from a continued fraction


@dataclass(frozen=True, slots=True)
class Exponential(Distribution):
    """Constant hazard: H(t) = rate · t. A rate of 0 never fails."""

    rate_per_h: float

    def __post_init__(self) -> None:
        require_non_negative("rate_per_h", self.rate_per_h)

    @classmethod
    def from_mean(cls, mean_h: float) -> Exponential:
        """Return the exponential with this mean (hours, > 0)."""
        require_positive("mean_h", mean_h)
        return cls(1.0 / mean_h)

    def cumulative_hazard(self, age_h: Array) -> Array:
        if self.rate_per_h == 0.0:
            return np.zeros(np.shape(age_h))
        return self.rate_per_h * age_h

    def inverse_hazard(self, y: Array) -> Array:
        if self.rate_per_h == 0.0:
            return np.full(np.shape(y), np.inf)
        return y / self.rate_per_h

    def hazard(self, age_h: Array) -> Array:
        return np.full(np.shape(age_h), self.rate_per_h)

    @property
    def mean_h(self) -> float:
        return 1.0 / self.rate_per_h if self.rate_per_h else math.inf

    @property
    def variance_h2(self) -> float:
        return self.mean_h**2

    @property
    def memoryless(self) -> bool:
        return True

    def cumulative_at(self, age_h: float) -> float:
        return self.rate_per_h * age_h

    def quantile(self, u: float) -> float:
        return -math.log1p(-u) / self.rate_per_h if self.rate_per_h else math.inf

    def residual_h(self, age_h: float, exp1: float) -> float:
        return exp1 / self.rate_per_h if self.rate_per_h else math.inf

    def scaled(self, rate_factor: float) -> Distribution:
        require_positive("rate_factor", rate_factor)
        return Exponential(self.rate_per_h * rate_factor)


@dataclass(frozen=True, slots=True)
class Weibull(Distribution):
    """Power-law hazard: H(t) = (t / scale)^shape; shape < 1 infant mortality, shape > 1 wear-out."""

    shape: float
    scale_h: float

    def __post_init__(self) -> None:
        require_positive("shape", self.shape)
        require_positive("scale_h", self.scale_h)

    @classmethod
    def from_mean(cls, shape: float, mean_h: float) -> Weibull:
        """Return the Weibull with this shape (> 0) and mean (hours, > 0)."""
        require_positive("shape", shape)
        require_positive("mean_h", mean_h)
        return cls(shape, mean_h * exp_or_inf(-math.lgamma(1.0 + 1.0 / shape)))

    def cumulative_hazard(self, age_h: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray((age_h / self.scale_h) ** self.shape)

    def inverse_hazard(self, y: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(self.scale_h * y ** (1.0 / self.shape))

    def hazard(self, age_h: Array) -> Array:
        with np.errstate(over="ignore", divide="ignore"):
            return np.asarray(self.shape / self.scale_h * (age_h / self.scale_h) ** (self.shape - 1.0))

    @property
    def mean_h(self) -> float:
        return self.scale_h * exp_or_inf(math.lgamma(1.0 + 1.0 / self.shape))

    @property
    def variance_h2(self) -> float:
        ln_mean = math.lgamma(1.0 + 1.0 / self.shape)
        # E[T²]/E[T]² - 1 through expm1, so that a large shape does not cancel.
        ln_ratio = math.lgamma(1.0 + 2.0 / self.shape) - 2.0 * ln_mean
        return (
            self.scale_h**2
            * exp_or_inf(2.0 * ln_mean)
            * (math.expm1(ln_ratio) if ln_ratio < 709.0 else math.inf)
        )

    @property
    def memoryless(self) -> bool:
        return self.shape == 1.0

    def quantile(self, u: float) -> float:
        return self.scale_h * power(-math.log1p(-u), 1.0 / self.shape)

    def residual_h(self, age_h: float, exp1: float) -> float:
        if age_h > 0.0:  # t/age - 1 = (1 + e/H(age))^(1/shape) - 1, without the difference of two large times
            growth = exp1 * exp_or_inf(self.shape * (math.log(self.scale_h) - math.log(age_h)))
            ln_ratio = math.log1p(growth) / self.shape
            if ln_ratio < 709.0:
                return age_h * math.expm1(ln_ratio)
        return self.scale_h * power(exp1, 1.0 / self.shape)

    def scaled(self, rate_factor: float) -> Distribution:
        require_positive("rate_factor", rate_factor)
        return Weibull(self.shape, self.scale_h / power(rate_factor, 1.0 / self.shape))


@dataclass(frozen=True, slots=True)
class Lognormal(Distribution):
    """ln T is normal: H(t) = -ln Φ(-z), z = (ln t - mu) / sigma, with t in hours."""

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.mu):
            raise ValueError(f"mu: got {self.mu!r}, want a finite number (ln of hours)")
        require_positive("sigma", self.sigma)

    @classmethod
    def from_median(cls, median_h: float, sigma: float) -> Lognormal:
        """Return the lognormal with this median (hours, > 0) and sigma of ln T (> 0)."""
        require_positive("median_h", median_h)
        return cls(math.log(median_h), sigma)

    @classmethod
    def from_mean_sd(cls, mean_h: float, sd_h: float) -> Lognormal:
        """Return the lognormal with this mean and standard deviation (hours, both > 0)."""
        require_positive("mean_h", mean_h)
        require_positive("sd_h", sd_h)
        variance = math.log1p((sd_h / mean_h) ** 2)
        return cls(math.log(mean_h) - 0.5 * variance, math.sqrt(variance))

    def _z(self, age_h: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray((np.log(age_h) - self.mu) / self.sigma)

    def cumulative_hazard(self, age_h: Array) -> Array:
        from scipy.special import log_ndtr

        return np.asarray(-log_ndtr(-self._z(age_h)))

    def inverse_hazard(self, y: Array) -> Array:
        from scipy.special import ndtri_exp

        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.mu - self.sigma * ndtri_exp(-np.asarray(y, dtype=np.float64))))

    def hazard(self, age_h: Array) -> Array:
        z = self._z(age_h)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ln_hazard = -0.5 * z * z - 0.5 * math.log(2.0 * math.pi) + self.cumulative_hazard(age_h)
            return np.where(np.asarray(age_h) > 0.0, np.exp(ln_hazard) / (self.sigma * age_h), 0.0)

    @property
    def mean_h(self) -> float:
        return exp_or_inf(self.mu + 0.5 * self.sigma**2)

    @property
    def variance_h2(self) -> float:
        ln_square = 2.0 * self.mu + self.sigma**2
        return exp_or_inf(ln_square + math.log(math.expm1(self.sigma**2))) if self.sigma < 26.0 else math.inf

    def quantile(self, u: float) -> float:
        return exp_or_inf(self.mu + self.sigma * _NORMAL.inv_cdf(u))

    def residual_h(self, age_h: float, exp1: float) -> float:
        z = (math.log(age_h) - self.mu) / self.sigma if age_h > 0.0 else -_Z_SCALAR_MAX
        if not -_Z_SCALAR_MAX <= z <= _Z_SCALAR_MAX:
            return Distribution.residual_h(self, age_h, exp1)
        tail = 0.5 * math.erfc(abs(z) * _SQRT_HALF)
        y = exp1 - (math.log(tail) if z > 0.0 else math.log1p(-tail))
        if not 0.0 < y < _Y_SCALAR_MAX:
            return Distribution.residual_h(self, age_h, exp1)
        z_end = _NORMAL.inv_cdf(-math.expm1(-y)) if y < _LN_2 else -_NORMAL.inv_cdf(math.exp(-y))
        return max(0.0, exp_or_inf(self.mu + self.sigma * z_end) - age_h)


@dataclass(frozen=True, slots=True)
class Gamma(Distribution):
    """Sum of ``shape`` exponential stages: H(t) = -ln Q(shape, t / scale), Q the upper gamma ratio."""

    shape: float
    scale_h: float

    def __post_init__(self) -> None:
        require_positive("shape", self.shape)
        require_positive("scale_h", self.scale_h)

    @classmethod
    def from_mean(cls, shape: float, mean_h: float) -> Gamma:
        """Return the gamma with this shape (> 0) and mean (hours, > 0)."""
        require_positive("shape", shape)
        require_positive("mean_h", mean_h)
        return cls(shape, mean_h / shape)

    def cumulative_hazard(self, age_h: Array) -> Array:
        return _minus_log_q(self.shape, np.asarray(age_h, dtype=np.float64) / self.scale_h)

    def inverse_hazard(self, y: Array) -> Array:
        from scipy.special import gammainccinv, gammaincinv

        y = np.asarray(y, dtype=np.float64)
        low = gammaincinv(self.shape, -np.expm1(-np.minimum(y, 1.0)))
        high = gammainccinv(self.shape, np.exp(-np.clip(y, 1.0, -_LN_TINY)))
        x = np.where(y < 1.0, low, high)
        deep = (y > -_LN_TINY) & np.isfinite(y)
        if deep.any():
            x[deep] = _gamma_tail_inverse(self.shape, y[deep], x[deep])
        return np.where(np.isinf(y), np.inf, x * self.scale_h)

    def hazard(self, age_h: Array) -> Array:
        x = np.asarray(age_h, dtype=np.float64) / self.scale_h
        return _gamma_hazard(self.shape, x) / self.scale_h

    @property
    def mean_h(self) -> float:
        return self.shape * self.scale_h

    @property
    def variance_h2(self) -> float:
        return self.shape * self.scale_h**2

    @property
    def memoryless(self) -> bool:
        return self.shape == 1.0

    def quantile(self, u: float) -> float:
        from scipy.special import gammaincinv

        return float(gammaincinv(self.shape, u)) * self.scale_h

    def residual_h(self, age_h: float, exp1: float) -> float:
        from scipy.special import gammaincc, gammainccinv

        q = float(gammaincc(self.shape, age_h / self.scale_h)) * math.exp(-exp1)
        if not 1e-250 < q < 0.9:  # the scalar functions lose digits at both ends
            return Distribution.residual_h(self, age_h, exp1)
        return max(0.0, float(gammainccinv(self.shape, q)) * self.scale_h - age_h)


def _minus_log_q(shape: float, x: Array) -> Array:
    """Return -ln Q(shape, x) for x >= 0, with full relative accuracy near 0 and in the far tail."""
    from scipy.special import gammainc, gammaincc

    p, q = gammainc(shape, x), gammaincc(shape, x)
    with np.errstate(divide="ignore"):
        y = np.where(p < 0.5, -np.log1p(-np.minimum(p, 0.5)), -np.log(q))
    deep = (y > -_LN_TINY) & np.isfinite(x)
    if deep.any():
        y = np.where(deep, 0.0, y)
        y[deep] = _minus_log_q_tail(shape, x[deep])
    return np.asarray(y)


def _minus_log_q_tail(shape: float, x: Array) -> Array:
    """Return -ln Q(shape, x) far in the tail (x > shape), by Legendre's continued fraction.

    Γ(a, x) = e⁻ˣ xᵃ / (x+1-a - 1(1-a)/(x+3-a - 2(2-a)/(x+5-a - ...))), evaluated from the inside out.
    Source: Abramowitz & Stegun, 6.5.31 in its even (contracted) form.
    """
    fraction = x + 401.0 - shape
    for n in range(200, 0, -1):
        fraction = x + (2 * n - 1) - shape - n * (n - shape) / fraction
    return np.asarray(x - shape * np.log(x) + math.lgamma(shape) + np.log(fraction))


def _gamma_hazard(shape: float, x: Array) -> Array:
    """Return dH/dx at unit scale, x^(a-1) e⁻ˣ / (Γ(a) Q(a, x)), with its limits at x = 0 and inf."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ln_density = (shape - 1.0) * np.log(x) - x - math.lgamma(shape)
        hazard = np.exp(ln_density + _minus_log_q(shape, x))
    at_zero = math.inf if shape < 1.0 else (1.0 if shape == 1.0 else 0.0)
    return np.where(x == 0.0, at_zero, np.where(np.isinf(x), 1.0, hazard))


def _gamma_tail_inverse(shape: float, y: Array, start: Array) -> Array:
    """Solve -ln Q(shape, x) = y by Newton from a point in the tail, where H is all but a straight line."""
    x = start
    for _ in range(8):
        x = x + (y - _minus_log_q(shape, x)) / _gamma_hazard(shape, x)
    return x


@dataclass(frozen=True, slots=True)
class LogLogistic(Distribution):
    """ln T is logistic: H(t) = ln(1 + (t / scale)^shape); scale is the median, the tail is a power law."""

    shape: float
    scale_h: float

    def __post_init__(self) -> None:
        require_positive("shape", self.shape)
        require_positive("scale_h", self.scale_h)

    @classmethod
    def from_median(cls, median_h: float, shape: float) -> LogLogistic:
        """Return the log-logistic with this median (hours, > 0) and shape (> 0)."""
        return cls(shape, median_h)

    def _ln_odds(self, age_h: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray(self.shape * (np.log(age_h) - math.log(self.scale_h)))

    def cumulative_hazard(self, age_h: Array) -> Array:
        return np.asarray(np.logaddexp(0.0, self._ln_odds(age_h)))

    def inverse_hazard(self, y: Array) -> Array:
        with np.errstate(divide="ignore", over="ignore"):
            ln_odds = y + np.log(-np.expm1(-np.asarray(y, dtype=np.float64)))  # ln(eʸ - 1) without overflow
            return np.asarray(self.scale_h * np.exp(ln_odds / self.shape))

    def hazard(self, age_h: Array) -> Array:
        with np.errstate(divide="ignore", over="ignore"):
            ln_odds = self._ln_odds(age_h)
            ln_ratio = (
                ln_odds - np.logaddexp(0.0, ln_odds) if self.shape >= 1.0 else -np.logaddexp(0.0, -ln_odds)
            )
            hazard = self.shape * np.exp(ln_ratio) / age_h
        return hazard

    @property
    def mean_h(self) -> float:
        if self.shape <= 1.0:
            return math.inf
        angle = math.pi / self.shape
        return self.scale_h * angle / math.sin(angle)

    @property
    def variance_h2(self) -> float:
        if self.shape <= 2.0:
            return math.inf
        angle = math.pi / self.shape
        return self.scale_h**2 * (2.0 * angle / math.sin(2.0 * angle) - (angle / math.sin(angle)) ** 2)

    def quantile(self, u: float) -> float:
        return self.scale_h * exp_or_inf(math.log(u / (1.0 - u)) / self.shape)

    def residual_h(self, age_h: float, exp1: float) -> float:
        if age_h <= 0.0 or exp1 > _Y_SCALAR_MAX:
            return Distribution.residual_h(self, age_h, exp1)
        ln_odds = self.shape * (math.log(age_h) - math.log(self.scale_h))
        # odds grow by the factor 1 + (1 + 1/odds)(eᵉ - 1); the life by its power 1/shape.
        inverse_odds = exp_or_inf(-ln_odds)
        growth = (1.0 + inverse_odds) * math.expm1(exp1)
        if not growth < math.inf:
            return Distribution.residual_h(self, age_h, exp1)
        ln_ratio = math.log1p(growth) / self.shape
        return (
            age_h * math.expm1(ln_ratio) if ln_ratio < 709.0 else Distribution.residual_h(self, age_h, exp1)
        )
