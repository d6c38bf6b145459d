"""What a scenario expects of its own results: bounds on metrics, held by `ras-sim check`.

How an amount is written depends on its metric (`ras_sim.scenario.amounts`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from ras_sim.scenario.fields import Strict

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
