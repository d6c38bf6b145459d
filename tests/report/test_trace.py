"""The trace held to the rules of the Trace Event Format, and to the ledger it was made from."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import ras_sim
from ras_sim.ledger import Ledger
from ras_sim.report.trace import INCIDENTS_PID, JOB_PID, RESOURCES_PID, trace, trace_json
from tests.ledgers import by_hand, empty

HOUR_US = 3_600_000_000
FULL = Path(__file__).parents[1] / "scenarios" / "full.yaml"
Event = dict[str, Any]


@pytest.fixture(scope="module")
def simulated() -> Ledger:
    return ras_sim.simulate(ras_sim.load(FULL), seed=1, replication=0)


@pytest.fixture(params=["by hand", "simulated", "empty"])
def ledger(request: pytest.FixtureRequest, simulated: Ledger) -> Ledger:
    return {"by hand": by_hand(), "simulated": simulated, "empty": empty()}[request.param]


def _events(ledger: Ledger, phase: str) -> list[Event]:
    events: list[Event] = json.loads(trace_json(ledger))["traceEvents"]
    return [one for one in events if one["ph"] == phase]


def test_every_event_has_what_its_phase_needs(ledger: Ledger) -> None:
    for one in json.loads(trace_json(ledger))["traceEvents"]:
        assert one["ph"] in ("X", "M", "C")
        assert isinstance(one["name"], str)
        assert isinstance(one["pid"], int)
        assert isinstance(one["tid"], int)
        if one["ph"] == "M":
            assert one["name"] in ("process_name", "thread_name", "process_sort_index")
            continue
        assert isinstance(one["ts"], int)
        assert 0 <= one["ts"] <= ledger.horizon_h * HOUR_US
        if one["ph"] == "X":
            assert isinstance(one["dur"], int)
            assert one["dur"] >= 0
            assert one["ts"] + one["dur"] <= ledger.horizon_h * HOUR_US + 1
        else:
            assert one["args"]
            assert all(isinstance(level, int) for level in one["args"].values())


def test_slices_of_a_lane_are_nested_or_apart_and_the_outer_one_comes_first(ledger: Ledger) -> None:
    lanes: dict[tuple[int, int], list[Event]] = defaultdict(list)
    for one in _events(ledger, "X"):
        lanes[one["pid"], one["tid"]].append(one)
    for slices in lanes.values():
        open_until: list[int] = []
        for one in slices:
            while open_until and open_until[-1] <= one["ts"]:
                open_until.pop()
            end = one["ts"] + one["dur"]
            assert not open_until or end <= open_until[-1]
            open_until.append(end)


def test_every_lane_and_process_has_a_name(ledger: Ledger) -> None:
    names = {(one["pid"], one["tid"]) for one in _events(ledger, "M") if one["name"] == "thread_name"}
    assert {(one["pid"], one["tid"]) for one in _events(ledger, "X")} <= names
    processes = {one["pid"] for one in _events(ledger, "M") if one["name"] == "process_name"}
    assert processes == {JOB_PID, INCIDENTS_PID, RESOURCES_PID}


def test_the_job_is_in_one_phase_at_a_time_and_never_in_none(simulated: Ledger) -> None:
    phases = [one for one in _events(simulated, "X") if one["pid"] == JOB_PID and one["name"] != "lost work"]
    covered = sum(one["dur"] for one in phases)
    assert covered == pytest.approx(simulated.horizon_h * HOUR_US, rel=1e-9)


def test_lost_work_has_the_hours_of_the_ledger(simulated: Ledger) -> None:
    drawn = sum(one["dur"] for one in _events(simulated, "X") if one["name"] == "lost work")
    lost_h = sum(row.hours for row in simulated.job if row.category == "lost_work")
    assert lost_h > 0
    assert drawn / HOUR_US == pytest.approx(lost_h)


def test_every_incident_is_one_slice_with_its_stages_inside(simulated: Ledger) -> None:
    slices = [one for one in _events(simulated, "X") if one["pid"] == INCIDENTS_PID]
    ids = [one["args"]["incident"] for one in slices if "incident" in one["args"]]
    assert sorted(ids) == [row.incident_id for row in simulated.incidents]
    fixed = sum(one["args"].get("outcome") == "fixed" and "incident" not in one["args"] for one in slices)
    assert fixed == sum(row.outcome == "fixed" for row in simulated.attempts)


def test_counters_end_at_the_levels_of_the_ledger(simulated: Ledger) -> None:
    last = {one["name"]: one["args"]["level"] for one in _events(simulated, "C")}
    spares = sum(row.change for row in simulated.resources if row.resource == "spare_nodes")
    busy = sum(row.change for row in simulated.resources if row.resource == "technicians_busy")
    assert (last["spare nodes free"], last["technicians busy"]) == (spares, busy)


def test_a_lane_is_named_after_the_rung_that_closed_its_incidents() -> None:
    names = [one["args"]["name"] for one in trace(by_hand())["traceEvents"] if one["name"] == "thread_name"]
    assert names == ["phases", "lost work", "gpu reset 1", "no rung 1", "planned 1", "rma 1"]


def test_the_file_says_which_history_it_is() -> None:
    assert trace(by_hand(3))["otherData"] == {
        "scenario": "tiny",
        "seed": 1,
        "replication": 3,
        "horizon": "4.17 d",
    }
