"""`ras-sim optimize`: the best settings, checked on fresh histories. Heavy imports are inside the functions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ras_sim.cli.app import ClusterAddress, ClusterTls, Overrides, Processes, ScenarioPath, app
from ras_sim.cli.guard import GOOD, INTERRUPTED, guarded, say

if TYPE_CHECKING:
    from ras_sim.experiment.optimize import Optimum


@app.command()
@guarded
def optimize(
    scenario: ScenarioPath,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY.PATH=LOW..HIGH",
            help="A key with its range, or with values between commas; may be repeated.",
            show_default=False,
        ),
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC",
            help="What is to be good; several give the best trade-offs.",
            show_default="goodput",
        ),
    ] = None,
    trials: Annotated[int, typer.Option(help="Points to try.")] = 40,
    overrides: Overrides = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same failures and the same search.")] = 1,
    replications: Annotated[
        int, typer.Option("--replications", "-n", help="Histories that every trial meets.")
    ] = 8,
    fresh: Annotated[
        int, typer.Option(help="Further histories, that only the winners and the scenario as it is meet.")
    ] = 20,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep every finished point there, write best.yaml (front_1.yaml and so on for several objectives), "
            "optimize.html, summary.md, optimize.json; go on with it.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout instead.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes, no summary.")] = False,
    workers: Processes = None,
    cluster: ClusterAddress = None,
    cluster_tls: ClusterTls = None,
) -> int:
    """Search for the best settings, and check them on failures that the search has not seen."""
    from ras_sim.cli.progress import Progress
    from ras_sim.cli.workers import chosen
    from ras_sim.experiment import optimize as experiment

    with Progress(quiet=quiet, of="trials") as progress:
        found = experiment.optimize(
            scenario,
            vary or (),
            objective=objective or "goodput",
            trials=trials,
            overrides=overrides or (),
            seed=seed,
            replications=replications,
            fresh=fresh,
            workers=chosen(workers, cluster, cluster_tls, quiet),
            out=out,
            progress=progress,
        )
    if found.interrupted:
        sys.stdout.flush()
        say(f"interrupted: {len(found.trials)} of {found.n_trials} trials finished")
        if out is not None:
            say("the same command goes on from there")
        return INTERRUPTED
    if out is not None:
        _write(found, out)
    _print(found, out, as_json, quiet)
    return GOOD


def _write(found: Optimum, out: Path) -> None:
    """The folder of the result with its report."""
    from ras_sim.experiment.files import put_text
    from ras_sim.report.optimize import optimize_markdown, write_optimize_report

    folder = found.save(out)
    write_optimize_report(found, folder / "optimize.html")
    put_text(folder / "summary.md", optimize_markdown(found))


def _print(found: Optimum, out: Path | None, as_json: bool, quiet: bool) -> None:
    from ras_sim.cli.terminal import Terminal
    from ras_sim.experiment.optimizedir import overlay_names
    from ras_sim.report.optimize import optimize_summary

    if as_json:
        print(json.dumps(found.to_json(), allow_nan=False))
    elif not quiet:
        Terminal().print(optimize_summary(found))
    if out is not None and not quiet:
        n = found.n_reused
        reused = f"; {n:,} point{'s were' if n != 1 else ' was'} there already" if n else ""
        say(f"written to {out}: {overlay_names(found)}{reused}")
