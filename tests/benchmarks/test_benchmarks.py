"""The benchmarks run, and what a replication costs is bounded in counts, which no noise of the machine can change."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from benchmarks.floor import EventCount, events_of, fire
from benchmarks.measures import MEASURES
from benchmarks.run import main
from benchmarks.table import at_least, at_most, markdown, plain, times
from benchmarks.timing import Sample, interleaved
from benchmarks.workloads import AIRESIM, ROOT, Work, draw_arrays, larger, setup, simulated, work_of

LLAMA = ROOT / "scenarios" / "llama3_405b_16k.yaml"
SHORT = "horizon=20d"


@cache
def work(path: Path, factor: int = 1, *overrides: str) -> Work:
    return work_of(setup(path, *overrides) if factor == 1 else larger(path, factor, *overrides))


@pytest.mark.parametrize(("path", "overrides", "limit"), [(AIRESIM, (SHORT,), 5.5), (LLAMA, (), 10.0)])
def test_simpy_events_per_incident(path: Path, overrides: tuple[str, ...], limit: float) -> None:
    """An event costs about a microsecond: one more of them per incident is a decision, not an accident."""
    counted = work(path, 1, *overrides)
    assert counted.n_incidents > 200
    assert 1.0 < counted.events_per_incident <= limit


def test_a_larger_machine_with_as_many_faults_costs_no_more_calls() -> None:
    """Cost grows with faults, not with parts: no function is called once per node, GPU or link."""
    small, large = work(LLAMA), work(LLAMA, 10)
    assert abs(large.n_incidents - small.n_incidents) < 5.0 * (small.n_incidents + large.n_incidents) ** 0.5
    assert large.calls_per_incident < 1.1 * small.calls_per_incident


def test_counts_are_the_same_every_time() -> None:
    assert work_of(setup(AIRESIM, "horizon=2d")) == work_of(setup(AIRESIM, "horizon=2d"))


@pytest.mark.parametrize("count", [EventCount(50, 0), EventCount(40, 10), EventCount(85, 10)])
def test_the_floor_fires_as_many_events(count: EventCount) -> None:
    """But for the process that starts the others."""
    fired = events_of(lambda: fire(count))
    assert (fired.n_processes - 1, fired.n_events - 2) == (count.n_processes, count.n_events)


def test_arrays_hold_what_strikes() -> None:
    """Drawing alone finds at least the parts that fail for the first time in a replication."""
    built = setup(LLAMA)
    first = {(row.component_class, row.mode, row.instance) for row in simulated(built).incidents}
    assert 0.3 * len(first) < draw_arrays(built) < 3.0 * len(first)


def test_the_best_of_interleaved_rounds() -> None:
    seen: list[str] = []
    taken = interleaved(3, {"a": lambda: seen.append("a"), "b": lambda: seen.append("b")})
    assert seen == ["a", "b"] * 3
    assert taken["a"].best == min(taken["a"].values)
    assert Sample((2.0, 6.0)).over(Sample((1.0, 2.0))) == Sample((2.0, 3.0))


def test_a_line_says_met_or_missed() -> None:
    lines = [
        at_most("a", 4.0, 4.5, times, ""),
        at_most("b", 4.0, 4.0, times, ""),
        at_least("c", 60.0, 61.0, times, ""),
    ]
    assert [line.result for line in lines] == ["missed", "met", "met"]
    assert "missed" in plain(lines).splitlines()[1]
    assert markdown(lines).splitlines()[2] == "| a | <= 4.00 x | 4.50 x | missed |  |"


@pytest.mark.slow
def test_the_whole_harness_at_its_smallest() -> None:
    """Every target appears with a result, and nothing but the table goes to stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "--quick", "--markdown"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert all(line.startswith("|") for line in lines)
    results = [re.split(r" *\| *", line)[4] for line in lines if "<=" in line or ">=" in line]
    assert len(results) == 14
    assert set(results) <= {"met", "missed", "skipped"}
    assert "skipped" in results


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["nonsense"], f"want some of {', '.join(MEASURES)}"),
        (["--rounds", "0"], "got 0, want >= 1"),
        (["--airesim", "nowhere"], "no package airesim in nowhere"),
    ],
)
def test_wrong_usage_is_said(argv: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_profile_names_the_dearest_functions(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--profile", "--quick"])
    assert "tottime" in capsys.readouterr().out
