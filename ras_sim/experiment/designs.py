"""Designs of a comparison: their names, what they change, and what of their histories is the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ras_sim.errors import InputError, Problem
from ras_sim.scenario.build import setup_of
from ras_sim.scenario.failures import ModeSpec
from ras_sim.scenario.function import code_words
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario

NO_PART_OF_HISTORY = ("source", "detection", "speed")
"""Keys of a failure mode that change what is made of a fault, not the fault."""
_CODE = "repair.policy.function.code"
_SAID_ELSEWHERE = frozenset({"name", "description", "published", "expect", "uncertain"})


@dataclass(frozen=True, slots=True)
class Design:
    """One of the designs that are compared.

    Args:
        name: of its own within the comparison.
        scenario: what is run.
        changes: what was set on top of the base, each `key.path=value`.
    """

    name: str
    scenario: Scenario
    changes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """A short name: what was set on top of the base, else the name."""
        return ", ".join(map(_short, self.changes)) if self.changes else self.name


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that differs between two designs; "" where one of them does not have it."""

    key: str
    base: str
    other: str


@dataclass(frozen=True, slots=True)
class Shared:
    """What of the fault histories two designs share.

    Args:
        same: failure modes ("class.mode") and shocks with the same parts and the same law: the same faults strike.
        different: the others, each with what differs.
    """

    same: tuple[str, ...]
    different: dict[str, str]


def load_designs(
    paths: Sequence[str | Path],
    overrides: Sequence[str] = (),
    variants: Mapping[str, Sequence[str]] | None = None,
    *,
    allow_code: bool = False,
) -> tuple[Design, ...]:
    """Read the designs: every file, then variants of the first one.

    Args:
        paths: scenario files; the first is the base.
        overrides: `key.path=value`, set in every design.
        variants: option name -> `key.path=value`, set in one variant of the first file each.
        allow_code: see `ras_sim.load`.

    Raises:
        InputError: everything that is wrong with any of them, or fewer than two designs.
    """
    variants = {option: values for option, values in (variants or {}).items() if values}
    if len(paths) + len(variants) < 2:
        raise InputError(
            [
                Problem(
                    "",
                    None,
                    None,
                    "compare",
                    "one design",
                    "two or more",
                    "another file, or --set-a KEY.PATH=VALUE",
                )
            ]
        )
    wanted: list[tuple[str | Path, str, Sequence[str]]] = [(path, "", ()) for path in paths]
    wanted += [(paths[0], option, values) for option, values in variants.items()]
    designs: list[Design] = []
    problems: list[Problem] = []
    for path, option, values in wanted:
        try:
            scenario = load(path, (*overrides, *values), allow_code=allow_code)
            name = f"{scenario.name}: {', '.join(map(_short, values))}" if values else scenario.name
            designs.append(Design(name, scenario, tuple(values)))
        except InputError as error:
            problems.extend(_blaming(option, values, one) for one in error.problems)
    if problems:
        raise InputError(dict.fromkeys(problems))
    return named_apart(designs)


def named_apart(designs: Sequence[Design]) -> tuple[Design, ...]:
    """The designs under names of their own: a name that was there before gets a number."""
    taken: set[str] = set()
    found = []
    for design in designs:
        name, number = design.name, 1
        while name in taken:
            number += 1
            name = f"{design.name} ({number})"
        taken.add(name)
        found.append(replace(design, name=name))
    return tuple(found)


def _short(change: str) -> str:
    """The last two names of a key path and the value: "remote.interval=15 min".

    >>> _short("job.checkpoints.remote.interval=15 min")
    'remote.interval=15 min'
    """
    path, equals, value = change.partition("=")
    return ".".join(path.strip().split(".")[-2:]) + equals + value.strip()


def _blaming(option: str, values: Sequence[str], problem: Problem) -> Problem:
    """The problem with the option that it came from, where that was a variant's."""
    is_variants = any(problem.file.startswith(f"--set {value[:200]!r}"[:-1]) for value in values)
    return replace(problem, file=option + problem.file.removeprefix("--set")) if is_variants else problem


