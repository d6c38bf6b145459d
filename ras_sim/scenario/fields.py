"""The kinds of value a person writes in a scenario: durations, rates, probabilities, distributions.

Each accepts the units of the field ("30 min", "450 FIT", "5 %") and holds what the simulator computes with
(hours, per hour, fractions, money).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    WrapSerializer,
    model_validator,
)
from pydantic import Strict as StrictType
from typing_extensions import TypeAliasType

from ras_sim import units
from ras_sim.distributions import (
    Bathtub,
    Deterministic,
    Distribution,
    Empirical,
    Exponential,
    Gamma,
    LogLogistic,
    Lognormal,
    PiecewiseConstant,
    Uniform,
    Weibull,
)

_NUMBER = r"[+]?[0-9.,]+([eE][+-]?[0-9]+)?"


def _written(unit: str) -> PlainSerializer:
    """Writes a number with its unit, so that reading it again gives the same number to the last bit."""
    return PlainSerializer(lambda number: f"{number!r} {unit}", return_type=str, when_used="json")


def _quantity(unit: str, pattern: str, *examples: str) -> WithJsonSchema:
    """What an editor checks: a text of that pattern, or a bare 0."""
    schema = {"anyOf": [{"type": "string", "pattern": pattern}, {"const": 0}]}
    return WithJsonSchema({**schema, "unit": unit, "examples": list(examples)})


Hours = Annotated[
    float,
    BeforeValidator(units.parse_duration_h),
    _written("h"),
    _quantity("time", rf"^ *{_NUMBER} *[A-Za-zµμ]+ *$", "30 min", "1.5 h", "54 d"),
]
PositiveHours = Annotated[Hours, Field(gt=0.0)]
RatePerHour = Annotated[
    float,
    BeforeValidator(units.parse_rate_per_h),
    _written("/h"),
    _quantity(
        "rate",
        rf"^ *([A-Za-z]+ )?{_NUMBER} *[A-Za-z%/].*$",
        "450 FIT",
        "MTBF 5 years",
        "AFR 2 %",
        "0.061 per GPU-year",
    ),
]
Bytes = Annotated[
    float,
    BeforeValidator(units.parse_bytes),
    _written("B"),
    _quantity("size", rf"^ *{_NUMBER} *([kKMGTP]i?)?(B|bytes?) *$", "80 GB", "4 TiB"),
]
BytesPerHour = Annotated[
    float,
    BeforeValidator(units.parse_bandwidth_bytes_per_h),
    _written("B/h"),
    _quantity("bandwidth", rf"^ *{_NUMBER} *([kKMGTP]i?)?(B|b|bit)(/s|ps|/h) *$", "400 Gb/s", "100 GB/s"),
]
Fraction = Annotated[
    float,
    BeforeValidator(units.parse_fraction),
    Field(ge=0.0, le=1.0),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": rf"^ *{_NUMBER} *%? *$"},
            ],
            "unit": "fraction",
            "examples": ["5 %", 0.05],
        }
    ),
]
_PER = r"(/|per) *"
Watts = Annotated[
    float,
    BeforeValidator(units.parse_power_w),
    _written("W"),
    _quantity("power", rf"^ *{_NUMBER} *[kM]?W *$", "700 W", "1.2 kW"),
]
Price = Annotated[
    float,
    BeforeValidator(units.parse_price),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": rf"^ *{_NUMBER} *$"}],
            "unit": "money",
            "examples": [25000, "25,000"],
        }
    ),
]
PricePerHour = Annotated[
    float,
    BeforeValidator(units.parse_price_per_h),
    _written("/h"),
    _quantity(
        "money per time",
        rf"^ *{_NUMBER} *{_PER}({_NUMBER} )?[A-Za-z].*$",
        "2.50 per GPU-hour",
        "30,000 per 4 years",
    ),
]
PricePerKwh = Annotated[
    float,
    BeforeValidator(units.parse_price_per_kwh),
    _written("per kWh"),
    _quantity("money per energy", rf"^ *{_NUMBER} *{_PER}[kM]Wh *$", "0.08 per kWh", "80 per MWh"),
]
Source = Annotated[
    str,
    Field(
        description="Where the numbers come from; `assumed` where there is no public source.", min_length=1
    ),
]


class Strict(BaseModel):
    """Base of everything a person writes: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class DistributionSpec(Strict):
    """A distribution as a person writes it: buildable, or an error at once."""

    @abstractmethod
    def build(self) -> Distribution:
        """The distribution itself."""

    @model_validator(mode="after")
    def _buildable(self) -> Self:
        try:
            mean_h = self.build().mean_h
        except ArithmeticError:
            mean_h = math.nan
        if math.isnan(mean_h):
            raise ValueError("got parameters that numbers cannot hold, want less extreme ones")
        return self


