"""`ras-sim sweep`: one scenario at many values of some of its keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ras_sim.cli.guard import GOOD, say
from ras_sim.cli.progress import Progress
from ras_sim.cli.study import reused, stopped
from ras_sim.cli.terminal import Terminal
from ras_sim.experiment.executors import Workers
from ras_sim.experiment.files import put_text
from ras_sim.experiment.sweep import Sweep, sweep
from ras_sim.report.sweep_html import write_sweep_report
from ras_sim.report.sweep_text import sweep_markdown, sweep_summary


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """What was asked for on the command line; see `ras_sim.cli.app.sweep`."""

    path: Path
    vary: Sequence[str]
    design: str
    points: int | None
    metric: str
    overrides: Sequence[str]
    seed: int
    replications: int
    workers: Workers
    out: Path | None
    as_json: bool
    quiet: bool
    allow_code: bool


def sweep_scenario(options: SweepOptions) -> int:
    """Run, write and print; returns the exit code."""
    with Progress(quiet=options.quiet) as progress:
        found = sweep(
            options.path,
            options.vary,
            design=options.design,
            points=options.points,
            metric=options.metric,
            overrides=options.overrides,
            seed=options.seed,
            replications=options.replications,
            workers=options.workers,
            out=options.out,
            progress=progress,
            allow_code=options.allow_code,
        )
    if found.finished:
        if options.out is not None:
            _write(found, options.out)
        _print(found, options)
    if found.interrupted:
        return stopped(f"{len(found.finished)} of {len(found.points)} points", options.out)
    return GOOD


def _write(found: Sweep, out: Path) -> None:
    """The folder of the sweep with its report."""
    folder = found.save(out)
    write_sweep_report(found, folder / "sweep.html")
    put_text(folder / "summary.md", sweep_markdown(found))


def _print(found: Sweep, options: SweepOptions) -> None:
    if options.as_json:
        print(json.dumps(found.to_json(), allow_nan=False))
    elif not options.quiet:
        Terminal().print(sweep_summary(found))
    if options.out is not None and not options.quiet:
        say(f"written to {options.out}{reused(found.n_reused)}")
