"""Lifetimes and durations: each kind is one class given by its cumulative hazard, named in ``KINDS``.

To add a kind: write the class in ``parametric.py`` or ``composite.py`` and give it a line in ``KINDS``.
"""

from __future__ import annotations

from ras_sim.distributions.base import Array, Distribution, ProportionalHazard
from ras_sim.distributions.composite import Bathtub, Deterministic, Empirical, PiecewiseConstant, Uniform
from ras_sim.distributions.parametric import Exponential, Gamma, LogLogistic, Lognormal, Weibull

KINDS: dict[str, type[Distribution]] = {
    "exponential": Exponential,
    "weibull": Weibull,
    "lognormal": Lognormal,
    "gamma": Gamma,
    "loglogistic": LogLogistic,
    "bathtub": Bathtub,
    "piecewise_constant": PiecewiseConstant,
    "empirical": Empirical,
    "deterministic": Deterministic,
    "uniform": Uniform,
}
"""Every kind a scenario may name."""

__all__ = [
    "KINDS",
    "Array",
    "Bathtub",
    "Deterministic",
    "Distribution",
    "Empirical",
    "Exponential",
    "Gamma",
    "LogLogistic",
    "Lognormal",
    "PiecewiseConstant",
    "ProportionalHazard",
    "Uniform",
    "Weibull",
]