def changes_between(base: Scenario, other: Scenario) -> list[Change]:
    """Every setting that differs, sources and names left out, in the order of the keys."""
    whole = base.resolved(), other.resolved()
    # Most sections are alike, and most of the work is to take sections apart.
    apart = {section for section in {*whole[0], *whole[1]} if whole[0].get(section) != whole[1].get(section)}
    ours, theirs = (dict(_flat("", {key: one[key] for key in one if key in apart})) for one in whole)
    keys = dict.fromkeys([*ours, *theirs])
    return [
        Change(key, ours.get(key, ""), theirs.get(key, ""))
        for key in keys
        if ours.get(key) != theirs.get(key) and not _is_remark(key)
    ]


def _flat(path: str, node: Any) -> list[tuple[str, str]]:
    """Every value of nested plain data with its key path; a text of code stands as its size and hash."""
    if path == _CODE:
        return [(path, code_words(node))]
    if isinstance(node, dict):
        return [
            pair for key, value in node.items() for pair in _flat(f"{path}.{key}" if path else key, value)
        ]
    return [(path, str(node))]


def _is_remark(key: str) -> bool:
    return key.partition(".")[0] in _SAID_ELSEWHERE or key.rpartition(".")[2] == "source"


def shared_histories(base: Scenario, other: Scenario) -> Shared:
    """Which failure modes and shocks strike the same parts at the same times in both designs.

    A mode on the job's own clock strikes after the same hours of running; a shorter horizon ends the history earlier.
    """
    machine, counts = setup_of(base).blueprint, _counts(base, other)
    other_fleet = base.fleet != other.fleet
    same: list[str] = []
    different: dict[str, str] = {}
    ours, theirs = _modes(base), _modes(other)
    for name in dict.fromkeys([*ours, *theirs]):
        cls = _class(name)
        parts = counts[0].get(cls, 0), counts[1].get(cls, 0)
        reason = _difference(ours.get(name), theirs.get(name), parts)
        if not reason and other_fleet and cls in machine.homes:
            reason = "another fleet"
        if reason:
            different[name] = reason
        else:
            same.append(name)
    for name in dict.fromkeys([*base.shocks, *other.shocks]):
        if base.shocks.get(name) == other.shocks.get(name) and counts[0] == counts[1]:
            same.append(f"shock {name}")
        else:
            different[f"shock {name}"] = "another law or other parts"
    return Shared(tuple(same), different)


def modes_apart(base: Scenario, other: Scenario) -> frozenset[str]:
    """Failure modes ("class.mode") whose parts are not the same: the k-th part of one design is not that of the other."""
    counts = _counts(base, other)
    names = {*_modes(base), *_modes(other)}
    return frozenset(name for name in names if counts[0].get(_class(name)) != counts[1].get(_class(name)))


def _counts(base: Scenario, other: Scenario) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Parts of each class in both designs."""
    return setup_of(base).blueprint.counts, setup_of(other).blueprint.counts


def _class(name: str) -> str:
    return name.partition(".")[0]


def _modes(scenario: Scenario) -> dict[str, ModeSpec]:
    return {f"{cls}.{name}": mode for cls, modes in scenario.failures.items() for name, mode in modes.items()}


def _difference(base: ModeSpec | None, other: ModeSpec | None, parts: tuple[int, int]) -> str:
    """Why a mode's faults are not the same in both designs, "" if they are."""
    if base is None or other is None:
        return "only in the base" if other is None else "not in the base"
    if parts[0] != parts[1]:
        return f"{parts[0]:,} parts against {parts[1]:,}"
    if base == other:
        return ""
    ours, theirs = (one.model_dump(exclude=set(NO_PART_OF_HISTORY)) for one in (base, other))
    changed = [key for key in ours if ours[key] != theirs[key]]
    if changed == ["rate"]:
        return "another rate: the same faults, earlier and more of them at the higher rate"
    return f"another {', '.join(changed)}" if changed else ""
