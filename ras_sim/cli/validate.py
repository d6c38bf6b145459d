"""`ras-sim validate`: is this a scenario?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ras_sim.cli.guard import BAD_INPUT, GOOD, printable, say
from ras_sim.errors import InputError
from ras_sim.scenario.load import load


def validate_scenarios(paths: Sequence[Path], overrides: Sequence[str], allow_code: bool = False) -> int:
    """Check every file, even after a bad one; returns the exit code."""
    code = GOOD
    for path in paths:
        try:
            scenario = load(path, overrides, allow_code=allow_code)
            if scenario.uncertain:
                from ras_sim.experiment.varied import uncertain_numbers

                uncertain_numbers(scenario)  # each range at both ends, with all cross checks
        except InputError as error:
            say(str(error))
            code = BAD_INPUT
        else:
            print(printable(f"{path}: good: {scenario.name} ({scenario.content_hash[:12]})"))
    return code