class ExponentialSpec(DistributionSpec):
    """Constant hazard."""

    kind: Literal["exponential"]
    mean: PositiveHours

    def build(self) -> Distribution:
        return Exponential(1.0 / self.mean)


class WeibullSpec(DistributionSpec):
    """Hazard falling (shape < 1) or rising (shape > 1) with age."""

    kind: Literal["weibull"]
    shape: float = Field(gt=0.0)
    mean: PositiveHours

    def build(self) -> Distribution:
        return Weibull.from_mean(self.shape, self.mean)


class LognormalSpec(DistributionSpec):
    """The logarithm is normal with standard deviation `sigma`."""

    kind: Literal["lognormal"]
    median: PositiveHours
    sigma: float = Field(gt=0.0)

    def build(self) -> Distribution:
        return Lognormal.from_median(self.median, self.sigma)


class GammaSpec(DistributionSpec):
    """Gamma with the given shape and mean."""

    kind: Literal["gamma"]
    shape: float = Field(gt=0.0)
    mean: PositiveHours

    def build(self) -> Distribution:
        return Gamma.from_mean(self.shape, self.mean)


class LogLogisticSpec(DistributionSpec):
    """Log-logistic with the given shape and median."""

    kind: Literal["loglogistic"]
    shape: float = Field(gt=0.0)
    median: PositiveHours

    def build(self) -> Distribution:
        return LogLogistic.from_median(self.median, self.shape)


class BathtubSpec(DistributionSpec):
    """Infant mortality, a constant rate and wear-out: the sum of three hazards."""

    kind: Literal["bathtub"]
    infant_shape: float = Field(gt=0.0, lt=1.0)
    infant_scale: PositiveHours
    rate: RatePerHour
    wear_shape: float = Field(gt=1.0)
    wear_scale: PositiveHours

    def build(self) -> Distribution:
        return Bathtub(self.infant_shape, self.infant_scale, self.rate, self.wear_shape, self.wear_scale)


class PiecewiseConstantSpec(DistributionSpec):
    """Constant rates between ages: each of `rates` begins at its edge, the first at 0; the last goes on."""

    kind: Literal["piecewise_constant"]
    edges: Annotated[tuple[Hours, ...], StrictType(False)] = Field(max_length=10_000)
    rates: Annotated[tuple[RatePerHour, ...], StrictType(False)] = Field(max_length=10_000)

    def build(self) -> Distribution:
        return PiecewiseConstant(self.edges, self.rates)


class EmpiricalSpec(DistributionSpec):
    """Observed times; the distribution function is interpolated between them."""

    kind: Literal["empirical"]
    values: Annotated[tuple[Hours, ...], StrictType(False)] = Field(min_length=1, max_length=10_000)

    def build(self) -> Distribution:
        return Empirical(tuple(sorted(self.values)))


class DeterministicSpec(DistributionSpec):
    """Always the same."""

    kind: Literal["deterministic"]
    value: Hours

    def build(self) -> Distribution:
        return Deterministic(self.value)


class UniformSpec(DistributionSpec):
    """Anything between `low` and `high`, equally likely."""

    kind: Literal["uniform"]
    low: Hours
    high: Hours

    def build(self) -> Distribution:
        if self.high <= self.low:
            raise ValueError("high: want more than `low`")
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


def _to_plain(spec: Any, handler: SerializerFunctionWrapHandler) -> Any:
    """A time that does not vary is written as people write it."""
    data = handler(spec)
    return data["value"] if data["kind"] == "deterministic" else data


Duration = TypeAliasType(
    "Duration",
    Annotated[
        _AnySpec,
        WrapSerializer(_to_plain, when_used="json"),
        BeforeValidator(_from_plain, json_schema_input_type=_AnySpec | Hours),
    ],
)
"""A random time: a distribution, or a bare duration for one that does not vary."""
