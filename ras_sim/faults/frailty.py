"""Frailty: some parts of a class are weaker than others (lemons). A part's hazard is z h(age), z its frailty.

A kind of frailty is its Laplace transform L(s) = E[exp(-z s)]. A part whose frailty nobody knows fails with the
*marginal* cumulative hazard M = -ln L(H); once it has failed at H, its frailty follows the posterior given that.
Source: Hougaard, Analysis of Multivariate Survival Data, 2000, ch. 7; docs/model.md, "Lemons".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ras_sim.distributions import Array

_BISECTIONS = 60


class Frailty(Protocol):
    """What arrivals need of a kind of frailty. `cumulative` below means H(age) of a part with z = 1."""

    def marginal(self, cumulative: Array) -> Array:
        """M(H), the cumulative hazard of a part drawn at random, same shape, >= 0."""

    def inverse_marginal(self, marginal: Array) -> Array:
        """H such that M(H) = marginal, same shape."""

    def posterior(self, u: float, cumulative: float) -> float:
        """Frailty of a part that failed at H = cumulative, as the u-quantile; u in (0, 1)."""

    def prior(self, u: float) -> float:
        """Frailty of a new part, as the u-quantile; u in (0, 1)."""


@dataclass(frozen=True, slots=True)
class GammaFrailty:
    """z ~ Gamma with mean 1 and the given variance, > 0; M(H) = ln(1 + variance H) / variance (Lomax)."""

    variance: float

    def marginal(self, cumulative: Array) -> Array:
        return np.log1p(self.variance * cumulative) / self.variance

    def inverse_marginal(self, marginal: Array) -> Array:
        return np.expm1(self.variance * marginal) / self.variance

    def posterior(self, u: float, cumulative: float) -> float:
        """One failure and exposure H: Gamma(1/v + 1, rate 1/v + H)."""
        shape = 1.0 / self.variance
        return _gamma_quantile(u, shape + 1.0) / (shape + cumulative)

    def prior(self, u: float) -> float:
        shape = 1.0 / self.variance
        return _gamma_quantile(u, shape) / shape


@dataclass(frozen=True, slots=True)
class TwoPointFrailty:
    """A fraction of the parts has `factor` times the hazard of the others (z = factor or 1).

    L(s) = (1 - fraction) exp(-s) + fraction exp(-factor s).
    """

    fraction: float
    factor: float

    def marginal(self, cumulative: Array) -> Array:
        good = np.log1p(-self.fraction) - cumulative
        bad = math.log(self.fraction) - self.factor * cumulative
        marginal: Array = -np.logaddexp(good, bad)
        return marginal

    def inverse_marginal(self, marginal: Array) -> Array:
        """Bisection between the bounds M/max(z) <= H <= M/min(z), then exact to rounding."""
        low = marginal / max(1.0, self.factor)
        high = marginal / min(1.0, self.factor)
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            below = self.marginal(middle) < marginal
            low = np.where(below, middle, low)
            high = np.where(below, high, middle)
        return 0.5 * (low + high)

    def posterior(self, u: float, cumulative: float) -> float:
        """P(lemon | failed at H) = f k exp(-kH) / (f k exp(-kH) + (1-f) exp(-H))."""
        odds = (self.fraction * self.factor) / (1.0 - self.fraction)
        odds *= math.exp(min(700.0, (1.0 - self.factor) * cumulative))
        return self.factor if u < odds / (1.0 + odds) else 1.0

    def prior(self, u: float) -> float:
        return self.factor if u < self.fraction else 1.0


def _gamma_quantile(u: float, shape: float) -> float:
    """u-quantile of Gamma(shape, 1)."""
    from scipy.special import gammaincinv

    return float(gammaincinv(shape, u))


FRAILTIES: dict[str, type[GammaFrailty] | type[TwoPointFrailty]] = {
    "gamma": GammaFrailty,
    "two_point": TwoPointFrailty,
}
"""Every kind a scenario may name."""
