"""The range of an uncertain number in the unit that the simulator computes with."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from ras_sim.scenario.keypath import split_key
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.uncertain import Uncertainty, quantity

NOT_VARIED = frozenset({"name", "description", "published", "expect", "uncertain"})
"""What a scenario says besides what happens."""


@dataclass(frozen=True, slots=True)
class Range:
    """Between which values a number lies.

    Args:
        low, high: low < high, in `unit`.
        unit: of the resolved scenario: h, /h, B ...; "" for a plain number.
        is_whole: the key takes whole numbers only.
        is_log: the logarithms of the values are equally likely, not the values; then low > 0.
    """

    low: float
    high: float
    unit: str
    is_whole: bool
    is_log: bool


class WrongRangeError(ValueError):
    """A range that its key cannot have.

    Args:
        part: the key of the range that is at fault.
        wanted: what would have been good.
        got: what was found; None for the value as its author wrote it.
    """

    def __init__(self, part: str, wanted: str, got: str | None = None) -> None:
        self.part, self.wanted, self.got = part, wanted, got
        super().__init__(part, wanted, got)


def numbers(tree: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The paths of all numbers of a resolved scenario that something may depend on."""
    for name, value in tree.items():
        if not prefix and name in NOT_VARIED:
            continue
        if isinstance(value, dict):
            yield from numbers(value, f"{prefix}{name}.")
        elif quantity(tree, (name,)) is not None:
            yield f"{prefix}{name}"


def stated_range(scenario: Scenario, tree: dict[str, Any], key: str, stated: Uncertainty) -> Range:
    """The range that a scenario states of one of its numbers.

    Args:
        scenario: the scenario.
        tree: its resolved values.
        key: one of `numbers(tree)`.
        stated: what it says.

    Raises:
        WrongRangeError: an end that the key cannot take, or ends that are no range.
    """
    path = split_key(key, tree)
    _, unit = quantity(tree, path) or (0.0, "")
    is_whole = isinstance(_at(tree, path), int)
    if stated.factor is None:
        ends = [read_end(scenario, tree, path, name, getattr(stated, name)) for name in ("low", "high")]
        low, high = ends[0], ends[1]
        if low >= high:
            raise WrongRangeError("low", f"less than high, {stated.high}")
    else:
        low, high = _around(scenario, tree, path, stated.factor, is_whole)
    if stated.is_log and low <= 0:
        part = "low" if stated.factor is None else "factor"
        raise WrongRangeError(part, "a range above 0 for the law log_uniform")
    return Range(low, high, unit, is_whole, stated.is_log)


def _around(
    scenario: Scenario, tree: dict[str, Any], path: Sequence[str], factor: float, is_whole: bool
) -> tuple[float, float]:
    """Both ends of value / factor to value x factor, each of which the key can take."""
    value, unit = quantity(tree, path) or (0.0, "")
    if value <= 0:
        raise WrongRangeError("factor", "`low` and `high`: the value itself is not above 0")
    ends = [value / factor, value * factor]
    if is_whole:
        ends = [float(math.ceil(ends[0])), float(math.floor(ends[1]))]
        if ends[0] >= ends[1]:
            raise WrongRangeError(
                "factor", f"`low` and `high`: no other whole number is that near to {value:g}"
            )
    for end in ends:
        written = int(end) if is_whole else f"{end!r} {unit}" if unit else end
        read_end(scenario, tree, path, "factor", written)
    return ends[0], ends[1]


def _at(tree: Any, path: Sequence[str]) -> Any:
    for name in path:
        tree = tree[name]
    return tree


def read_end(scenario: Scenario, tree: dict[str, Any], path: Sequence[str], part: str, end: Any) -> float:
    """An end in the unit of the resolved scenario, read by the block that holds the key, without any cross check.

    Args:
        scenario: the scenario.
        tree: its resolved values.
        path: names that lead to the key, which is there.
        part: what the end is called, for messages.
        end: as a person writes it.

    Raises: WrongRangeError if that block cannot take it.
    """
    block, depth = _block(scenario, path)
    data = copy.deepcopy(_at(tree, path[:depth]))
    _at(data, path[depth:-1])[path[-1]] = end
    try:
        taken = block.model_validate(data).model_dump(mode="json", exclude_none=True)
    except ValidationError as error:
        got = f"{end!r} for {'.'.join(path)}" if part == "factor" else None
        raise WrongRangeError(part, _wanted(error), got) from None
    found = quantity(taken, path[depth:])
    if found is None:
        raise WrongRangeError(part, "a number, or an amount with its unit")
    return found[0]


def _block(scenario: Scenario, path: Sequence[str]) -> tuple[type[BaseModel], int]:
    """The innermost model that holds a key, and how many names lead there: reading that alone is quick."""
    node: Any = scenario
    found: tuple[type[BaseModel], int] = (type(scenario), 0)
    for place, name in enumerate(path):
        if isinstance(node, BaseModel):
            found = (type(node), place)
        node = node[name] if isinstance(node, dict) else getattr(node, name)
    return found


def _wanted(error: ValidationError) -> str:
    """What was wanted, in the words of the first error."""
    detail = error.errors(include_url=False)[0]
    said = str(detail.get("ctx", {}).get("error", detail["msg"]))
    return said.rpartition("want ")[2].removeprefix("Input should be ")
