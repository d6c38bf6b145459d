"""The points of a sweep: for each the scenario with its values set, and where it lies on the axes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ras_sim.errors import InputError, Problem
from ras_sim.experiment.factors import Factor, Row
from ras_sim.experiment.origin import key_of
from ras_sim.scenario.keypath import split_key
from ras_sim.scenario.load import load, loads
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.uncertain import quantity

_MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a sweep.

    Args:
        index: from 0, in the order of the design.
        values: of each factor, as they were written.
        scenario: with these values.
        resolved_hash: SHA-256 of every value of the scenario; equal where `Scenario.content_hash` is, and a hundred
            times as quick to make.
    """

    index: int
    values: Row
    scenario: Scenario
    resolved_hash: str

    def key(self, seed: int, replications: range) -> str:
        """What its results depend on, as 32 hexadecimal digits: equal keys are equal results."""
        return key_of(self.resolved_hash, seed, replications.start, len(replications))


@dataclass(frozen=True, slots=True)
class Axis:
    """Where the points lie along one factor.

    Args:
        key: dotted path.
        unit: of `levels`, "" for plain numbers; None if the values are no numbers of one unit.
        levels: of each point a number, or the text as written if `unit` is None.
    """

    key: str
    unit: str | None
    levels: tuple[float, ...] | tuple[str, ...]

    @property
    def label(self) -> str:
        """The last two names of the path."""
        return ".".join(self.key.split(".")[-2:])


def points_of(
    base: str | Path | Scenario,
    factors: Sequence[Factor],
    rows: Sequence[Row],
    overrides: Sequence[str] = (),
    said_by: str = "--vary",
    *,
    allow_code: bool = False,
) -> tuple[Point, ...]:
    """Read the scenario once for each point.

    Args:
        base: the file, or a scenario that was read before.
        factors: what is varied.
        rows: of each point the values.
        overrides: `key.path=value`, set at every point.
        said_by: where the values come from, for messages: an option, or a block of the scenario.
        allow_code: see `ras_sim.load`; a scenario that was read before keeps what it was allowed.

    Raises:
        InputError: what is wrong with them, each once; stops looking after some twenty.
    """
    points: list[Point] = []
    text = (
        base.resolved_text if isinstance(base, Scenario) else ""
    )  # once: writing it takes longer than reading it
    problems: dict[Problem, None] = {}
    for row in rows:
        sets = [f"{factor.key}={value}" for factor, value in zip(factors, row, strict=True)]
        try:
            scenario = _scenario(base, text, (*overrides, *sets), allow_code)
            points.append(Point(len(points), row, scenario, _hash(scenario)))
        except InputError as error:
            problems |= dict.fromkeys(_blaming(factors, sets, one, said_by) for one in error.problems)
            if len(problems) >= _MAX_PROBLEMS:
                break
    if problems:
        raise InputError(problems)
    return tuple(points)


def _scenario(base: str | Path | Scenario, text: str, sets: Sequence[str], allow_code: bool) -> Scenario:
    if isinstance(base, Scenario):
        return loads(text, base.name, sets, allow_code=allow_code or base.allows_code, folder=base.folder)
    return load(base, sets, allow_code=allow_code)


def _hash(scenario: Scenario) -> str:
    # Not sorted: the order of the rungs of a ladder is a value.
    return hashlib.sha256(json.dumps(scenario.resolved()).encode()).hexdigest()


def _blaming(factors: Sequence[Factor], sets: Sequence[str], problem: Problem, said_by: str) -> Problem:
    """The problem with the option it came from; where it stands in the file, with the values of the point."""
    for factor, text in zip(factors, sets, strict=True):
        if problem.file.startswith(f"--set {text[:200]!r}"[:-1]):
            return replace(problem, file=f"{said_by} {factor.key}")
    if problem.file.startswith("--set "):
        return problem
    at = f"at {said_by} {', '.join(sets)}"
    return replace(problem, hint=f"{problem.hint}; {at}" if problem.hint else at)


def axes_of(factors: Sequence[Factor], points: Sequence[Point]) -> tuple[Axis, ...]:
    """Of each factor where the points lie, in the unit of the resolved scenario where that is one number."""
    resolved = [point.scenario.resolved() for point in points]
    axes = []
    for number, factor in enumerate(factors):
        found = [quantity(tree, split_key(factor.key, tree)) for tree in resolved]
        numbers = [one for one in found if one is not None]
        units = {unit for _, unit in numbers}
        if len(numbers) == len(points) and len(units) == 1:
            axes.append(Axis(factor.key, units.pop(), tuple(value for value, _ in numbers)))
        else:
            axes.append(Axis(factor.key, None, tuple(point.values[number] for point in points)))
    return tuple(axes)
