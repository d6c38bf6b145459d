"""The exported log gives the goodput of the ledger, by the calculator's own rule and by the calculator itself."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import ras_sim
from ras_sim.ledger import JobRow, Ledger
from ras_sim.metrics import measure
from ras_sim.report.goodput_log import EPOCH_S, entries, goodput_log
from tests.ledgers import by_hand, empty
from tests.report.calculator import PACKAGE, calculator, is_stand_in

SCENARIOS = Path(__file__).parents[1] / "scenarios"


def _deep() -> Ledger:
    """A session whose whole work is lost, and with it work of the session before: an older checkpoint was used."""
    ledger = empty()
    ledger.job = [
        JobRow(0.0, 10.0, "productive", 9.5, -1),
        JobRow(0.0, 10.0, "checkpoint_save", 0.5, -1),
        JobRow(10.0, 10.0, "productive", -1.0, -1),
        JobRow(10.0, 10.0, "lost_work", 1.0, -1),
        JobRow(10.0, 12.0, "repair", 2.0, -1),
        JobRow(12.0, 15.0, "productive", 3.0, -1),
        JobRow(15.0, 15.0, "productive", -5.0, -1),
        JobRow(15.0, 15.0, "lost_work", 5.0, -1),
        JobRow(15.0, 16.0, "restore", 1.0, -1),
        JobRow(16.0, 90.0, "productive", 74.0, -1),
        JobRow(90.0, 100.0, "wait_capacity", 10.0, -1),
    ]
    return ledger


def _down_for_ever() -> Ledger:
    ledger = empty()
    ledger.job = [JobRow(0.0, 100.0, "wait_capacity", 100.0, -1)]
    return ledger


@pytest.fixture(params=["by hand", "deep loss", "never up", "tiny", "full", "../alive/hgx"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    by_name = {"by hand": by_hand, "deep loss": _deep, "never up": _down_for_ever}
    if request.param in by_name:
        return by_name[request.param]()
    return ras_sim.simulate(ras_sim.load(SCENARIOS / f"{request.param}.yaml"), seed=3, replication=1)


def _counted_h(log: list[dict[str, Any]]) -> float:
    """Productive hours by the calculator's rule: kept steps, less custom events and saves."""
    kept: dict[int, tuple[float, float]] = {}
    previous: tuple[int, float] | None = None
    for one in log:
        if "step_start_time" in one:
            number, at_s = one["step_count"], one["step_start_time"]
            kept = {step: times for step, times in kept.items() if step < number}
            if previous is not None and previous[0] == number - 1:
                kept[number - 1] = (previous[1], at_s)
            previous = (number, at_s)
    total_s = sum(end - begin for begin, end in kept.values())
    events = [one for one in log if "custom_badput_event_type" in one]
    begins = [one["custom_badput_event_start_time"] for one in events[::2]]
    ends = [one["custom_badput_event_end_time"] for one in events[1::2]]
    for begin, end in zip(begins, ends, strict=True):
        assert any(a <= begin and end <= b for a, b in kept.values())
        total_s -= end - begin
    saves = (one for one in log if one.get("event_type") == "save")
    return (total_s - sum(one["checkpoint_manager_blocking_duration_secs"] for one in saves)) / 3600.0


def test_kept_steps_give_the_productive_hours_of_the_ledger(ledger: Ledger) -> None:
    metrics = measure(ledger)
    assert _counted_h(list(entries(ledger))) == pytest.approx(metrics.time_h["productive"], abs=1e-5)


def test_the_library_agrees_on_goodput_to_a_thousandth(ledger: Ledger, tmp_path: Path) -> None:
    goodput, details = _library(ledger, tmp_path)
    assert goodput == pytest.approx(100 * measure(ledger).goodput, rel=1e-3, abs=1e-6)
    time_h = measure(ledger).time_h
    if goodput > 0:
        expected = {
            "TPU_INITIALIZATION": time_h["initialise"],
            "UNPRODUCTIVE_CHECKPOINT_SAVE_TIME": time_h["checkpoint_save"],
            "UNPRODUCTIVE_CHECKPOINT_RESTORE_TIME": time_h["restore"],
            "WASTED_PROGRESS_FROM_DISRUPTION": time_h["lost_work"],
        }
        for name, hours in expected.items():
            assert details[name] == pytest.approx(100 * hours / ledger.horizon_h, abs=1e-3), name


def test_the_library_sees_a_log_that_is_wrong(tmp_path: Path) -> None:
    """What lends the agreement its weight: without its saves or its lost work a log says another goodput."""
    ledger = by_hand()
    log = list(entries(ledger))
    steps = [place for place, one in enumerate(log) if "step_count" in one]
    restarted = next(b for a, b in pairwise(steps) if log[b]["step_count"] <= log[a]["step_count"])
    wrong = {
        "no saves": [one for one in log if one.get("event_type") != "save"],
        "nothing lost": [*log[:restarted], *log[restarted + 1 :]],
    }
    for name, part in wrong.items():
        goodput, _ = _count(part, ledger.horizon_h, tmp_path / name)
        assert goodput != pytest.approx(100 * measure(ledger).goodput, rel=1e-2), name


def test_what_stands_in_for_missing_packages_is_gone_afterwards() -> None:
    before = set(sys.modules)
    with calculator():
        assert f"{PACKAGE}.src.goodput" in sys.modules
    left = set(sys.modules) - before
    assert not [name for name in left if name.startswith(PACKAGE) or is_stand_in(sys.modules[name])]


def _library(ledger: Ledger, cache: Path) -> tuple[float, dict[str, float]]:
    """Goodput and badput, percent, as ml-goodput-measurement counts them."""
    log = [json.loads(line) for line in goodput_log(ledger, "job").splitlines()]
    return _count(log, ledger.horizon_h, cache)


def _count(log: list[dict[str, Any]], horizon_h: float, cache: Path) -> tuple[float, dict[str, float]]:
    """The same of the entries of a log."""
    last = datetime.fromtimestamp(EPOCH_S + horizon_h * 3600.0, tz=UTC)

    class Reader:
        def read_cloud_logging_entries(self, **_: object) -> tuple[list[Any], tuple[datetime, str]]:
            return log, (last, "last")

    with calculator() as goodput_calculator:
        found = goodput_calculator("job", "log", cloud_logger=Reader(), cache_dir=str(cache))
        goodput, badput, _ = found.get_job_goodput(include_badput_breakdown=True)
    return goodput, {kind.name: share for kind, share in badput.items() if isinstance(share, float)}


def test_every_line_names_the_job_and_the_log_spans_the_run() -> None:
    log = [json.loads(line) for line in goodput_log(by_hand(), "tiny").splitlines()]
    assert {one["job_name"] for one in log} == {"tiny"}
    assert log[0]["job_start_time"] == EPOCH_S
    assert log[-1]["job_end_time"] == EPOCH_S + 100 * 3600.0


def test_a_restart_logs_the_step_once_more_that_it_begins_from() -> None:
    steps = [one["step_count"] for one in entries(_deep()) if "step_count" in one]
    restarts = [(before, number) for before, number in pairwise(steps) if number <= before]
    # The work of 7 steps outlives the second loss; the third restart is the end of the run in a downtime.
    assert restarts == [(8, 7), (9, 8), (82, 82)]
