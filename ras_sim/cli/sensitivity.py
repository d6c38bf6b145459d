"""`ras-sim sensitivity`: which uncertain numbers move the result. Heavy imports are inside the functions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ras_sim.cli.app import ClusterAddress, ClusterTls, Overrides, Processes, ScenarioPath, app
from ras_sim.cli.guard import GOOD, INTERRUPTED, guarded, say

if TYPE_CHECKING:
    from ras_sim.experiment.sensitivity import Sensitivity


@app.command()
@guarded
def sensitivity(
    scenario: ScenarioPath,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY.PATH=LOW..HIGH",
            help="A range, besides those of `uncertain` or in place of one; may be repeated.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="tornado|morris|sobol",
            help="One number at a time; all over their ranges, screened; shares of the variance.",
        ),
    ] = "tornado",
    trajectories: Annotated[
        int | None, typer.Option(help="Walks through the ranges, for morris.", show_default="16")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="A power of 2, for sobol.", show_default="128")] = None,
    metric: Annotated[str, typer.Option(help="What it is about, e.g. mtti_h, time_h.lost_work.")] = "goodput",
    overrides: Overrides = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same failures at every point.")] = 1,
    replications: Annotated[
        int, typer.Option("--replications", "-n", help="Histories that every point meets.")
    ] = 8,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep every finished point there, write sensitivity.html, summary.md, sensitivity.json; go on with it.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout instead.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes, no summary.")] = False,
    workers: Processes = None,
    cluster: ClusterAddress = None,
    cluster_tls: ClusterTls = None,
) -> int:
    """Rank the numbers that are not known exactly by how far they move the result."""
    from ras_sim.cli.progress import Progress
    from ras_sim.cli.workers import chosen
    from ras_sim.experiment import sensitivity as experiment

    with Progress(quiet=quiet) as progress:
        found = experiment.sensitivity(
            scenario,
            vary or (),
            method=method,
            samples=samples,
            trajectories=trajectories,
            metric=metric,
            overrides=overrides or (),
            seed=seed,
            replications=replications,
            workers=chosen(workers, cluster, cluster_tls, quiet),
            out=out,
            progress=progress,
        )
    if found.interrupted:
        sys.stdout.flush()
        say(f"interrupted: {found.n_finished} of {found.n_points} points finished")
        if out is not None:
            say("the same command goes on from there")
        return INTERRUPTED
    if out is not None:
        _write(found, out)
    _print(found, out, as_json, quiet)
    return GOOD


def _write(found: Sensitivity, out: Path) -> None:
    """The folder of the result with its report."""
    from ras_sim.experiment.files import put_text
    from ras_sim.report.sensitivity import sensitivity_markdown, write_sensitivity_report

    folder = found.save(out)
    write_sensitivity_report(found, folder / "sensitivity.html")
    put_text(folder / "summary.md", sensitivity_markdown(found))


def _print(found: Sensitivity, out: Path | None, as_json: bool, quiet: bool) -> None:
    from ras_sim.cli.terminal import Terminal
    from ras_sim.report.sensitivity import sensitivity_summary

    if as_json:
        print(json.dumps(found.to_json(), allow_nan=False))
    elif not quiet:
        Terminal().print(sensitivity_summary(found))
    if out is not None and not quiet:
        n = found.n_reused
        reused = f"; {n:,} point{'s were' if n != 1 else ' was'} there already" if n else ""
        say(f"written to {out}{reused}")
