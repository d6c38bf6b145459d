"""The same inputs give the same bytes, and a change gives only what it must change (common random numbers)."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from ras_sim.engine import simulate
from ras_sim.experiment.replicate import run
from ras_sim.ledger import IncidentRow, Ledger
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario
from tests.small import exponential, ladder, mode, rung, small, tier, weibull

TESTS = Path(__file__).parents[1]
FULL = TESTS / "scenarios" / "full.yaml"
TINY = TESTS / "scenarios" / "tiny.yaml"

_OTHER_PROCESS = """
import hashlib, sys
from ras_sim.engine import simulate
from ras_sim.scenario.load import load
ledger = simulate(load(sys.argv[1]), seed=int(sys.argv[2]), replication=int(sys.argv[3]))
sys.stdout.write(repr(ledger))
"""


def history(scenario: Scenario, seed: int = 5, replication: int = 2) -> str:
    """All rows of a run to the last bit; a text, because NaN differs from itself."""
    return repr(simulate(scenario, seed=seed, replication=replication))


# ---------------------------------------------------------------------- the same inputs


def test_twice_in_one_process() -> None:
    scenario = load(FULL)
    first = history(scenario)
    assert history(scenario) == first
    assert history(load(FULL)) == first


def test_after_another_scenario() -> None:
    first = history(load(FULL))
    tiny = load(TINY)
    history(tiny, seed=9)
    assert history(load(FULL)) == first
    assert history(tiny) != first


def test_other_replications_before_it_change_nothing() -> None:
    scenario = load(FULL)
    alone = history(load(FULL), replication=3)
    assert [history(scenario, replication=k) for k in range(4)][3] == alone


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_in_a_fresh_process(hash_seed: str) -> None:
    other = subprocess.run(
        [sys.executable, "-c", _OTHER_PROCESS, str(FULL), "5", "2"],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout == history(load(FULL))


def test_any_number_of_workers() -> None:
    scenario = load(TINY)
    one, two = (run(scenario, seed=3, replications=5, workers=n) for n in (1, 2))
    assert repr(one.ledgers) == repr(two.ledgers)
    assert repr(one.measures) == repr(two.measures)
    assert [ledger.replication for ledger in two.ledgers] == [0, 1, 2, 3, 4]


def test_more_replications_keep_the_first_ones() -> None:
    scenario = load(TINY)
    few, many = (run(scenario, seed=3, replications=n, workers=1) for n in (2, 5))
    assert repr(few.ledgers) == repr(many.ledgers[:2])
    assert len({repr(ledger.incidents) for ledger in many.ledgers}) == 5


def test_another_seed_is_another_history() -> None:
    scenario = load(FULL)
    assert len({history(scenario, seed=seed) for seed in (0, 1, -1, 2**70)}) == 4


# ---------------------------------------------------------------------- the order of a file


def reversed_blocks(data: Any, path: tuple[str, ...] = ()) -> Any:
    """The same values with the keys of every block in the opposite order; the ladder keeps its order, it means something."""
    if not isinstance(data, dict):
        return data
    keys = list(data) if path == ("repair", "ladder") else list(reversed(data))
    return {key: reversed_blocks(data[key], (*path, key)) for key in keys}


@pytest.mark.parametrize("path", [FULL, TINY, TESTS / "alive" / "hgx.yaml"], ids=lambda path: path.stem)
def test_the_order_of_keys_changes_nothing(path: Path) -> None:
    scenario = load(path)
    data = scenario.resolved()
    turned = reversed_blocks(data)
    assert list(turned["failures"]) == list(reversed(data["failures"]))
    for replication in range(3):
        other = Scenario.model_validate(turned)
        assert history(other, replication=replication) == history(scenario, replication=replication)


# ---------------------------------------------------------------------- common random numbers

MIXED = {"symptoms": {"crash": 0.5, "hang": 0.3, "slow": 0.2}, "speed": 0.8}
NEEDS = {"restart": 0.4, "reboot": 0.4, "rma": 0.2}
FAILURES: dict[str, Any] = {
    "node": {
        "steady": mode(clears_at=NEEDS, rate="0.02 per day", **MIXED),
        "wearing": mode(clears_at=NEEDS, lifetime=weibull(2.5, 1500.0), start_age="500 h", **MIXED),
        "lemons": mode(
            clears_at=NEEDS,
            lifetime=weibull(0.7, 2000.0),
            frailty={"kind": "gamma", "variance": 3.0},
            **MIXED,
        ),
    }
}
LADDER = {
    "restart": rung("5 min"),
    "reboot": rung("30 min", takes_down="node"),
    "rma": rung("4 h", takes_down="unit"),
}


def design(
    failures: dict[str, Any] = FAILURES, repair: dict[str, Any] | None = None, **changes: Any
) -> Scenario:
    """Forty nodes, three ways to fail on the calendar clock, and nothing that makes a unit new."""
    keys: dict[str, Any] = {
        "job__checkpoints": {"remote": tier(2.0, 0.01, survives="rma")},
        "job__initialise__base": "10 min",
        "detection__hang": "20 min",
        "detection__slow": "2 h",
        **changes,
    }
    return small(
        horizon_h=1500.0, nodes=40, job_nodes=32, failures=failures, repair=repair or ladder(LADDER), **keys
    )


Faults = dict[tuple[str, int], list[IncidentRow]]


def faults(ledger: Ledger) -> Faults:
    """The faults of each part and mode in order; returns of one that was not fixed are no faults of their own."""
    found: Faults = defaultdict(list)
    for row in ledger.incidents:
        if row.incident_id == row.root_id:
            found[f"{row.component_class}.{row.mode}", row.instance].append(row)
    return found


def first_arrivals(found: Faults, only: set[str]) -> dict[tuple[str, int], float]:
    """When each part failed for the first time, of some modes."""
    return {key: rows[0].arrive_h for key, rows in found.items() if key[0] in only}


MODES = {f"node.{name}" for name in FAILURES["node"]}
TESTED: dict[str, Any] = {
    "validation": {
        "after": ["reboot"], "duration": "15 min", "coverage": 0.5, "false_alarm": 0.2, "source": "assumed",
    }
}  # fmt: skip
POLICIES = {
    "slower repair": design(
        repair=ladder({name: {**one, "duration": "20 h"} for name, one in LADDER.items()})
    ),
    "start high": design(repair=ladder(LADDER, start="rma")),
    "swap in spares": design(
        repair=ladder({**LADDER, "rma": rung("4 h", takes_down="unit", meanwhile="swap")}),
        job__spares__nodes=4,
    ),
    "unseen failures": design(repair=ladder({**LADDER, "restart": rung("5 min", seen=0.2)})),
    "with tests": design(repair=ladder(LADDER, **TESTED)),
    "one technician": design(
        repair=ladder(
            {**LADDER, "rma": rung("4 h", takes_down="unit", technician=True)},
            technicians={"count": 1, "travel": exponential(2.0), "source": "assumed"},
        )
    ),
    "a day shift": design(
        repair=ladder(
            {**LADDER, "rma": rung("4 h", takes_down="unit", technician=True)},
            technicians={
                "count": 0, "shifts": {"day": {"days": "mon-fri", "begins": "08:00", "ends": "18:00", "count": 1}},
                "run_begins": "mon 00:00", "at_shift_end": "hand_over", "travel": exponential(2.0), "source": "assumed",
            },
        )
    ),
    "repeated tries": design(repair=ladder({**LADDER, "restart": rung("5 min", tries=4, works=0.5)})),
    "lemon rule": design(
        repair=ladder(LADDER, policy={"lemon": {"incidents": 2, "window": "500 h", "rung": "rma"}})
    ),
    "no checkpoints": design(job__checkpoints={}),
    "faster detection": design(detection__hang="1 min", detection__slow="5 min"),
}


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_meets_the_same_faults(policy: str) -> None:
    """First faults come at the same instants; the k-th fault of a part has the same symptom and need, whenever it comes."""
    base = design()
    for seed in (1, 2, 3):
        here, there = (simulate(one, seed=seed, replication=0) for one in (base, POLICIES[policy]))
        assert repr(here.job) != repr(there.job)
        mine, theirs = faults(here), faults(there)
        assert first_arrivals(mine, MODES) == first_arrivals(theirs, MODES)
        assert len(mine) > 60
        for part, rows in mine.items():
            for a, b in zip(rows, theirs[part], strict=False):
                assert (a.symptom, a.needs_rung) == (b.symptom, b.needs_rung)


def test_another_failure_mode_moves_no_fault_of_the_others() -> None:
    more = copy.deepcopy(FAILURES)
    more["node"]["another"] = mode(clears_at=NEEDS, rate="0.05 per day")
    for seed in (1, 2, 3):
        mine, theirs = (
            faults(simulate(design(which), seed=seed, replication=0)) for which in (FAILURES, more)
        )
        assert first_arrivals(mine, MODES) == first_arrivals(theirs, MODES)
        assert any(name == "node.another" for name, _ in theirs)
        for part, rows in mine.items():
            for a, b in zip(rows, theirs[part], strict=False):
                assert (a.symptom, a.needs_rung) == (b.symptom, b.needs_rung)


def test_a_higher_rate_keeps_every_first_fault_and_moves_it_earlier() -> None:
    often = copy.deepcopy(FAILURES)
    often["node"]["steady"]["rate"] = "0.03 per day"
    for seed in (1, 2, 3):
        mine, theirs = (
            first_arrivals(faults(simulate(design(which), seed=seed, replication=0)), {"node.steady"})
            for which in (FAILURES, often)
        )
        assert set(mine) <= set(theirs)
        assert all(theirs[part] < at_h for part, at_h in mine.items())


def test_another_shelf_changes_no_lead_time() -> None:
    """Draws belong to what they are about: the shelves of other classes do not share them."""
    data = load(FULL).resolved()
    parts = {cls: data["repair"]["parts"][cls] | {"lead_time": exponential(50.0)} for cls in ("gpu", "node")}
    more = {"cpu": {"stock": 3, "lead_time": "2 d", "source": "assumed"}, **parts}
    for replication in range(3):
        with_two, with_three = (
            simulate(
                Scenario.model_validate({**data, "repair": {**data["repair"], "parts": stocked}}),
                seed=1,
                replication=replication,
            )
            for stocked in (parts, more)
        )
        assert with_two.resources == [row for row in with_three.resources if row.resource != "parts.cpu"]
        assert sum(row.resource in ("parts.gpu", "parts.node") for row in with_two.resources) > 10
