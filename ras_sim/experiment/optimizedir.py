"""The folder of an optimum.

points/KEY.parquet   the replications of one point, as for a sweep
optimize.json        every trial and the finalists, as `ras-sim optimize --json` prints it
scenario.yaml        the scenario as it is, every value
best.yaml            the winner: extends scenario.yaml by what is different
front_N.yaml         of several objectives: the points of the Pareto front, in place of best.yaml
optimize.html, summary.md
                     written by the report
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ras_sim.experiment.files import readable_errors, writable_folder
from ras_sim.experiment.pointstore import check_names, put_json, put_text
from ras_sim.formats import format_duration
from ras_sim.scenario.keypath import split_key
from ras_sim.scenario.positions import parse, plain
from ras_sim.scenario.writing import to_yaml
from ras_sim.units import parse_duration_h

if TYPE_CHECKING:
    from ras_sim.experiment.factors import Factor, Row
    from ras_sim.experiment.optimize import Optimum
    from ras_sim.scenario.model import Scenario

RESULT = "optimize.json"
REPORTS = ("optimize.html", "summary.md")
BASE, BEST = "scenario.yaml", "best.yaml"

_FRONT = re.compile(r"front_\d+\.yaml")


def check_contents(folder: Path) -> None:
    """Raise InputError if a folder holds anything that is not of an optimum."""
    fronts = {name for path in folder.iterdir() if _FRONT.fullmatch(name := path.name.removesuffix(".part"))}
    check_names(folder, {RESULT, BASE, BEST, *REPORTS, *fronts}, "an earlier result of ras-sim optimize")


def write(directory: str | Path, found: Optimum) -> Path:
    """Write what was found, in place of an earlier result; finished points stay.

    Raises: InputError if the folder cannot or must not be written.
    """
    folder = writable_folder(directory, check_contents)
    with readable_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        old = [path for path in folder.iterdir() if _FRONT.fullmatch(path.name)]
        for path in (*old, folder / BEST, *(folder / name for name in REPORTS)):
            path.unlink(missing_ok=True)
        put_text(folder, BASE, found.scenario.resolved_text)
        for number, one in enumerate(found.finalists, 1):
            text = overlay(found.scenario, found.factors, one.trial.values)
            put_text(folder, overlay_name(found, number), text)
        put_json(folder, RESULT, found.to_json())
    return folder


def overlay_name(found: Optimum, number: int) -> str:
    """The file of a finalist, counted from 1."""
    return BEST if len(found.objectives) == 1 else f"front_{number}.yaml"


def overlay_names(found: Optimum) -> str:
    """The files of the finalists in words: "best.yaml", "front_1.yaml to front_7.yaml"."""
    names = [overlay_name(found, number) for number in range(1, len(found.finalists) + 1)]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def overlay(scenario: Scenario, factors: Sequence[Factor], values: Row) -> str:
    """A small scenario file that extends scenario.yaml by the values of a point."""
    tree: dict[str, Any] = {"extends": BASE}
    resolved = scenario.resolved()
    for factor, text in zip(factors, values, strict=True):
        *path, last = split_key(factor.key, resolved)
        block, below = tree, resolved
        for name in path:
            block, below = block.setdefault(name, {}), below.get(name, {})
        written = for_people(text) if factor.span is not None and factor.span.unit == "h" else text
        node, _ = parse(written, factor.key)
        block[last] = _replacing(below.get(last), None if node is None else plain(node))
    return to_yaml(tree)


def for_people(text: str) -> str:
    """A time in the unit that a person would choose, with the fewest figures that mean the same to the last bit.

    >>> for_people("0.176953 h"), for_people("0.5 h"), for_people("96.0 h")
    ('10.61718 min', '30 min', '4 d')
    """
    hours = parse_duration_h(text)
    unit = format_duration(hours).split()[-1]
    scaled = hours / parse_duration_h(f"1 {unit}")
    for figures in range(1, 13):
        found = f"{Decimal(f'{scaled:.{figures}g}'):f} {unit}"
        if parse_duration_h(found) == hours:
            return found
    return text


def _replacing(old: Any, new: Any) -> Any:
    """A value that, laid over an old one, leaves nothing of it: keys of a block that are gone are deleted."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return dict.fromkeys(old) | {key: _replacing(old.get(key), value) for key, value in new.items()}
