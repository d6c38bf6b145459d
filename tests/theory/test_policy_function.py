"""A policy in Python against the policy as data that says the same, against hand calculation, and against its own law."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from ras_sim.engine import simulate
from ras_sim.errors import InputError
from ras_sim.ledger import AttemptRow, Ledger
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario
from tests.policies import asking, with_policy
from tests.properties.test_conservation import (
    check_hours,
    check_incidents,
    check_resources,
    check_visits,
    scenarios,
)
from tests.small import SOURCE, fixed, h, ladder, mode, p_chi_square, per_h, rung, small, tier
from tests.theory.test_ladder_counts import N, each_once, renews, tries_by_root

TESTS = Path(__file__).parents[1]
BASES = {name: load(TESTS / name) for name in ("scenarios/full.yaml", "alive/hgx.yaml", "alive/watched.yaml")}


def history(scenario: Scenario, replication: int = 0) -> str:
    """All rows to the last bit; a text, because NaN differs from itself."""
    return repr(simulate(scenario, seed=3, replication=replication))


# ---------------------------------------------------------------------- the same policy, said twice


@pytest.mark.parametrize("name", BASES)
@pytest.mark.parametrize("answer", ["None", "case.proposal"])
def test_a_function_that_leaves_it_to_the_policy_changes_no_byte(name: str, answer: str) -> None:
    asked = asking(BASES[name], f"def choose(case):\n    return {answer}")
    assert [history(asked, k) for k in range(2)] == [history(BASES[name], k) for k in range(2)]


AT_LEAST = """
def at_least(case, rung):
    names = [step.name for step in case.ladder]
    return max(case.proposal, rung, key=names.index) if rung in names else None

def is_first(case):
    return not any(one.ended_h >= case.detected_h for one in case.tried)

