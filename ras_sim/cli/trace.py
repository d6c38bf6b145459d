"""`ras-sim trace`: one replication of a saved run for a trace viewer."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ras_sim.cli.guard import GOOD, say
from ras_sim.errors import InputError, Problem
from ras_sim.experiment import rundir
from ras_sim.experiment.story import ledger_of
from ras_sim.report.trace import trace_json


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """What was asked for on the command line; see `ras_sim.cli.inside.trace`."""

    directory: Path
    replication: int | None
    out: Path


def trace_run(options: TraceOptions) -> int:
    """Write the trace; returns the exit code."""
    text = trace_json(ledger_of(rundir.read(options.directory), options.replication))
    write_whole(options.out, text)
    say(f"written to {options.out}; open it in https://ui.perfetto.dev")
    return GOOD


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    wanted = "a file that can be written"
    if path.is_dir():
        raise InputError([Problem("--out", None, None, "", f"{str(path)!r}: a folder", wanted)])
    draft = path.with_name(f"{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        with suppress(OSError):  # nothing to remove if it could not be made
            draft.unlink()
        got = f"{str(path)!r}: {(error.strerror or str(error)).lower()}"
        raise InputError([Problem("--out", None, None, "", got, wanted)]) from None
