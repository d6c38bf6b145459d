"""The commands that look inside a saved run. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ras_sim.cli.app import AsJson, app
from ras_sim.cli.guard import guarded

RunDirectory = Annotated[
    Path, typer.Argument(metavar="RUN", help="What `ras-sim run --out` wrote.", show_default=False)
]
Which = Annotated[
    int | None,
    typer.Option("--replication", metavar="K", min=0, help="Which replication.", show_default="the first"),
]


@app.command()
@guarded
def explain(
    directory: RunDirectory,
    incident: Annotated[int | None, typer.Option(metavar="ID", help="The incident to explain.")] = None,
    worst: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="The root causes that cost most.", show_default="5"),
    ] = None,
    replication: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=0,
            help="Which replication.",
            show_default="the first with --incident, all of them with --worst",
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Tell what one incident did: from the part over the ladder to the lost work."""
    from ras_sim.cli.explain import ExplainOptions, explain_run

    return explain_run(ExplainOptions(directory, incident, worst, replication, as_json))


@app.command()
@guarded
def trace(
    directory: RunDirectory,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the JSON.")] = Path("trace.json"),
    replication: Which = None,
) -> int:
    """Write one replication as a trace for Perfetto: job phases, incidents by rung, technicians, spares."""
    from ras_sim.cli.trace import TraceOptions, trace_run

    return trace_run(TraceOptions(directory, replication, out))


@app.command()
@guarded
def export(
    directory: RunDirectory,
    form: Annotated[
        str,
        typer.Option("--format", metavar="NAME", help="goodput-log: what ml-goodput-measurement reads."),
    ] = "goodput-log",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write it.", show_default="the format's name, .jsonl"),
    ] = None,
    replication: Which = None,
) -> int:
    """Write the job's history of one replication in the format of another tool."""
    from ras_sim.cli.export import ExportOptions, export_run

    return export_run(ExportOptions(directory, form, replication, out))


@app.command()
@guarded
def query(
    directories: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="What `ras-sim run --out` wrote.", show_default=False),
    ],
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One statement.", show_default=False)],
    as_json: AsJson = False,
) -> int:
    """Ask saved runs in SQL: replications, incidents, job, attempts, resources, visits, parts, faults, tariff."""
    from ras_sim.cli.query import QueryOptions, query_runs

    return query_runs(QueryOptions(directories, sql, as_json))