"""

MIRRORS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "where to start": (
        {"start": {"default": "process_restart"}, "lemon": None},
        {"start": {"default": "node_reboot"}},
        "return at_least(case, 'node_reboot')",
    ),
    "where a symptom starts": (
        {"start": {"default": "process_restart"}, "lemon": None},
        {"start": {"hang": "node_reboot", "default": "process_restart"}},
        "return at_least(case, 'node_reboot') if case.symptom == 'hang' else None",
    ),
    "where a failure mode starts": (
        {"start": {"default": "process_restart"}, "lemon": None},
        {"start": {"gpu.xid": "rma", "default": "process_restart"}},
        "return at_least(case, 'rma') if (case.component_class, case.mode) == ('gpu', 'xid') else None",
    ),
    "repeat offenders": (
        {"lemon": None},
        {"lemon": {"incidents": 3, "window": "20 d", "rung": "rma"}},
        "return at_least(case, 'rma') if is_first(case) and case.incidents_within(480.0) >= 3 else None",
    ),
    "what takes long": (
        {"escalate": None},
        {"escalate": {"after": "25 min", "rung": "rma"}},
        "return at_least(case, 'rma') if case.open_h >= 25 / 60 - 1e-9 else None",
    ),
}
"""What is mirrored -> keys of the policy without it, keys that say it as data, and the body of a function that says it."""


@pytest.mark.parametrize("what", MIRRORS)
def test_a_function_and_the_same_rule_as_data_give_the_same_bytes(what: str) -> None:
    without, rule, body = MIRRORS[what]
    base = with_policy(BASES["scenarios/full.yaml"], **without)
    said, asked = with_policy(base, **rule), asking(base, f"{AT_LEAST}def choose(case):\n    {body}")
    histories = [[history(one, k) for k in range(3)] for one in (base, said, asked)]
    assert histories[1] == histories[2]
    assert histories[0] != histories[1], "the rule matters"


@pytest.mark.parametrize("tries", [1, 2, 4])
def test_a_function_that_counts_tries_gives_what_the_budget_of_a_rung_gives(tries: int) -> None:
    """Escalate after n tries, said by `tries` and by a function on a ladder without that limit."""
    failures = {"node": {"crash": mode(rate=per_h(0.02), clears_at={"low": 0.6, "high": 0.4})}}

    def scenario(limit: int) -> Scenario:
        rungs = {"low": rung("0.1 h", works=0.4, seen=0.7, tries=limit), "high": rung("1 h", takes_down="node")}
        return small(3000.0, nodes=4, job_nodes=2, failures=failures, repair=ladder(rungs, policy={"tries_window": h(1e6)}))

    body = f"return 'high' if case.tries_of('low') >= {tries} else None"
    asked = asking(scenario(100), f"def choose(case):\n    {body}")
    assert history(asked) == history(scenario(tries)) != history(scenario(100))


# ---------------------------------------------------------------------- by hand


def walk(code: str, needs: str = "reboot", **keys: Any) -> list[AttemptRow]:
    """The tries on one crash at hour 10, found at once."""
    fault = mode(lifetime=fixed(1000.0), start_age="990 h", clears_at={needs: 1.0})
    rungs = {
        "restart": renews("0.5 h"),
        "reset": renews("1 h", takes_down="node", tries=2),
        "reboot": renews("2 h", takes_down="node"),
        "rma": renews("8 h", takes_down="unit"),
    }
    base = small(100.0, failures={"node": {"crash": fault}}, repair=ladder(rungs), job__checkpoints={}, **keys)
    return simulate(asking(base, code), seed=1, replication=0).attempts


def test_a_walk_down_and_up_the_ladder() -> None:
    """Reset, then back down to restart, then straight to reboot: 1 + 0.5 + 2 h from hour 10."""
    rows = walk("def choose(case):\n    return ('reset', 'restart', 'reboot')[len(case.tried)]")
    assert [(row.rung, row.asked_h, row.end_h, row.outcome) for row in rows] == [
        ("reset", 10.0, 11.0, "failed"), ("restart", 11.0, 11.5, "failed"), ("reboot", 11.5, 13.5, "fixed"),
    ]  # fmt: skip


CHECKED = """
EXPECTED = [
    (10.0, 'restart', ()),
    (10.5, 'reset', (('restart', 10.5, 'failed'),)),
    (11.5, 'reset', (('restart', 10.5, 'failed'), ('reset', 11.5, 'failed'))),
    (12.5, 'reboot', (('restart', 10.5, 'failed'), ('reset', 11.5, 'failed'), ('reset', 12.5, 'failed'))),
]
n = 0

def choose(case):
    global n
    tried = tuple((one.rung, one.ended_h, one.outcome) for one in case.tried)
    assert (case.now_h, case.proposal, tried) == EXPECTED[n], (case, EXPECTED[n])
    n += 1
    assert (case.component_class, case.mode, case.node, case.symptom) == ('node', 'crash', 0, 'crash')
    assert (case.detected_h, case.incidents_h, case.n_spares, case.n_waiting) == (10.0, (10.0,), 0, 0)
    assert not case.job_runs and not case.disabled
    steps = [(step.name, step.mean_h, step.takes_down, step.tries) for step in case.ladder]
    assert steps == [
        ('restart', 0.5, 'job', 1), ('reset', 1.0, 'node', 2), ('reboot', 2.0, 'node', 1), ('rma', 8.0, 'unit', 1),
    ]
    assert not hasattr(case, 'root') and 'reboot' not in repr(case.tried)
