"""Which files are checked: scenarios that state expectations of their own.

Nothing heavy is imported here: the pytest plugin asks for every YAML file that it meets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ras_sim.errors import InputError, Problem

SUFFIXES = (".yaml", ".yml")
_EXPECTS = re.compile(rb"^expect[ \t]*:", re.MULTILINE)
_OURS = re.compile(rb"^(extends|machine)[ \t]*:", re.MULTILINE)
_MAX_BYTES = 1_000_000  # what a scenario may have


def states_expectations(path: Path) -> bool:
    """Whether a file looks like a scenario with expectations: keys at the beginning of a line, no YAML read."""
    if path.suffix.lower() not in SUFFIXES:
        return False
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES)
    except OSError:
        return False
    return _EXPECTS.search(text) is not None and _OURS.search(text) is not None


def collect(paths: Iterable[str | Path]) -> list[Path]:
    """The scenarios to check: files as they are named, and of folders everything below that states expectations.

    Raises:
        InputError: a folder holds none.
    """
    found: list[Path] = []
    problems: list[Problem] = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(path)
            continue
        below = sorted(one for one in path.rglob("*") if one.is_file() and states_expectations(one))
        found += below
        if not below:
            hint = "a scenario states them, e.g. `expect: {goodput: {at_least: 90 %}}`"
            problems.append(
                Problem(str(path), None, None, "", "no scenario with `expect:`", "at least one", hint)
            )
    if problems:
        raise InputError(problems)
    return list(dict.fromkeys(found))
