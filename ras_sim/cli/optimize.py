"""`ras-sim optimize`: the best settings, checked on fresh histories. Heavy imports are inside the functions."""

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
    as_json: AsJson = False,
    quiet: Quiet = False,
    workers: Processes = None,
    cluster: ClusterAddress = None,
    cluster_tls: ClusterTls = None,
    allow_code: AllowCode = False,
) -> int:
    """Search for the best settings, and check them on failures that the search has not seen."""
    from ras_sim.cli.progress import Progress
    from ras_sim.cli.workers import chosen
    from ras_sim.experiment import optimize as experiment
    from ras_sim.experiment.optimizedir import overlay_names
    from ras_sim.report import optimize as report
    from ras_sim.scenario.load import load

    with Progress(quiet=quiet, of="trials") as progress:
        found = experiment.optimize(
            load(scenario, overrides or (), allow_code=allow_code),
            vary or (),
            objective=objective or "goodput",
            trials=trials,
            seed=seed,
            replications=replications,
            fresh=fresh,
            workers=chosen(workers, cluster, cluster_tls, quiet),
            out=out,
            progress=progress,
        )
    if found.interrupted:
        return stopped(f"{len(found.trials)} of {found.n_trials} trials", out)
    texts = Texts("optimize.html", report.write_optimize_report, report.optimize_markdown, report.optimize_summary)
    return finish(found, texts, Said(out, as_json, quiet), overlay_names(found) if out else "")
