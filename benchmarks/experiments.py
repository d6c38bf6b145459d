"""What many replications cost beyond the simulation: the runner, comparisons, workers, reports."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import ras_sim
from benchmarks.effort import Effort
from benchmarks.table import Line, at_least, at_most, megabytes, note, seconds, times
from benchmarks.timing import interleaved, wall_s
from benchmarks.workloads import AIRESIM, ROOT, SEED, setup, simulated
from ras_sim.experiment.compare import compare
from ras_sim.experiment.designs import Design, load_designs
from ras_sim.report.compare_html import write_compare_report
from ras_sim.report.html import write_report
from ras_sim.report.text import summary_markdown

COMPARE_FACTOR = 2.1
WORKERS_FACTOR = 1.8
RUNNER_FACTOR = 1.05
REPORT_S = 5.0
COMPARE_PAGE_BYTES = 20e6

QUICKSTART = ROOT / "scenarios" / "quickstart.yaml"
TECHNICIANS = ROOT / "scenarios" / "review_technicians.yaml"
TINY = ROOT / "tests" / "scenarios" / "tiny.yaml"


def comparing(effort: Effort) -> list[Line]:
    """Two designs compared against one of them run, in one process."""
    lines = []
    for path in (QUICKSTART, TECHNICIANS):
        designs = load_designs([path], [], {"--set-a": ["job.spares.nodes=1"]})
        n = max(2, effort.replications)
        taken = interleaved(
            effort.rounds,
            {
                "run": lambda first=designs[0], n=n: ras_sim.run(
                    first.scenario, seed=SEED, replications=n, workers=1, keep_ledgers=False
                ),
                "compare": lambda both=designs, n=n: compare(*both, seed=SEED, replications=n, workers=1),
            },
        )
        both, one = taken["compare"], taken["run"]
        what = f"compare two designs of {path.stem}, against one run"
        lines.append(at_most(what, COMPARE_FACTOR, both.best / one.best, times, both.over(one).spread(times)))
    return lines


def running(effort: Effort) -> list[Line]:
    """A run against its bare simulation, for replications of at least 50 ms."""
    overrides = effort.airesim_overrides or ("horizon=60d",)
    scenario, built = ras_sim.load(AIRESIM, list(overrides)), setup(AIRESIM, *overrides)
    n = max(2, effort.replications)
    taken = interleaved(
        effort.rounds,
        {
            "bare": lambda: [simulated(built, k) for k in range(n)],
            "run": lambda: ras_sim.run(scenario, seed=SEED, replications=n, workers=1, keep_ledgers=False),
            "measured": lambda: [_measured(simulated(built, k)) for k in range(n)],
        },
    )
    bare, run, told = taken["bare"], taken["run"], taken["measured"]
    return [
        note("airesim_4096: one replication, bare", seconds(bare.best / n), bare, seconds),
        note("  its metrics, against that", times(told.best / bare.best), told.over(bare), times),
        at_most(
            "  the runner around both",
            RUNNER_FACTOR,
            run.best / told.best,
            times,
            run.over(told).spread(times),
        ),
    ]


def _measured(ledger: ras_sim.Ledger) -> object:
    from ras_sim.metrics import check_conservation, measure

    check_conservation(ledger)
    return measure(ledger)


def spreading(effort: Effort) -> list[Line]:
    """Many short replications on one core and on two: wall time, so a busy machine makes it worse."""
    scenario, n = ras_sim.load(QUICKSTART), 25 * effort.replications

    def with_workers(count: int) -> None:
        ras_sim.run(scenario, seed=SEED, replications=n, workers=count, keep_ledgers=False)

    works = {"one": lambda: with_workers(1), "two": lambda: with_workers(2)}
    taken = interleaved(min(effort.rounds, 3), works, wall_s)
    one, two = taken["one"], taken["two"]
    busy = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {one.over(two).spread(times)}"
    return [
        at_least(
            f"{n} replications of quickstart: 2 workers", WORKERS_FACTOR, one.best / two.best, times, busy
        )
    ]


def reporting(effort: Effort) -> list[Line]:
    """The report of 1,000 replications, and the page of 100 designs."""
    n, n_designs = 125 * effort.replications, max(2, int(12.5 * effort.replications))
    result = ras_sim.run(ras_sim.load(QUICKSTART), seed=SEED, replications=n)
    designs = [
        Design(f"interval {k} min", ras_sim.load(TINY, [f"job.checkpoints.remote.interval={10 + k} min"]))
        for k in range(n_designs)
    ]
    found = compare(*designs, seed=SEED, replications=4)
    with tempfile.TemporaryDirectory() as folder:
        page, pages = Path(folder) / "report.html", Path(folder) / "compare.html"
        works = {"report": lambda: (write_report(result, page), summary_markdown(result))}
        taken = interleaved(min(effort.rounds, 3), works)["report"]
        write_compare_report(found, pages)
        size = pages.stat().st_size
    what = f"report.html and summary.md of {n} replications of quickstart: CPU time"
    return [
        at_most(what, REPORT_S, taken.best, seconds, taken.spread(seconds)),
        at_most(f"compare.html of {n_designs} designs", COMPARE_PAGE_BYTES, size, megabytes, "1 x"),
    ]


EXPERIMENTS = {"comparing": comparing, "running": running, "spreading": spreading, "reporting": reporting}
"""Measurements of what runs many replications, by name."""
