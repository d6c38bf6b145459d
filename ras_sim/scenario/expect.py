"""What a scenario expects of its own results: bounds on metrics, held by `ras-sim check`.

An amount is written in the unit of its metric: `85 %` or 0.85 for a share, `2 h` for a time, a bare number for a count.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from ras_sim.scenario.fields import Strict
from ras_sim.units import parse_duration_h, parse_fraction

Kind: TypeAlias = Literal["share", "time", "count"]
"""What a metric is made of, and so how its amounts are written."""

SHARES = frozenset({"goodput", "clean_goodput", "ettr", "cluster_goodput", "gpu_availability"})


_MAX_NUMBER = 1e300  # a whole number may have more digits than a float can hold


def _amount(value: object) -> float | str:
    """A number or a text; which of them its metric wants is checked when all of the scenario is known."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, float | int) or not abs(value) <= _MAX_NUMBER:
        raise ValueError("an amount in the unit of the metric, e.g. '85 %', '2 h', 20")
    return float(value)


Amount = Annotated[
    float | str,
    PlainValidator(_amount),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}],
            "unit": "amount in the unit of the metric",
            "examples": ["85 %", "2 h", 20],
        }
    ),
]


class Expectation(Strict):
    """What one metric must be. `ras-sim check` decides it with its sampling error."""

    at_least: Amount | None = Field(None, description="The mean over replications is not below this.")
    at_most: Amount | None = Field(None, description="The mean over replications is not above this.")
    no_worse_than_baseline_by: Amount | None = Field(
        None,
        description="The mean is not worse than that of the stored baseline by more than this: of a share in points "
        "(`1 %` of goodput is 0.01), of anything else in its unit, or `5 %` of the stored mean.",
    )

    @model_validator(mode="after")
    def _states_something(self) -> Expectation:
        if self.at_least is None and self.at_most is None and self.no_worse_than_baseline_by is None:
            raise ValueError("got no bound, want `at_least`, `at_most` or `no_worse_than_baseline_by`")
        return self


class Margin(NamedTuple):
    """How much worse than the baseline is allowed: in the unit of the metric, or as a share of the stored mean."""

    amount: float
    relative: bool

    def of(self, mean: float) -> float:
        """The margin in the unit of the metric, >= 0.

        >>> Margin(0.05, True).of(40.0)
        2.0
        """
        return self.amount * abs(mean) if self.relative else self.amount


def kind_of(metric: str) -> Kind:
    """What a metric is made of.

    >>> [kind_of(name) for name in ("ettr", "mtti_h", "time_h.restore", "rungs.rma.attempts")]
    ['share', 'time', 'time', 'count']
    """
    if metric in SHARES:
        return "share"
    return "time" if metric.partition(".")[0].endswith("_h") else "count"


def better(metric: str) -> int:
    """1 if more of a metric is better, -1 if less is, 0 if that cannot be said.

    >>> [better(name) for name in ("goodput", "time_h.productive", "time_h.repair", "rungs.rma.attempts")]
    [1, 1, -1, 0]
    """
    if metric in SHARES or metric in ("mtti_h", "time_h.productive"):
        return 1
    return 0 if metric.startswith(("rungs.", "faults_by_mode.")) else -1


def bound(metric: str, amount: float | str) -> float:
    """A bound as a number: a fraction, hours or a count.

    Raises: ValueError with what was got and what is wanted.

    >>> bound("ettr", "85 %"), bound("mtti_h", "90 min"), bound("interruptions", 400)
    (0.85, 1.5, 400.0)
    """
    kind = kind_of(metric)
    if kind == "share":
        return parse_fraction(amount)
    if kind == "time":
        return parse_duration_h(amount)
    if isinstance(amount, str) or amount < 0:
        raise ValueError(f"got {amount!r}, want a number >= 0")
    return float(amount)


def margin(metric: str, amount: float | str) -> Margin:
    """What may be lost against the baseline.

    Raises: ValueError with what was got and what is wanted.

    >>> margin("goodput", "1 %"), margin("mtti_h", "5 %"), margin("mtti_h", "10 min").relative
    (Margin(amount=0.01, relative=False), Margin(amount=0.05, relative=True), False)
    """
    relative = kind_of(metric) != "share" and isinstance(amount, str) and amount.rstrip().endswith("%")
    allowed = parse_fraction(amount) if relative else bound(metric, amount)
    if allowed == 0:
        raise ValueError(f"got {amount!r}, want more than 0: nothing random can be held to nothing")
    return Margin(allowed, relative)
