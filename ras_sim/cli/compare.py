"""`ras-sim compare`: several designs on the same failures."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ras_sim.cli.guard import GOOD, INTERRUPTED, say
from ras_sim.cli.progress import Progress
from ras_sim.cli.terminal import Terminal
from ras_sim.experiment import comparedir
from ras_sim.experiment.compare import Comparison, compare
from ras_sim.experiment.designs import load_designs
from ras_sim.experiment.executors import Workers
from ras_sim.experiment.files import put_text
from ras_sim.report.compare_html import write_compare_report
from ras_sim.report.compare_text import compare_markdown, compare_summary


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """What was asked for on the command line; see `ras_sim.cli.app.compare`."""

    paths: Sequence[Path]
    overrides: Sequence[str]
    variants: Mapping[str, Sequence[str]]
    seed: int
    replications: int
    precision: str | None
    metric: str
    max_replications: int
    workers: Workers
    out: Path | None
    as_json: bool
    quiet: bool
    allow_code: bool


def compare_designs(options: CompareOptions) -> int:
    """Run, write and print; returns the exit code."""
    designs = load_designs(
        options.paths, options.overrides, options.variants, allow_code=options.allow_code
    )
    if options.out is not None:
        comparedir.check_target(options.out)
    with Progress(quiet=options.quiet) as progress:
        comparison = compare(
            *designs,
            seed=options.seed,
            replications=options.replications,
            workers=options.workers,
            progress=progress,
            precision=options.precision,
            metric=options.metric,
            max_replications=options.max_replications,
            closing_in=progress.closing_in,
            out=options.out,
        )
    if comparison.n_finished and options.out is not None:
        _write(comparison, options.out)
    if comparison.n_finished:
        _print(comparison, options)
    if not comparison.interrupted:
        return GOOD
    sys.stdout.flush()
    say(f"interrupted: {comparison.n_finished} of {comparison.replications} replications finished")
    if options.out is not None:
        say("the same command goes on from there")
    return INTERRUPTED


def _write(comparison: Comparison, out: Path) -> None:
    """The folder of the comparison with its report."""
    folder = comparison.save(out)
    write_compare_report(comparison, folder / "compare.html")
    put_text(folder / "summary.md", compare_markdown(comparison))


def _print(comparison: Comparison, options: CompareOptions) -> None:
    if options.as_json:
        print(json.dumps(comparison.to_json(), allow_nan=False))
    elif not options.quiet:
        Terminal().print(compare_summary(comparison))
    if options.out is not None and not options.quiet:
        say(f"written to {options.out}")
