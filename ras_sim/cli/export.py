"""`ras-sim export`: one replication of a saved run in the format of another tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ras_sim.cli.guard import GOOD, say
from ras_sim.cli.trace import write_whole
from ras_sim.errors import InputError, Problem, nearest
from ras_sim.experiment import rundir
from ras_sim.experiment.story import ledger_of
from ras_sim.ledger import Ledger
from ras_sim.report.goodput_log import goodput_log

FORMATS: Mapping[str, Callable[[Ledger, str], str]] = {"goodput-log": goodput_log}
"""What a replication can be written as: (ledger, name of the scenario) -> text of the file."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What was asked for on the command line; see `ras_sim.cli.inside.export`."""

    directory: Path
    form: str
    replication: int | None
    out: Path | None


def export_run(options: ExportOptions) -> int:
    """Write the file; returns the exit code."""
    write = FORMATS.get(options.form)
    if write is None:
        hint = nearest(options.form, FORMATS)
        wanted = f"one of {', '.join(FORMATS)}"
        raise InputError([Problem("", None, None, "--format", repr(options.form), wanted, hint)])
    saved = rundir.read(options.directory)
    text = write(ledger_of(saved, options.replication), saved.manifest["scenario"])
    out = options.out or Path(f"{options.form}.jsonl")
    write_whole(out, text)
    say(f"written to {out}")
    return GOOD
