"""Numbers of a scenario that may be others: what it states as uncertain itself, and what is varied on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ras_sim.errors import InputError, Problem
from ras_sim.experiment.factors import Factor, Span, parse_factors
from ras_sim.experiment.points import Point, points_of
from ras_sim.scenario.checks.machine import built_machine
from ras_sim.scenario.keypath import split_key
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.nouns import wrong_noun
from ras_sim.scenario.positions import parse, plain
from ras_sim.scenario.ranges import WrongRangeError, read_end, stated_range
from ras_sim.scenario.uncertain import quantity

ON_THE_COMMAND_LINE = "--vary"


@dataclass(frozen=True, slots=True)
class Varied:
    """A number of a scenario with the range in which it is varied.

    Args:
        key: its dotted path.
        span: the range, in the unit of the resolved scenario.
        low, high: its ends as their author wrote them; "value / 1.5" and "value x 1.5" of a factor.
        base: the value of the scenario as it is, in the unit of `span`; None where that is no one number.
        source: of the range.
        times: the factor, where the range was stated as one.
    """

    key: str
    span: Span
    low: str
    high: str
    base: float | None
    source: str
    times: float | None = None

    @property
    def factor(self) -> Factor:
        """The same for a design of points."""
        return Factor(self.key, (), self.span)

    @property
    def label(self) -> str:
        """The last two names of the path."""
        return ".".join(self.key.split(".")[-2:])

    @property
    def is_outside(self) -> bool:
        """Whether the scenario as it is lies outside of the range."""
        return self.base is not None and not self.span.low <= self.base <= self.span.high


def uncertain_numbers(scenario: Scenario, vary: Sequence[str] = ()) -> tuple[Varied, ...]:
    """What may be another number: all that the scenario states, and what is varied besides or in its place.

    Both ends of every range are read as scenarios of their own.

    Args:
        scenario: as it is.
        vary: each `key.path=low..high`.

    Raises: InputError for everything that is wrong with them, or there is none.
    """
    on_top = {one.key: one for one in parse_factors(vary)} if vary else {}
    problems = [_no_range(one) for one in on_top.values() if one.span is None]
    if problems:
        raise InputError(problems)
    found: dict[str, Varied] = {}
    for stated in _stated(scenario):
        try:
            if stated.key not in on_top:
                check_ends(scenario, stated.factor, "uncertain")
                found[stated.key] = stated
        except InputError as error:
            problems.extend(error.problems)
    for factor in on_top.values():
        try:
            found[factor.key] = varied_on_top(scenario, factor)
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    if not found:
        wanted = "a block `uncertain` in the scenario, or --vary"
        hint = "e.g. --vary 'detection.diagnose=5..30 min'"
        raise InputError([Problem(scenario.name, None, None, "", "no uncertain number", wanted, hint)])
    return tuple(found.values())


def _stated(scenario: Scenario) -> list[Varied]:
    """What the scenario states; its ranges were checked when it was read."""
    tree = scenario.resolved()
    found = []
    for key, stated in scenario.uncertain.items():
        one = stated_range(scenario, tree, key, stated)
        if stated.factor is None:
            ends = str(stated.low), str(stated.high)
        else:
            ends = f"value / {stated.factor:g}", f"value x {stated.factor:g}"
        span = Span(one.low, one.high, one.unit, one.is_whole, one.is_log)
        found.append(Varied(key, span, *ends, _base(scenario, key), stated.source, stated.factor))
    return found


def varied_on_top(scenario: Scenario, factor: Factor) -> Varied:
    """A range of the command line in the unit of the resolved scenario.

    Args:
        scenario: as it is.
        factor: with a range.

    Raises: InputError if an end is no scenario, or no number comes of it.
    """
    low, _ = check_ends(scenario, factor, ON_THE_COMMAND_LINE)
    return _canonical(scenario, factor, low)


def _searched(scenario: Scenario, factor: Factor) -> Factor:
    """A range of the command line in the unit of the resolved scenario, for a search over several keys.

    An end that is good only together with other keys (more spares in a larger machine) is let through.

    Args:
        scenario: as it is.
        factor: with a range.

    Raises: InputError if the block that holds the key cannot take an end.
    """
    if quantity(scenario.resolved(), split_key(factor.key, scenario.resolved())) is None:
        return varied_on_top(scenario, factor).factor  # not there yet: the whole scenario says what it may be
    return _canonical(scenario, factor, scenario).factor


def _canonical(scenario: Scenario, factor: Factor, like: Scenario) -> Varied:
    """A range in the unit of a resolved scenario that has a number at its key.

    Raises: InputError if there is none, or it cannot take an end.
    """
    assert factor.span is not None, "only ranges come here"
    span, tree = factor.span, like.resolved()
    path = split_key(factor.key, tree)
    found = quantity(tree, path)
    written = [f"{end:g} {span.unit}".rstrip() for end in (span.low, span.high)]
    option = f"{ON_THE_COMMAND_LINE} {factor.key}"
    if found is None:
        got = f"the range {written[0]}..{written[1]}"
        raise InputError([Problem(option, None, None, "", got, "the key of a number")])
    ends, problems = [], _wrong_nouns(like, path, written[1], option)
    for text, end in zip(written, (span.low, span.high), strict=True):
        node, _ = parse(span.written(end), option)
        try:
            ends.append(read_end(like, tree, path, text, None if node is None else plain(node)))
        except WrongRangeError as wrong:
            problems.append(Problem(option, None, None, factor.key, text, wrong.wanted))
    if problems:
        raise InputError(problems)
    is_whole = isinstance(_leaf(like, path), int)
    canonical = Span(ends[0], ends[1], found[1], is_whole)
    source = "--vary, equally likely between the ends"
    return Varied(factor.key, canonical, written[0], written[1], _base(scenario, factor.key), source)


def _wrong_nouns(like: Scenario, path: Sequence[str], text: str, option: str) -> list[Problem]:
    """What is wrong with the noun of a range, "per GPU-year" of what a node has."""
    machine, _ = built_machine(like.machine)
    shock = like.shocks.get(path[1]) if path[0] == "shocks" else None
    wrong = None
    if machine is not None:
        wrong = wrong_noun(path, text, machine.counted, "" if shock is None else shock.under)
    return [] if wrong is None else [Problem(option, None, None, "", text, wrong.wanted, wrong.hint)]


def check_ends(scenario: Scenario, factor: Factor, said_by: str) -> tuple[Scenario, Scenario]:
    """The scenario with one of its numbers at the low and at the high end.

    Raises: InputError for everything that is wrong with either.
    """
    assert factor.span is not None, "only ranges come here"
    ends = [(factor.span.written(end),) for end in (factor.span.low, factor.span.high)]
    low, high = points_of(scenario, [factor], ends, said_by=said_by)
    return low.scenario, high.scenario


def _no_range(factor: Factor) -> Problem:
    got = f"the values {', '.join(factor.values)}"
    return Problem(
        f"--vary {factor.key}", None, None, "", got, "a range low..high", "ras-sim sweep takes values"
    )


def _base(scenario: Scenario, key: str) -> float | None:
    tree = scenario.resolved()
    found = quantity(tree, split_key(key, tree))
    return None if found is None else found[0]


def _leaf(scenario: Scenario, path: Sequence[str]) -> object:
    node: object = scenario.resolved()
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    return node


def search_space(scenario: Scenario, factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """What is varied, ranges in the unit of the resolved scenario; each value is read once.

    Raises: InputError for everything that is no scenario.
    """
    space: list[Factor] = []
    problems: list[Problem] = []
    for factor in factors:
        try:
            if factor.span is None:
                points_of(scenario, [factor], [(value,) for value in factor.values])
                space.append(factor)
            else:
                space.append(_searched(scenario, factor))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return tuple(space)


def as_it_is(scenario: Scenario, base: Point, factors: Sequence[Factor]) -> tuple[object, ...] | None:
    """The scenario as it is as values of the factors; None if it lies outside."""
    found: list[object] = []
    tree = scenario.resolved()
    for factor in factors:
        if factor.span is None:
            points = points_of(scenario, [factor], [(value,) for value in factor.values])
            same = [one.values[0] for one in points if one.resolved_hash == base.resolved_hash]
            if not same:
                return None
            found.append(same[0])
            continue
        value = quantity(tree, split_key(factor.key, tree))
        if value is None or not factor.span.low <= value[0] <= factor.span.high:
            return None
        found.append(int(value[0]) if factor.span.is_whole else value[0])
    return tuple(found)
