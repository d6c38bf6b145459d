"""What a lifetime or a duration is: its cumulative hazard, and everything that follows from it.

With H(t) the cumulative hazard, survival is S(t) = exp(-H(t)), a life is T = H⁻¹(E) with E a unit
exponential, and the life that is left at age a is H⁻¹(H(a) + E) - a. The inverse is right-continuous:
H⁻¹(y) = inf{t : H(t) > y}, infinite where H never exceeds y.

Source: Cox & Oakes, "Analysis of Survival Data" (1984), sections 2.2-2.3.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ras_sim.streams import uniform

Array = NDArray[np.float64]


def require_positive(name: str, value: float) -> None:
    """Raise ValueError unless 0 < value < inf."""
    if not 0.0 < value < math.inf:
        raise ValueError(f"{name}: got {value!r}, want a finite number > 0")


def require_non_negative(name: str, value: float) -> None:
    """Raise ValueError unless 0 <= value < inf."""
    if not 0.0 <= value < math.inf:
        raise ValueError(f"{name}: got {value!r}, want a finite number >= 0")


def exp_or_inf(x: float) -> float:
    """Return eˣ, or inf where a float cannot hold it (``math.exp`` raises there)."""
    return math.exp(x) if x < 709.0 else math.inf


def power(base: float, exponent: float) -> float:
    """Return base to the exponent (> 0), or inf where a float cannot hold it; base >= 0."""
    return exp_or_inf(exponent * math.log(base)) if base > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class Distribution(ABC):
    """A positive random time in hours, given by its cumulative hazard H(t)."""

    @abstractmethod
    def cumulative_hazard(self, age_h: Array) -> Array:
        """Return H at each age.

        Args:
            age_h: hours, any shape, >= 0.

        Returns:
            H(age), no unit, same shape, >= 0, never falling; inf past the end of life.
        """

    @abstractmethod
    def inverse_hazard(self, y: Array) -> Array:
        """Return the age at which the cumulative hazard passes y.

        Args:
            y: cumulative hazard, any shape, >= 0.

        Returns:
            hours, same shape: inf{t : H(t) > y}; inf where H never exceeds y.
        """

    @abstractmethod
    def hazard(self, age_h: Array) -> Array:
        """Return the hazard rate h = dH/dt at each age.

        Args:
            age_h: hours, any shape, >= 0.

        Returns:
            per hour, same shape, >= 0; inf where H jumps or has no finite slope.
        """

    @property
    @abstractmethod
    def mean_h(self) -> float:
        """Expected value in hours; inf where it does not exist."""

    @property
    @abstractmethod
    def variance_h2(self) -> float:
        """Variance in hours squared; inf where it does not exist."""

    @property
    def memoryless(self) -> bool:
        """Whether the life that is left never depends on age: the exponential law, however it is written."""
        return False

    def cumulative_at(self, age_h: float) -> float:
        """Return H at one age (hours, >= 0)."""
        return float(self.cumulative_hazard(np.array([age_h]))[0])

    def quantile(self, u: float) -> float:
        """Return the time by which a fraction u has failed: H⁻¹(-ln(1 - u)).

        Args:
            u: probability, 0 < u < 1.

        Returns:
            hours, >= 0.
        """
        return float(self.inverse_hazard(np.array([-math.log1p(-u)]))[0])

    def draw(self, key: int, ordinal: int) -> float:
        """Return the time that belongs to one keyed draw.

        Args:
            key, ordinal: the address of the draw, as for `ras_sim.streams.uniform`.

        Returns:
            hours, >= 0.
        """
        return self.quantile(uniform(key, ordinal))

    def residual_h(self, age_h: float, exp1: float) -> float:
        """Return the life that is left at an age: H⁻¹(H(age) + exp1) - age.

        Args:
            age_h: hours already lived, >= 0.
            exp1: a unit exponential draw (divided by the frailty of the part, if it has one), > 0.

        Returns:
            hours, >= 0; 0 for an age at or past the end of life.
        """
        y = self.cumulative_hazard(np.array([age_h])) + exp1
        return max(0.0, float(self.inverse_hazard(y)[0]) - age_h)

    def scaled(self, rate_factor: float) -> Distribution:
        """Return the distribution whose hazard is ``rate_factor`` times this one at every age.

        Args:
            rate_factor: no unit, > 0.

        Raises:
            ValueError: when the factor is not a finite number > 0.
        """
        return ProportionalHazard(self, rate_factor)


def moments_from_inverse(distribution: Distribution) -> tuple[float, float]:
    """Integrate mean and variance of a distribution that has no closed form for them.

    E[Tⁿ] = ∫ H⁻¹(y)ⁿ e⁻ʸ dy, by the trapezoid rule in s = ln y, where the integrand dies off at both ends.

    Args:
        distribution: any; its ``inverse_hazard`` is called once.

    Returns:
        (mean in hours, variance in hours squared); inf where the integrand does not die off.
    """
    s = np.linspace(-80.0, math.log(700.0), 20_001)
    y = np.exp(s)
    with np.errstate(divide="ignore", over="ignore"):
        log_time = np.log(distribution.inverse_hazard(y))
        terms = [np.exp(order * log_time - y + s) for order in (1, 2)]
    step = float(s[1] - s[0])
    mean, second = (
        math.inf if term[-1] > 1e-12 * term.max() or not np.isfinite(term).all() else float(term.sum()) * step
        for term in terms
    )
    return mean, math.inf if math.isinf(second) else second - mean * mean


@dataclass(frozen=True, slots=True)
class ProportionalHazard(Distribution):
    """Another distribution with its hazard multiplied: H(t) = factor · H₀(t).

    Source: Cox, "Regression models and life-tables", J. R. Stat. Soc. B 34 (1972), equation (9).
    """

    base: Distribution
    rate_factor: float

    def __post_init__(self) -> None:
        require_positive("rate_factor", self.rate_factor)

    def cumulative_hazard(self, age_h: Array) -> Array:
        return self.rate_factor * self.base.cumulative_hazard(age_h)

    def inverse_hazard(self, y: Array) -> Array:
        return self.base.inverse_hazard(y / self.rate_factor)

    def hazard(self, age_h: Array) -> Array:
        return self.rate_factor * self.base.hazard(age_h)

    @property
    def mean_h(self) -> float:
        return moments_from_inverse(self)[0]

    @property
    def variance_h2(self) -> float:
        return moments_from_inverse(self)[1]

    @property
    def memoryless(self) -> bool:
        return self.base.memoryless

    def quantile(self, u: float) -> float:
        return self.residual_h(0.0, -math.log1p(-u))

    def residual_h(self, age_h: float, exp1: float) -> float:
        return self.base.residual_h(age_h, exp1 / self.rate_factor)

    def scaled(self, rate_factor: float) -> Distribution:
        return ProportionalHazard(self.base, self.rate_factor * rate_factor)
