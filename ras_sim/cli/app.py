"""The commands and their options. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ras_sim import __version__
from ras_sim.cli.guard import guarded

app = typer.Typer(
    name="ras-sim",
    help="Simulate failures, repair and goodput of very large synchronous training clusters.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ScenarioPath = Annotated[
    Path, typer.Argument(metavar="SCENARIO", help="A scenario file (YAML).", show_default=False)
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="Set a value of the scenario; may be repeated."),
]

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout instead.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes, no summary.")]
AllowCode = Annotated[
    bool,
    typer.Option("--allow-code", help="Run the Python function of the scenario's policy, if it has one."),
]

Processes = Annotated[int | None, typer.Option("--workers", help="Processes.", show_default="one per core")]
ClusterAddress = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers do it instead, e.g. tcp://host:8786."),
]
ClusterTls = Annotated[
    Path | None, typer.Option(metavar="DIR", help="ca.pem, cert.pem, key.pem for a scheduler at tls://...")
]


def _variant(letter: str) -> Any:
    """The option that sets values in one variant of the first scenario."""
    text = (
        f"Set a value in variant {letter} only; may be repeated." if letter == "a" else f"Variant {letter}."
    )
    return typer.Option(f"--set-{letter}", metavar="KEY.PATH=VALUE", help=text)


_Values = list[str] | None


def main() -> None:
    """Run the command line; ends with `SystemExit`."""
    app(prog_name="ras-sim")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ras-sim {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before the command."""


@app.command()
@guarded
def run(
    scenario: ScenarioPath,
    seed: Annotated[int, typer.Option(help="The same seed gives the same results.")] = 1,
    replications: Annotated[
        int | None,
        typer.Option(
            "--replications",
            "-n",
            help="Independent histories to run; with --precision, to begin with.",
            show_default="8, with --precision 40",
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT",
            help="Go on until the metric is known to +- this: 0.2% of goodput, 10 min or 5 % of mtti_h.",
        ),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="What --precision is about, e.g. mtti_h, time_h.restore.")
    ] = "goodput",
    max_replications: Annotated[int, typer.Option(help="Where --precision stops.")] = 2000,
    replication: Annotated[
        int | None,
        typer.Option("--replication", metavar="K", min=0, help="Run replication K alone, in place of -n."),
    ] = None,
    horizon: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Length of a run, e.g. 90d, in place of the scenario's."),
    ] = None,
    overrides: Overrides = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write tables, report.html, summary.md there, in place of another run; go on with the same one.",
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    workers: Processes = None,
    cluster: ClusterAddress = None,
    cluster_tls: ClusterTls = None,
    allow_code: AllowCode = False,
) -> int:
    """Simulate a scenario and say where the GPU-hours went."""
    from ras_sim.cli.workers import at_hand, chosen
    from ras_sim.experiment.wishes import FIRST_STAGE

    who = chosen(workers, cluster, cluster_tls, quiet)
    values = [*(overrides or ()), *([f"horizon={horizon}"] if horizon is not None else ())]
    if replications is None:
        replications = 8 if precision is None else FIRST_STAGE
    with at_hand(who, replications if replication is None else 1):
        from ras_sim.cli.run import RunOptions, run_scenario

        options = RunOptions(
            path=scenario,
            overrides=values,
            seed=seed,
            replications=replications,
            workers=who,
            out=out,
            as_json=as_json,
            quiet=quiet,
            replication=replication,
            precision=precision,
            metric=metric,
            max_replications=max_replications,
            allow_code=allow_code,
        )
        return run_scenario(options)


@app.command()
@guarded
def compare(
    scenarios: Annotated[
        list[Path],
        typer.Argument(metavar="SCENARIO...", help="Files; the first is the base.", show_default=False),
    ],
    set_a: Annotated[_Values, _variant("a")] = None,
    set_b: Annotated[_Values, _variant("b")] = None,
    set_c: Annotated[_Values, _variant("c")] = None,
    set_d: Annotated[_Values, _variant("d")] = None,
    set_e: Annotated[_Values, _variant("e")] = None,
    set_f: Annotated[_Values, _variant("f")] = None,
    overrides: Overrides = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same failures in every design.")] = 1,
    replications: Annotated[
        int, typer.Option("--replications", "-n", help="Histories that every design meets.")
    ] = 20,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT", help="Go on until all differences are known to +- this, e.g. 0.2% of goodput."
        ),
    ] = None,
    metric: Annotated[str, typer.Option(help="What --precision is about, e.g. mtti_h.")] = "goodput",
    max_replications: Annotated[int, typer.Option(help="Where --precision stops.")] = 2000,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write compare.html, summary.md, comparison.json, tables."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    workers: Processes = None,
    cluster: ClusterAddress = None,
    cluster_tls: ClusterTls = None,
    allow_code: AllowCode = False,
) -> int:
    """Put designs side by side on the same failures: scenario files, and variants of the first one."""
    from ras_sim.cli.workers import at_hand, chosen

    who = chosen(workers, cluster, cluster_tls, quiet)
    letters = {"a": set_a, "b": set_b, "c": set_c, "d": set_d, "e": set_e, "f": set_f}
    variants = {f"--set-{letter}": values for letter, values in letters.items() if values}
    with at_hand(who, replications):
        from ras_sim.cli.compare import CompareOptions, compare_designs

        options = CompareOptions(
            paths=scenarios,
            overrides=overrides or [],
            variants=variants,
            seed=seed,
            replications=replications,
            precision=precision,
            metric=metric,
            max_replications=max_replications,
            workers=who,
            out=out,
            as_json=as_json,
            quiet=quiet,
            allow_code=allow_code,
        )
        return compare_designs(options)


