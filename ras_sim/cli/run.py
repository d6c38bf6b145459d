"""`ras-sim run`: simulate, write, summarise."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ras_sim.cli.guard import GOOD, INTERRUPTED, say
from ras_sim.cli.progress import Progress
from ras_sim.cli.terminal import Terminal
from ras_sim.experiment import rundir
from ras_sim.experiment.again import run_again
from ras_sim.experiment.arguments import wrong_argument
from ras_sim.experiment.executors import Workers
from ras_sim.experiment.files import put_text
from ras_sim.experiment.replicate import run
from ras_sim.experiment.result import Result
from ras_sim.experiment.wishes import MAX_REPLICATIONS
from ras_sim.report.html import write_report
from ras_sim.report.text import summary, summary_markdown
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What was asked for on the command line; see `ras_sim.cli.app.run`."""

    path: Path
    overrides: Sequence[str]
    seed: int
    replications: int
    workers: Workers
    out: Path | None
    as_json: bool
    quiet: bool
    replication: int | None = None
    precision: str | None = None
    metric: str = "goodput"
    max_replications: int = MAX_REPLICATIONS
    allow_code: bool = False


def run_scenario(options: RunOptions) -> int:
    """Run, write and print; returns the exit code."""
    scenario = load(options.path, options.overrides, allow_code=options.allow_code)
    if options.out is not None:
        rundir.check_target(options.out)
    if options.replication is not None:
        if options.precision is not None:
            raise wrong_argument(
                "--precision", repr(options.precision), "none of it with --replication, which is one run"
            )
        result = run_again(scenario, seed=options.seed, replication=options.replication)
    else:
        result = _run_many(scenario, options)
    if options.out is not None and result.measures:
        _write(result, options.out)
    if result.measures:
        _print(result, options)
    return _interrupted(result, options) if result.interrupted else GOOD


def _run_many(scenario: Scenario, options: RunOptions) -> Result:
    """Run all replications that the folder does not hold yet."""
    with Progress(quiet=options.quiet) as progress:
        return run(
            scenario,
            seed=options.seed,
            replications=options.replications,
            workers=options.workers,
            progress=progress,
            keep_ledgers=options.out is not None,  # nothing else reads the rows
            precision=options.precision,
            metric=options.metric,
            max_replications=options.max_replications,
            closing_in=progress.closing_in,
            out=options.out,
        )


def _write(result: Result, out: Path) -> None:
    """The run directory with its report."""
    folder = result.save(out)
    write_report(result, folder / "report.html")
    put_text(folder / "summary.md", summary_markdown(result))


def _print(result: Result, options: RunOptions) -> None:
    if options.as_json:
        print(json.dumps(result.to_json(), allow_nan=False))
    elif not options.quiet:
        console = Terminal()
        console.print(summary(result, width=console.width))
    if options.out is not None and not options.quiet:
        reused = f"; {result.n_reused} of the replications were there already" if result.n_reused else ""
        say(f"written to {options.out}{reused}")


def _interrupted(result: Result, options: RunOptions) -> int:
    """Say what is left of a run that was stopped."""
    sys.stdout.flush()
    say(f"interrupted: {len(result.measures)} of {result.replications} replications finished")
    if options.out is not None and result.measures:
        say("the same command goes on from there")
    return INTERRUPTED
