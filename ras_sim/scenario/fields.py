"""The kinds of value a person writes in a scenario: durations, rates, probabilities, distributions.

Each accepts the units of the field ("30 min", "450 FIT", "5 %") and holds what the simulator computes with (hours,
per hour, fractions).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ras_sim import units
from ras_sim.distributions import (
    Bathtub,
    Deterministic,
    Distribution,
    Empirical,
    Exponential,
    Gamma,
    Lognormal,
    LogLogistic,
    PiecewiseConstant,
    Uniform,
    Weibull,
)

Hours = Annotated[
    float,
    BeforeValidator(units.parse_duration_h),
    Field(json_schema_extra={"type": ["string", "number"], "examples": ["30 min", "54 d"]}),
]
PositiveHours = Annotated[Hours, Field(gt=0.0)]
RatePerHour = Annotated[
    float,
    BeforeValidator(units.parse_rate_per_h),
    Field(json_schema_extra={"type": ["string", "number"], "examples": ["450 FIT", "MTBF 5 years", "AFR 2 %"]}),
]
Bytes = Annotated[
    float,
    BeforeValidator(units.parse_bytes),
    Field(json_schema_extra={"type": ["string", "number"], "examples": ["80 GB", "4 TiB"]}),
]
BytesPerHour = Annotated[
    float,
    BeforeValidator(units.parse_bandwidth_bytes_per_h),
    Field(json_schema_extra={"type": ["string", "number"], "examples": ["400 Gb/s", "100 GB/s"]}),
]
Fraction = Annotated[
    float,
    BeforeValidator(units.parse_fraction),
    Field(ge=0.0, le=1.0, json_schema_extra={"type": ["string", "number"], "examples": ["5 %", 0.05]}),
]
Source = Annotated[
    str,
    Field(description="Where the numbers come from; `assumed` where there is no public source.", min_length=1),
]


class Strict(BaseModel):
    """Base of everything a person writes: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ExponentialSpec(Strict):
    """Constant hazard."""

    kind: Literal["exponential"]
    mean: PositiveHours

    def build(self) -> Distribution:
        return Exponential(1.0 / self.mean)


class WeibullSpec(Strict):
    """Hazard falling (shape < 1) or rising (shape > 1) with age."""

    kind: Literal["weibull"]
    shape: float = Field(gt=0.0)
    mean: PositiveHours

    def build(self) -> Distribution:
        return Weibull.from_mean(self.shape, self.mean)


class LognormalSpec(Strict):
    """The logarithm is normal with standard deviation `sigma`."""

    kind: Literal["lognormal"]
    median: PositiveHours
    sigma: float = Field(gt=0.0)

    def build(self) -> Distribution:
        return Lognormal.from_median(self.median, self.sigma)


class GammaSpec(Strict):
    """Gamma with the given shape and mean."""

    kind: Literal["gamma"]
    shape: float = Field(gt=0.0)
    mean: PositiveHours

    def build(self) -> Distribution:
        return Gamma.from_mean(self.shape, self.mean)


class LogLogisticSpec(Strict):
    """Log-logistic with the given shape and median."""

    kind: Literal["loglogistic"]
    shape: float = Field(gt=0.0)
    median: PositiveHours

    def build(self) -> Distribution:
        return LogLogistic.from_median(self.shape, self.median)


class BathtubSpec(Strict):
    """Infant mortality, a constant rate and wear-out: the sum of three hazards."""

    kind: Literal["bathtub"]
    infant_shape: float = Field(gt=0.0, lt=1.0)
    infant_scale: PositiveHours
    rate: RatePerHour
    wear_shape: float = Field(gt=1.0)
    wear_scale: PositiveHours

    def build(self) -> Distribution:
        return Bathtub(self.infant_shape, self.infant_scale, self.rate, self.wear_shape, self.wear_scale)


class PiecewiseConstantSpec(Strict):
    """Constant rates between ages: `rates` has one entry more than `edges`; the last one goes on."""

    kind: Literal["piecewise_constant"]
    edges: tuple[Hours, ...]
    rates: tuple[RatePerHour, ...]

    @model_validator(mode="after")
    def _lengths(self) -> PiecewiseConstantSpec:
        self.build()
        return self

    def build(self) -> Distribution:
        return PiecewiseConstant(self.edges, self.rates)


class EmpiricalSpec(Strict):
    """Observed times; the distribution function is interpolated between them."""

    kind: Literal["empirical"]
    values: tuple[Hours, ...] = Field(min_length=1, max_length=10_000)

    def build(self) -> Distribution:
        return Empirical(tuple(sorted(self.values)))


class DeterministicSpec(Strict):
    """Always the same."""

    kind: Literal["deterministic"]
    value: Hours

    def build(self) -> Distribution:
        return Deterministic(self.value)


class UniformSpec(Strict):
    """Anything between `low` and `high`, equally likely."""

    kind: Literal["uniform"]
    low: Hours
    high: Hours

    @model_validator(mode="after")
    def _ordered(self) -> UniformSpec:
        self.build()
        return self

    def build(self) -> Distribution:
        return Uniform(self.low, self.high)


_AnySpec = Annotated[
    ExponentialSpec
    | WeibullSpec
    | LognormalSpec
    | GammaSpec
    | LogLogisticSpec
    | BathtubSpec
    | PiecewiseConstantSpec
    | EmpiricalSpec
    | DeterministicSpec
    | UniformSpec,
    Field(discriminator="kind"),
]


def _from_plain(value: Any) -> Any:
    """A bare duration ("10 min") is a distribution that always takes that value."""
    return {"kind": "deterministic", "value": value} if isinstance(value, str | int | float) else value


Duration = Annotated[
    _AnySpec,
    BeforeValidator(_from_plain, json_schema_input_type=_AnySpec | str | float),
]
"""A random time: a distribution, or a bare duration for one that does not vary."""
