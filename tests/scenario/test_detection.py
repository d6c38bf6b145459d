"""What is refused of watchdogs, location, and the ladder as practised: where, and what was wanted."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ras_sim.scenario.checks import findings
from tests.small import SOURCE, ladder, mode, per_h, rung, small

TEST: dict[str, Any] = {"after": ["high"], "duration": "1 h", "coverage": 1.0, "false_alarm": 0.0, **SOURCE}
STEPS = {"retry": rung(0, takes_down="operation"), "fix": rung(), "high": rung(takes_down="unit")}


def found(
    dog: dict[str, Any] | None = None, policy: dict[str, Any] | None = None, **changes: Any
) -> list[tuple[str, str, str]]:
    """(place, what was wanted, hint) of everything that is wrong."""
    if dog is not None:
        changes["detection__watchdogs"] = {"dog": {"symptoms": ["crash"], "latency": "1 h", **SOURCE, **dog}}
    given = {"repair": ladder(STEPS, policy=policy or {}, validation=TEST), **changes}
    crash = mode(rate=per_h(0.01), symptoms={"crash": 0.5, "benign": 0.5})
    scenario = small(1000.0, nodes=4, job_nodes=4, failures={"node": {"crash": crash}}, **given)
    return [(".".join(one.path), one.wanted, one.hint) for one in findings(scenario)]


def test_good_ones_are_good() -> None:
    location = {"wrong": 0.5, "group": 0.5, "group_nodes": 4, **SOURCE}
    policy = {
        "escalate": {"after": "1 h", "rung": "high"},
        "probation": {"after": ["high"], "time": "1 h"},
        "merge": "node",
    }
    assert not found({"of": ["node", "node.crash"]}, policy, detection__location=location)


@pytest.mark.parametrize(
    ("dog", "where", "wanted", "hint"),
    [
        ({"symptoms": ["crsh"]}, "symptoms.0", "a symptom that somebody may notice", "crash"),
        ({"symptoms": ["crash", "hang"]}, "symptoms.1", "a symptom that some failure mode it knows has", ""),
        ({"of": ["node.crsh"]}, "of.0", "a failure mode, or a class that fails", "node.crash"),
    ],
)
def test_what_a_watchdog_looks_for(dog: dict[str, Any], where: str, wanted: str, hint: str) -> None:
    ((path, told, near),) = found(dog)
    assert path == f"detection.watchdogs.dog.{where}"
    assert told.startswith(wanted)
    assert hint in near


@pytest.mark.parametrize(
    ("dog", "message"),
    [
        ({"every": "1 h"}, "latency, every, window: got latency, every, want one of them"),
        ({"latency": None}, "latency, every, window: got none, want one of them"),
        ({"threshold": 0.1}, "window, threshold: got one of them, want both or none"),
        (
            {"latency": None, "window": "1 h", "threshold": 0.1},
            "symptoms: got crash beside `window`, want slow alone",
        ),
        ({"misses": 3}, "misses: got it without `every`"),
        ({"latency": None, "every": "1 h", "per_rank": True}, "per_rank: got it without `latency`"),
    ],
)
def test_kinds_of_watchdogs(dog: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message.replace("(", r"\(")):
        found(dog)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        (
            {"wrong": 0.7, "group": 0.5, "group_nodes": 2},
            "wrong, group: got 0.7 [+] 0.5, want at most 1 in all",
        ),
        ({"group": 0.5}, "group, group_nodes: got one of them"),
        ({"group_nodes": 3}, "group, group_nodes: got one of them"),
    ],
)
def test_location_adds_up(location: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        found(detection__location={**location, **SOURCE})


def test_a_group_fits_the_job_and_is_tested() -> None:
    location = {"group": 0.5, "group_nodes": 5, **SOURCE}
    ((where, wanted, _),) = found(detection__location=location)
    assert (where, wanted) == ("detection.location.group_nodes", "at most 4, the nodes of the job")
    untested = found(detection__location={**location, "group_nodes": 2}, repair=ladder(STEPS))
    assert [one[0] for one in untested] == ["detection.location.group"]


def test_rungs_of_the_policy_are_there() -> None:
    policy = {
        "escalate": {"after": "1 h", "rung": "hihg"},
        "probation": {"after": ["high", "fxi"], "time": "1 h"},
    }
    assert [(where, hint) for where, _, hint in found(policy=policy)] == [
        ("repair.policy.escalate.rung", "did you mean 'high'?"),
        ("repair.policy.probation.after.1", "did you mean 'fix'?"),
    ]


def test_only_what_takes_something_down_drains() -> None:
    steps = {**STEPS, "retry": rung(0, takes_down="operation", drains=True)}
    ((where, _, _),) = found(repair=ladder(steps))
    assert where == "repair.ladder.retry.drains"