"""


def test_a_case_holds_what_is_known_and_no_more() -> None:
    """The function itself checks what it is given; an assertion of it that fails is an error of the run."""
    assert [row.rung for row in walk(CHECKED)] == ["restart", "reset", "reset", "reboot"]
    with pytest.raises(InputError, match=r"policy.py:\d+: choose: got AssertionError"):
        walk(CHECKED.replace("10.5", "10.25"))


def test_the_ladders_own_limits_end_what_a_function_would_go_on_with() -> None:
    """It wants to restart for ever: tries are used up, and the next rungs are taken in its place."""
    rows = walk("def choose(case):\n    return 'restart'")
    assert [row.rung for row in rows] == ["restart", "reset", "reset", "reboot"]


SEEN: dict[str, tuple[float, str, dict[str, float], tuple[float, str]]] = {
    "it is seen to have failed": (1.0, "reboot", {"coverage": 0.0, "false_alarm": 0.0}, (11.5, "failed")),
    "the test finds it": (0.0, "reboot", {"coverage": 1.0, "false_alarm": 0.0}, (11.5, "rejected")),
    "the test rejects what is good": (0.0, "reset", {"coverage": 0.0, "false_alarm": 0.99}, (11.5, "rejected")),
    "it comes back": (0.0, "reboot", {"coverage": 0.0, "false_alarm": 0.0}, (11.5, "came_back")),
}
"""What -> `seen` of the reset, the rung that the fault needs, errors of the test, and the try as the function sees it."""


@pytest.mark.parametrize("what", SEEN)
def test_what_is_seen_of_a_try(what: str) -> None:
    """A reset of an hour from hour 10 and a test of half an hour; nobody knows whether a test that rejects is right."""
    seen, needs, errors, (ended_h, outcome) = SEEN[what]
    code = f"""
    def choose(case):
        if case.now_h == 10.0:
            return 'reset'
        got = [(one.rung, one.ended_h, one.outcome) for one in case.tried]
        assert got == [('reset', {ended_h}, {outcome!r})], got
        assert case.detected_h == ({ended_h} + 1.0 if {outcome!r} == 'came_back' else 10.0)
        return 'reboot'
    """
    wait = 0.0 if outcome == "failed" else 0.5
    fault = mode(lifetime=fixed(1000.0), start_age="990 h", clears_at={needs: 1.0})
    rungs = {
        "reset": renews(h(ended_h - 10.0 - wait), takes_down="node", seen=seen),
        "reboot": renews("2 h", takes_down="node"),
    }
    test = {"after": ["reset"], "duration": "0.5 h", **errors, **SOURCE}
    base = small(50.0, failures={"node": {"crash": fault}}, repair=ladder(rungs, validation=test))
    rows = simulate(asking(base, code), seed=1, replication=0).attempts
    assert [row.rung for row in rows] == ["reset", "reboot"]


def test_a_rung_that_was_tried_for_another_incident_of_the_node_is_told() -> None:
    """With `merge: node` the second crash of hour 10 waits while the node is reset for the first, which helps neither."""
    code = """
    def choose(case):
        if case.now_h == 10.0:
            return 'reset'
        assert [(one.rung, one.ended_h, one.outcome) for one in case.tried] == [('reset', 11.0, 'failed')], case
        return 'reboot'
    """
    fault = mode(lifetime=fixed(1000.0), start_age="990 h", clears_at={"reboot": 1.0})
    rungs = {"reset": renews("1 h", takes_down="node"), "reboot": renews("2 h", takes_down="node")}
    base = small(
        50.0, failures={"node": {"one": fault, "two": fault}}, repair=ladder(rungs, policy={"merge": "node"})
    )  # fmt: skip
    ledger = simulate(asking(base, code), seed=1, replication=0)
    assert Counter(row.rung for row in ledger.attempts) == {"reset": 2, "reboot": 2}
    assert {row.end_h for row in ledger.attempts} == {11.0, 13.0}


def test_spares_and_the_job_are_seen() -> None:
    """The node of the job crashes at hour 10; the spare takes its place while it is reset, and the job runs."""
    code = """
    seen = []

    def choose(case):
        seen.append((case.n_spares, case.job_runs))
        assert seen in ([(1, False)], [(1, False), (0, True)]), seen
        return 'reset' if len(seen) == 1 else 'reboot'
    """
    fault = mode(lifetime=fixed(1000.0), start_age="990 h", clears_at={"reboot": 1.0}, clock="in_job")
    rungs = {"reset": renews("1 h", takes_down="node", meanwhile="swap"), "reboot": renews("2 h", takes_down="node")}
    spares = {"nodes": 1, "swap": 0, **SOURCE}
    base = small(15.0, nodes=2, failures={"node": {"crash": fault}}, repair=ladder(rungs), job__spares=spares)
    rows = simulate(asking(base, code), seed=1, replication=0).attempts
    assert [row.rung for row in rows] == ["reset", "reboot"]


def test_those_who_wait_for_a_technician_are_seen() -> None:
    """Three nodes crash at once, one technician looks at one after the other: two wait, then one, then none. What happens
    at half past, while the technician is at work, needs nobody."""
    code = """
    def choose(case):
        if case.now_h == 10.0:
            return 'look'
        assert (case.now_h, case.n_waiting) in ((10.5, 2), (11.0, 2), (12.0, 1), (13.0, 0)), case
        return 'fix'
    """
    fault, late = (mode(lifetime=fixed(1000.0), start_age=h(age_h)) for age_h in (990.0, 989.5))
    rungs = {"look": renews("1 h", technician=True, works=0.0), "fix": renews("1 h", takes_down="node")}
    crew = {"count": 1, "travel": 0, **SOURCE}
    base = small(
        100.0, nodes=3, job_nodes=3, failures={"node": {"crash": fault, "late": late}},
        repair=ladder(rungs, technicians=crew),
    )  # fmt: skip
    rows = simulate(asking(base, code), seed=1, replication=0).attempts
    assert Counter(row.rung for row in rows) == {"look": 3, "fix": 6}


# ---------------------------------------------------------------------- laws


@pytest.mark.parametrize("works", [(0.5, 0.5), (0.2, 0.7), (0.9, 0.05), (0.35, 0.35)])
def test_tries_of_two_rungs_in_turn(works: tuple[float, float]) -> None:
    """Low, high, low, high ...: the number T of tries has P(T = 2k + 1) = q^k a and P(T = 2k + 2) = q^k (1 - a) b with
    q = (1 - a)(1 - b); for a = b it is geometric."""
    a, b = works
    rungs = {"low": renews(works=a, tries=100), "high": renews(works=b, tries=100)}
    base = small(
        900.0, nodes=N, repair=ladder(rungs),
        failures={"node": {"crash": mode(lifetime=fixed(1000.0), start_age="999 h", clears_at={"low": 1.0})}},
    )  # fmt: skip
    code = "def choose(case):\n    return ('low', 'high')[len(case.tried) % 2]"
    ledger = simulate(asking(base, code), seed=41, replication=0)
    tries = tries_by_root(ledger, "low") + tries_by_root(ledger, "high")
    q = (1 - a) * (1 - b)
    law = [0.0] + [q**k * p for k in range(40) for p in (a, (1 - a) * b)]
    assert p_chi_square(tries.tolist(), [*law, q**40]) > 1e-4
    expected = (a + 2 * (1 - a) * b) / (1 - q) + 2 * q / (1 - q)
    assert abs(float((tries.mean() - expected) / (tries.std(ddof=1) / np.sqrt(N)))) < 4
    assert Counter(tries_by_root(ledger, "low") - tries_by_root(ledger, "high")).keys() <= {0, 1}


def test_the_data_policy_climbs_where_the_function_goes_in_turn() -> None:
    """The law above is not that of the ladder itself."""
    rungs = {"low": renews(works=0.2, tries=100), "high": renews(works=0.7, tries=100)}
    assert max(tries_by_root(each_once(ladder(rungs), {"low": 1.0}), "high")) == 0


# ---------------------------------------------------------------------- whatever it answers


SCRAMBLED = """
calls = 0

