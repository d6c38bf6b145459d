"""What keeps monitors, tests and accusations from making sense is said at its key."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ras_sim.scenario.checks import findings
from ras_sim.scenario.model import Scenario
from tests.small import SOURCE, ladder, mode, rung, small

DEFECT = mode(symptoms={"silent": 1.0}, corrupts={"rate": "1 /h"}, present=0.5)
MONITOR = {"loss": {"notices": 0.5, "latency": 0, "false_alarms": "1 /h", **SOURCE}}
RULE = {"part": "node", "rung": "fix", **SOURCE}
PROBE = {"duration": "1 h", "coverage": 0.5, "false_alarm": 0.1, "every": "10 h", "takes": "stop", **SOURCE}


def scenario(monitors: Any = None, horizon_h: float = 1000.0, **repair: Any) -> Scenario:
    rungs = {"fix": rung(takes_down="unit"), "other": rung(applies_to=["gpu"])}
    return small(
        horizon_h,
        job_nodes=8,
        machine={"kind": "hgx", "nodes": 1, "nodes_per_pod": 4, "spines": 2},
        failures={"node": {"sdc": DEFECT}},
        detection__monitors=monitors,
        repair=ladder(rungs, **repair),
    )


def told(one: Scenario) -> list[tuple[str, str]]:
    return [(".".join(finding.path), finding.wanted) for finding in findings(one)]


def test_what_makes_sense_is_not_complained_about() -> None:
    assert told(scenario(MONITOR, accusation=RULE, tests={"probe": PROBE})) == []
    assert told(scenario()) == []  # a defect that nobody will ever find is a scenario, too


@pytest.mark.parametrize(
    ("monitors", "repair", "where", "wanted"),
    [
        (MONITOR, {}, "detection.monitors", "`repair.accusation` beside it"),
        (None, {"tests": {"probe": PROBE}}, "repair.tests", "`repair.accusation` beside it"),
        (None, {"accusation": RULE}, "repair.accusation", "that accuses somebody"),
        (
            None,
            {"tests": {"probe": PROBE}, "accusation": RULE | {"locates": 0.5}},
            "repair.accusation.locates",
            "whose alarms it is for",
        ),
        (MONITOR, {"accusation": RULE | {"part": "nod"}}, "repair.accusation.part", "a component class"),
        (MONITOR, {"accusation": RULE | {"rung": "fixx"}}, "repair.accusation.rung", "a rung of the ladder"),
        (MONITOR, {"accusation": RULE | {"rung": "other"}}, "repair.accusation.rung", "applies to node"),
        (
            MONITOR,
            {"accusation": RULE | {"quarantine": {"accusations": 2, "window": "1 h", "rung": "none"}}},
            "repair.accusation.quarantine.rung",
            "a rung of the ladder",
        ),
        (
            MONITOR,
            {"accusation": RULE, "tests": {"probe": PROBE | {"coverage_of": {"node.sdcc": 0.5}}}},
            "repair.tests.probe.coverage_of.node.sdcc",
            "a failure mode",
        ),
        (
            MONITOR,
            {"accusation": RULE, "tests": {name: PROBE | {"on_accusation": True} for name in ("a", "b")}},
            "repair.tests.b.on_accusation",
            "one in-depth check at most: a is one",
        ),
        (
            MONITOR,
            {"accusation": RULE, "tests": {"a": PROBE | {"takes": "pause", "every": "1 h"}}},
            "repair.tests.a.every",
            "leave time to train",
        ),
        (
            MONITOR,
            {"accusation": RULE, "tests": {"a": PROBE | {"at_start": True, "false_alarm": 1.0}}},
            "repair.tests.a.false_alarm",
            "no good node would serve",
        ),
        (
            MONITOR,
            {"accusation": RULE, "tests": {"a": PROBE | {"every": "0.0001 h"}}},
            "repair.tests.a",
            "at most 5,000,000 in a run",
        ),
    ],
)
def test_what_does_not_is_told_at_its_key(monitors: Any, repair: Any, where: str, wanted: str) -> None:
    found = told(scenario(monitors, **repair))
    assert [place for place, _ in found] == [where]
    assert wanted in found[0][1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"every": None, "takes": None}, "a test that is never run"),
        ({"takes": None}, "want both or none"),
        ({"at_once": 2}, "with `takes: spares` only"),
    ],
)
def test_a_test_needs_a_schedule(changes: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        scenario(MONITOR, accusation=RULE, tests={"probe": PROBE | changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symptoms": {"crash": 1.0}}, "only where the symptom silent"),
        ({"detection": {"silent": "1 h"}}, "got silent beside `corrupts`"),
        ({"corrupts": {"rate": "1 /h", "during": {"every": "1 h", "lasts": "2 h"}}}, "at most `every`"),
    ],
)
def test_corruption_belongs_to_silent_faults(changes: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        small(failures={"node": {"sdc": DEFECT | changes}})


def test_an_age_needs_something_to_be_that_old() -> None:
    with pytest.raises(ValidationError, match="age: got one without `every`"):
        small(job__checkpoints={"a": {"interval": "1 h", "blocking": 0, "valid_after": 0, "restore": 0,
                                      "survives": "fix", "keep": {"last": 1, "age": "1 d"}, **SOURCE}})  # fmt: skip
