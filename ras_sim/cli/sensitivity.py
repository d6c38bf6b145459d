"""`ras-sim sensitivity`: which uncertain numbers move the result. Heavy imports are inside the functions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ras_sim.cli.app import (
    AllowCode,
    AsJson,
    ClusterAddress,
    ClusterTls,
    Overrides,
    Processes,
    Quiet,
    ScenarioPath,
    app,
)
from ras_sim.cli.guard import guarded
from ras_sim.cli.study import Said, Texts, finish, stopped


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
    as_json: AsJson = False,
    quiet: Quiet = False,
    workers: Processes = None,
    cluster: ClusterAddress = None,
    cluster_tls: ClusterTls = None,
    allow_code: AllowCode = False,
) -> int:
    """Rank the numbers that are not known exactly by how far they move the result."""
    from ras_sim.cli.progress import Progress
    from ras_sim.cli.workers import chosen
    from ras_sim.experiment import sensitivity as experiment
    from ras_sim.report import sensitivity as report
    from ras_sim.scenario.load import load

    with Progress(quiet=quiet) as progress:
        found = experiment.sensitivity(
            load(scenario, overrides or (), allow_code=allow_code),
            vary or (),
            method=method,
            samples=samples,
            trajectories=trajectories,
            metric=metric,
            seed=seed,
            replications=replications,
            workers=chosen(workers, cluster, cluster_tls, quiet),
            out=out,
            progress=progress,
        )
    if found.interrupted:
        return stopped(f"{found.n_finished} of {found.n_points} points", out)
    texts = Texts(
        "sensitivity.html",
        report.write_sensitivity_report,
        report.sensitivity_markdown,
        report.sensitivity_summary,
    )
    return finish(found, texts, Said(out, as_json, quiet))
