"""`ras-sim show`: what the machine is made of, what is expected to fail, and what goes down with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ras_sim.cli.blast import Part, blast_lines, parse_part
from ras_sim.cli.expected import Expected, expected_failures, mtti_h
from ras_sim.cli.guard import GOOD, printable, say
from ras_sim.cli.terminal import Terminal
from ras_sim.errors import InputError, Problem, nearest
from ras_sim.formats import format_count, format_duration, format_percent
from ras_sim.scenario.function import code_words
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario
from ras_sim.topology import Blueprint, export_graph
from ras_sim.units import HOURS_PER_DAY

_NOTES = (
    "Failures a day are the long-run rate over all parts of the machine: 1 / mean life of a part (with the "
    "followers of bursts), plus the strikes of shocks. Ages, infant mortality, batches, bad changes and the "
    "starts of the job change it in a run. Faults without effect (benign) are counted apart.",
    "A stop is a crash, a hang, or an exception that the policy does not catch on the first rung; slow and "
    "silent faults are no stops here. The mean times to interrupt are those of a job that uses every part, "
    "before spares and redundancy: MTTI (any) if every failure stopped it, MTTI (stops) if only stops did.",
)


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """What was asked for on the command line; see `ras_sim.cli.app.show`."""

    path: Path
    overrides: Sequence[str]
    component_class: str | None
    blast: str | None
    graph: Path | None
    hops: int
    allow_code: bool


def show_scenario(options: ShowOptions) -> int:
    """Print what was asked for: the overview, if nothing; returns the exit code."""
    scenario = load(options.path, options.overrides, allow_code=options.allow_code)
    machine = scenario.machine.build()
    part = parse_part(options.blast, scenario, machine) if options.blast is not None else None
    if options.component_class is not None:
        _check_class(options.component_class, machine)
    if options.graph is not None:
        _draw(machine, part, options.hops, options.graph)
    console = Terminal(highlight=False)
    if options.component_class is not None:
        _print_class(console, scenario, machine, options.component_class)
    if part is not None:
        for line in blast_lines(scenario, machine, part):
            console.print(Text(line), soft_wrap=True)
    if options.component_class is None and part is None and options.graph is None:
        _print_overview(console, scenario, machine)
    return GOOD


def _check_class(cls: str, machine: Blueprint) -> None:
    if cls not in machine.counts:
        known = ", ".join(machine.counts)
        raise InputError(
            [Problem("--class", None, None, "", repr(cls), f"one of {known}", nearest(cls, machine.counts))]
        )


def _draw(machine: Blueprint, part: Part | None, hops: int, path: Path) -> None:
    """Write the picture; what topology refuses is the user's to mend."""
    try:
        export_graph(machine, None if part is None else (part.component_class, part.instance), hops, path)
    except ValueError as error:
        got, _, wanted = str(error).partition(", want ")
        hint = "--blast CLASS:ID says around what to draw, --hops how far"
        raise InputError(
            [Problem("--graph", None, None, "", got.rpartition("got ")[2], wanted, hint)]
        ) from None
    except OSError as error:
        got = f"{str(path)!r}: {(error.strerror or str(error)).lower()}"
        raise InputError([Problem("--graph", None, None, "", got, "a file that can be written")]) from None
    say(f"written to {path}")


def _print_overview(console: Console, scenario: Scenario, machine: Blueprint) -> None:
    rows = expected_failures(scenario, machine)
    console.print(Text(printable(scenario.name), style="bold"))
    for label, text in _facts(scenario, machine, rows):
        console.print(Text(f"{label:<14}{text}"), soft_wrap=True)
    console.print()
    console.print(_parts_table(machine, rows))
    for note in _NOTES:
        console.print()
        console.print(Text(note, style="dim"))


def _facts(scenario: Scenario, machine: Blueprint, rows: Sequence[Expected]) -> list[tuple[str, str]]:
    """The headline facts of a scenario as (label, text)."""
    job, per_node = scenario.job, machine.gpus_per_node
    n_job = job.gpus // per_node
    n_other = machine.n_nodes - n_job - job.spares.nodes
    parallel = job.parallel
    width = job.gpus // (parallel.tensor * parallel.pipeline)
    groups = f"tensor {parallel.tensor} x pipeline {parallel.pipeline} x data {width}"
    if parallel.expert > 1:
        groups += f", expert {parallel.expert}"
    sizes = (format_count(n) for n in (machine.n_nodes, machine.n_nodes * per_node, machine.n_parts))
    return [
        ("machine", "{}: {} nodes, {} GPUs, {} parts".format(machine.kind, *sizes)),
        ("job", f"{format_count(job.gpus)} GPUs on {format_count(n_job)} nodes; {groups}"),
        (
            "spares",
            f"{format_count(job.spares.nodes)} nodes; {format_count(n_other)} nodes are left to others",
        ),
        ("horizon", format_duration(scenario.horizon)),
        *_policy_facts(scenario),
        ("MTTI (any)", format_duration(mtti_h(row.per_h for row in rows))),
        ("MTTI (stops)", format_duration(mtti_h(row.stops_per_h for row in rows))),
    ]


def _policy_facts(scenario: Scenario) -> list[tuple[str, str]]:
    """That the policy is code, if it is."""
    function = scenario.repair.policy.function
    if function is None:
        return []
    words = f"Python: {function.name}, {code_words(function.code)}; stops are counted as its other keys say"
    return [("policy", words)]


def _parts_table(machine: Blueprint, rows: Sequence[Expected]) -> Table:
    """Every class with its count and what is expected of it, those that fail most first."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("class")
    for title in ("count", "failures/day", "share", "stops/day", "benign/day", "one in"):
        table.add_column(title, justify="right")
    total = sum(row.per_h for row in rows)
    sums = {cls: [row for row in rows if row.component_class == cls] for cls in machine.counts}
    for cls in sorted(sums, key=lambda cls: -sum(row.per_h for row in sums[cls])):
        per_h = sum(row.per_h for row in sums[cls])
        cells = [format_count(machine.counts[cls])]
        if sums[cls]:
            cells += [
                _per_day(per_h),
                format_percent(per_h / total if total else 0.0),
                _per_day(sum(row.stops_per_h for row in sums[cls])),
                _per_day(sum(row.benign_per_h for row in sums[cls])),
                format_duration(mtti_h([per_h])),
            ]
        table.add_row(cls, *cells)
    return table


def _per_day(per_h: float) -> str:
    return format_count(per_h * HOURS_PER_DAY)


def _print_class(console: Console, scenario: Scenario, machine: Blueprint, cls: str) -> None:
    """The failure modes of one class."""
    console.print(Text(f"{cls}: {format_count(machine.counts[cls])} parts", style="bold"))
    rows = [row for row in expected_failures(scenario, machine) if row.component_class == cls]
    if not rows:
        console.print("no failure mode: it goes down with others only")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("mode", "failures/day", "stops/day", "symptoms", "cleared at"):
        table.add_column(title, justify="right" if title.endswith("/day") else "left")
    for row in rows:
        mode = scenario.failures[cls][row.name]
        shares = [
            _shares({str(key): p for key, p in table.items()}) for table in (mode.symptoms, mode.clears_at)
        ]
        cells = (row.name, _per_day(row.per_h), _per_day(row.stops_per_h), *shares)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(table)
    console.print()
    console.print(Text("Sources", style="bold"))
    for row in rows:
        console.print(Text(printable(f"{row.name}: {scenario.failures[cls][row.name].source}")))


def _shares(weights: dict[str, float]) -> str:
    return ", ".join(f"{name} {100 * p:.3g}%" for name, p in weights.items() if p > 0)