@app.command()
@guarded
def check(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Scenario files, or folders of them.", show_default=False),
    ],
    update: Annotated[bool, typer.Option("--update", help="Rewrite the baselines instead.")] = False,
    overrides: Overrides = None,
    seed: Annotated[
        int | None,
        typer.Option(help="The same seed gives the same results.", show_default="the baseline's, else 1"),
    ] = None,
    max_replications: Annotated[int, typer.Option(help="Where to stop undecided.")] = 640,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
    workers: Processes = None,
    cluster: ClusterAddress = None,
    cluster_tls: ClusterTls = None,
    allow_code: AllowCode = False,
) -> int:
    """Hold scenarios to what they expect: 0 if all do, 1 if one does not or cannot be decided."""
    from ras_sim.cli.check import CheckOptions, check_scenarios
    from ras_sim.cli.workers import chosen

    who = chosen(workers, cluster, cluster_tls, quiet)
    how = update, as_json, quiet, allow_code
    options = CheckOptions(paths, overrides or [], seed, max_replications, who, *how)
    return check_scenarios(options)


@app.command()
@guarded
def sweep(
    scenario: ScenarioPath,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY.PATH=A,B,C",
            help="A key and its values, or LOW..HIGH for lhs; may be repeated.",
            show_default=False,
        ),
    ] = None,
    design: Annotated[
        str, typer.Option(metavar="grid|zip|lhs", help="Each with each, first with first, Latin hypercube.")
    ] = "grid",
    points: Annotated[int | None, typer.Option(help="How many, for lhs.", show_default=False)] = None,
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
            help="Keep every finished point there, write sweep.html, summary.md, sweep.json, tables; go on with it.",
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    workers: Processes = None,
    cluster: ClusterAddress = None,
    cluster_tls: ClusterTls = None,
    allow_code: AllowCode = False,
) -> int:
    """Run a scenario at many values of some of its keys, on the same failures."""
    from ras_sim.cli.sweep import SweepOptions, sweep_scenario
    from ras_sim.cli.workers import chosen

    options = SweepOptions(
        path=scenario,
        vary=vary or [],
        design=design,
        points=points,
        metric=metric,
        overrides=overrides or [],
        seed=seed,
        replications=replications,
        workers=chosen(workers, cluster, cluster_tls, quiet),
        out=out,
        as_json=as_json,
        quiet=quiet,
        allow_code=allow_code,
    )
    return sweep_scenario(options)


@app.command()
@guarded
def validate(
    scenarios: Annotated[
        list[Path], typer.Argument(metavar="SCENARIO...", help="Files.", show_default=False)
    ],
    overrides: Overrides = None,
    allow_code: AllowCode = False,
) -> int:
    """Check scenario files: every fault with its place."""
    from ras_sim.cli.validate import validate_scenarios

    return validate_scenarios(scenarios, overrides or (), allow_code)


@app.command()
@guarded
def show(
    scenario: ScenarioPath,
    component_class: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Failure modes of one component class.")
    ] = None,
    blast: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS:ID[:MODE]",
            help="What goes down with one part, and why, e.g. gpu:17 or gpu:17:sdc.",
        ),
    ] = None,
    graph: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the machine around --blast: .svg or .graphml.")
    ] = None,
    hops: Annotated[int, typer.Option(min=0, max=20, help="How far around --blast to draw.")] = 2,
    overrides: Overrides = None,
    allow_code: AllowCode = False,
) -> int:
    """Show the machine: parts, expected failures, blast radius."""
    from ras_sim.cli.show import ShowOptions, show_scenario

    options = ShowOptions(scenario, overrides or [], component_class, blast, graph, hops, allow_code)
    return show_scenario(options)


@app.command()
@guarded
def schema() -> int:
    """Print the JSON Schema of a scenario file, for editors."""
    import json

    from ras_sim.scenario.schema import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
