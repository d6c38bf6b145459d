"""What a scenario says of its own numbers: between which values each may truly lie. Read by `ras-sim sensitivity`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from ras_sim.scenario.fields import Source, Strict

Law: TypeAlias = Literal["uniform", "log_uniform"]
"""How likely the values of a range are: equally, or equally in their logarithm."""

_MAX_NUMBER = 1e300
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?: (\S.*))?", re.IGNORECASE | re.ASCII)


def _end(value: object) -> int | float | str:
    """A number or a text; which of them the key wants is checked when all of the scenario is known."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, float | int) or not abs(value) <= _MAX_NUMBER:
        raise ValueError("an amount as the key itself takes it, e.g. '5 min', 0.2, 4")
    return value


End = Annotated[
    int | float | str,
    PlainValidator(_end),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number"}, {"type": "string"}],
            "unit": "amount as the key itself takes it",
            "examples": ["5 min", 0.2, 4],
        }
    ),
]


class Uncertainty(Strict):
    """Between which values one number of the scenario may truly lie."""

    low: End | None = Field(None, description="Lower end, written as the key itself is.")
    high: End | None = Field(None, description="Upper end, written as the key itself is.")
    factor: float | None = Field(
        None,
        gt=1.0,
        le=1e6,
        description="In place of both ends: from the value / factor to the value x factor.",
    )
    law: Law | None = Field(
        None,
        description="Values between the ends are equally likely (`uniform`: so if nothing is said, with `low` and "
        "`high`), or their logarithms are (`log_uniform`: so if nothing is said, with `factor`).",
    )
    source: Source

    @model_validator(mode="after")
    def _states_a_range(self) -> Uncertainty:
        ends = [end is not None for end in (self.low, self.high)]
        if self.factor is not None and any(ends):
            raise ValueError("factor: got an end beside it, want the one or the other")
        if self.factor is None and not all(ends):
            raise ValueError("got no range, want `low` and `high`, or `factor`")
        return self

    @property
    def is_log(self) -> bool:
        """Whether the logarithms of the values are equally likely."""
        return self.law == "log_uniform" or (self.law is None and self.factor is not None)


def quantity(tree: Any, path: Sequence[str]) -> tuple[float, str] | None:
    """(number, unit) at a key of a resolved scenario; None if there is no number.

    >>> quantity({"a": {"b": "0.5 h"}}, ["a", "b"]), quantity({"a": 3}, ["a"]), quantity({"a": "x"}, ["b"])
    ((0.5, 'h'), (3.0, ''), None)
    """
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    if isinstance(tree, bool) or tree is None:
        return None
    if isinstance(tree, int | float):
        return float(tree), ""
    match = _QUANTITY.fullmatch(str(tree))
    return None if match is None else (float(match[1]), match[2] or "")