def choose(case):
    global calls
    calls += 1
    steps = case.ladder
    n = (calls * 2654435761 + int(case.now_h * 1000) * 40503) % (len(steps) + 1)
    return steps[n].name if n < len(steps) else None
"""


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios())
def test_nothing_is_lost_whatever_a_function_answers(scenario: Scenario) -> None:
    asked = asking(scenario, SCRAMBLED)
    ledger = simulate(asked, seed=7, replication=0)
    check_hours(ledger)
    check_incidents(ledger)
    check_visits(ledger)
    check_resources(ledger, asked)
    assert repr(simulate(asked, seed=7, replication=0)) == repr(ledger), "a global of the policy begins anew"


def most_out_of_use(ledger: Ledger) -> int:
    """The most parts of one node that were out of use at one time."""
    out = [row for row in ledger.incidents if row.outcome == "disabled"]
    rests = {row.root_id: row for row in ledger.incidents if row.symptom == "slow"}
    events = [(row.closed_h, row.node, 1) for row in out]
    events += [(rests[row.root_id].closed_h, row.node, -1) for row in out if not math.isnan(rests[row.root_id].closed_h)]
    levels: Counter[int] = Counter()
    most = 0
    for _, node, change in sorted(events):
        levels[node] += change
        most = max(most, levels[node])
    return most


@pytest.mark.parametrize("rung_name", ["map_out", "rma"])
def test_a_function_that_insists_on_taking_parts_out_of_use_comes_to_an_end(rung_name: str) -> None:
    """Room for so many only, and what is out of use is not taken out again: the next rung up is taken in its place."""
    degraded = {"defer_from": 0.0, "until": "next_stop", **SOURCE}
    base = small(
        400.0, machine={"kind": "hgx", "nodes": 4, "dimms_per_node": 8}, job_nodes=16, job__spares__nodes=1,
        job__parallel={"tensor": 1, "pipeline": 1, "exposed": {"memory": 0.1}, **SOURCE},
        job__checkpoints={"disk": {**tier(1.0), "survives": "rma"}},
        failures={"dimm": {"due": mode(rate=per_h(0.004), clears_at={"rma": 1.0})}},
        repair=ladder(
            {
                "map_out": rung(0, takes_down="node", disables=True, at_most=2, tries=3),
                "rma": rung(0, takes_down="unit", replaces=True),
            },
            policy={"degraded": degraded}, units={"dimm": "node"},
        ),
    )  # fmt: skip
    ledger = simulate(asking(base, f"def choose(case):\n    return {rung_name!r}"), seed=2, replication=0)
    root_of = {row.incident_id: row.root_id for row in ledger.incidents}
    rungs = Counter(row.rung for row in ledger.attempts)
    assert rungs["rma"] > 10
    if rung_name == "rma":
        assert rungs["map_out"] == 0
        return
    assert set(Counter(root_of[row.incident_id] for row in ledger.attempts if row.rung == "map_out").values()) == {1}
    assert most_out_of_use(ledger) == 2


def test_the_wrong_node_gets_the_rung_that_the_function_chooses_for_the_right_one() -> None:
    """Who blames another node does not know it, so neither does the policy."""
    fault = mode(rate=per_h(0.02), clears_at={"low": 1.0})
    rungs = {"low": rung("0.1 h"), "high": rung("1 h", takes_down="node", age_kept=0.0)}
    base = small(
        1000.0, nodes=3, job_nodes=3, failures={"node": {"crash": fault}}, repair=ladder(rungs),
        detection__location={"wrong": 0.5, **SOURCE},
    )  # fmt: skip
    ledger = simulate(asking(base, "def choose(case):\n    return 'high'"), seed=5, replication=0)
    blamed = {row.incident_id for row in ledger.incidents if row.symptom == "healthy"}
    assert len(blamed) > 5
    assert {row.rung for row in ledger.attempts if row.incident_id in blamed} == {"high"}
