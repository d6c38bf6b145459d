"""`ras-sim importance`: what each failure mode is worth in goodput. Heavy imports are inside the functions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from ras_sim.cli.guard import GOOD, INTERRUPTED, guarded, say

if TYPE_CHECKING:
    from ras_sim.experiment.importance import Importance


@app.command()
@guarded
def importance(
    scenario: ScenarioPath,
    what: Annotated[
        str,
        typer.Option(
            metavar="A,B,...",
            help="Fails 10% less, never, stays contained, is found at once, is repaired one rung lower.",
        ),
    ] = "fewer,never,contained,found,lower",
    overrides: Overrides = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same failures for every change.")] = 1,
    replications: Annotated[
        int, typer.Option("--replications", "-n", help="Histories that every change meets.")
    ] = 8,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write importance.html, summary.md, importance.json."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    workers: Processes = None,
    cluster: ClusterAddress = None,
    cluster_tls: ClusterTls = None,
    allow_code: AllowCode = False,
) -> int:
    """Rank failure modes by the goodput that would be gained if they were rarer, gone, or handled better."""
    from ras_sim.cli.progress import Progress
    from ras_sim.cli.workers import chosen
    from ras_sim.experiment import importance as experiment
    from ras_sim.experiment.counterfactuals import parse_what
    from ras_sim.scenario.load import load

    changes = parse_what(what)
    if out is not None:
        experiment.check_target(out)
    loaded = load(scenario, overrides or (), allow_code=allow_code)
    who = chosen(workers, cluster, cluster_tls, quiet)
    with Progress(quiet=quiet, of="changes") as progress:
        found = experiment.importance(
            loaded, what=changes, seed=seed, replications=replications, workers=who, progress=progress
        )
    if found.gains:
        if out is not None:
            _write(found, out)
        _print(found, out, as_json, quiet)
    if not found.interrupted:
        return GOOD
    sys.stdout.flush()
    say(f"interrupted: {len(found.gains)} of {found.n_wanted} changes finished")
    return INTERRUPTED


def _write(found: Importance, out: Path) -> None:
    """The folder of the result with its report."""
    from ras_sim.experiment.files import put_text
    from ras_sim.report.importance import importance_markdown, write_importance_report

    folder = found.save(out)
    write_importance_report(found, folder / "importance.html")
    put_text(folder / "summary.md", importance_markdown(found))


def _print(found: Importance, out: Path | None, as_json: bool, quiet: bool) -> None:
    from ras_sim.cli.terminal import Terminal
    from ras_sim.report.importance import importance_summary

    if as_json:
        print(json.dumps(found.to_json(), allow_nan=False))
    elif not quiet:
        Terminal().print(importance_summary(found))
    if out is not None and not quiet:
        say(f"written to {out}")
