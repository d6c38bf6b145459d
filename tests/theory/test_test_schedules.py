"""Tests that look for hidden faults: how long a defect stays undetected, whom they accuse by mistake, what they cost."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from ras_sim.distributions import Exponential
from ras_sim.engine.testing import Schedule
from ras_sim.repair.diagnostics import Test, Validation
from ras_sim.scenario.model import Scenario
from ras_sim.streams import base_key
from tests.small import SOURCE, exponential, fixed, h, hours, ladder, mode, rung, runs, small, tier, z_mean
from tests.theory.test_corruption import accusation, alarms, check, defect

pytestmark = pytest.mark.slow  # statistics over many lives

N = 150
PLACES = ("pause", "stop", "spares")


def probe(coverage: float, false_alarm: float = 0.0, duration: Any = 0, **keys: Any) -> dict[str, Any]:
    """A test that takes no time, unless told otherwise."""
    errors = {"coverage": coverage, "false_alarm": false_alarm, "duration": duration}
    return {**errors, **keys, **SOURCE}


def probing(modes: dict[str, Any], tests: dict[str, Any], horizon_h: float = 5000.0, **changes: Any) -> Scenario:
    """Repairs, swaps, saves, stops and starts take no time."""
    repair = ladder(
        {"fix": rung(takes_down="unit", replaces=True, meanwhile="swap")}, accusation=accusation(), tests=tests
    )
    given: dict[str, Any] = {
        "nodes": 5,
        "job_nodes": 4,
        "job__spares": {"nodes": 1, "swap": 0, **SOURCE},
        "job__checkpoints": {"disk": tier(1.0)},
        "repair": repair,
        **changes,
    }
    return small(horizon_h, failures={"node": modes} if modes else {}, **given)


@pytest.mark.parametrize("takes", PLACES)
@pytest.mark.parametrize(("every_h", "coverage"), [(20.0, 1.0), (8.0, 0.4), (30.0, 0.8)])
def test_a_defect_stays_undetected_for_half_an_interval_and_those_that_miss(
    takes: str, every_h: float, coverage: float
) -> None:
    """T/2 + T (1 - c) / c, variance T^2/12 + T^2 (1 - c) / c^2: onsets are uniform in an interval, misses geometric."""
    quiet = defect(1e-9, present=None, lifetime=exponential(400.0), clock="calendar")
    n_spares = 0 if takes == "pause" else 1  # those are not tested in production
    scenario = probing(
        {"sdc": quiet},
        {"probe": probe(coverage, every=h(every_h), takes=takes)},
        4000.0,
        nodes=4 + n_spares,
        job__spares={"nodes": n_spares, "swap": 0, **SOURCE},
    )
    waits = [
        row.detected_h - row.arrive_h
        for ledger in runs(scenario, 20 if takes == "spares" else 50)
        for row in ledger.incidents
        if row.mode == "sdc" and row.arrive_h < 3000.0
    ]
    assert len(waits) > 500
    assert not np.isnan(waits).any()
    assert abs(z_mean(waits, every_h / 2 + every_h * (1.0 - coverage) / coverage)) < 4.0
    variance = every_h**2 / 12 + every_h**2 * (1.0 - coverage) / coverage**2
    assert abs(z_mean((np.array(waits) - np.mean(waits)) ** 2, variance)) < 4.0


def defective_from_the_start(tests: dict[str, Any], **corrupts: Any) -> list[Counter[str]]:
    """Which test found the defect of a single node, in each of many histories: 100 h, by name."""
    scenario = probing(
        {"sdc": defect(1e-9, corrupts=corrupts)},
        tests,
        100.0,
        nodes=1,
        job_nodes=1,
        job__spares={"nodes": 0, "swap": 0, **SOURCE},
    )
    return [Counter(row.mode for row in alarms(ledger, "test")) for ledger in runs(scenario, 400)]


@pytest.mark.parametrize(("reproducible", "coverage"), [(0.5, 1.0), (0.3, 0.6), (0.8, 0.6)])
def test_what_cannot_be_made_to_show_is_found_by_no_test(reproducible: float, coverage: float) -> None:
    """Drawn once for each defect, not for each test: of those that can, all but (1 - c)^9 are found in nine tests."""
    found = defective_from_the_start(
        {"probe": probe(coverage, every="11 h", takes="pause")}, reproducible=reproducible
    )
    p = reproducible * (1.0 - (1.0 - coverage) ** 9)
    assert all(one["probe"] <= 1 for one in found)
    n = sum(one["probe"] for one in found)
    assert abs(n - len(found) * p) <= 4.0 * math.sqrt(len(found) * p * (1.0 - p))


@pytest.mark.parametrize(("weak", "strong"), [(0.1, 1.0), (0.2, 0.5), (0.0, 0.7)])
def test_each_test_finds_a_defect_with_a_chance_of_its_own(weak: float, strong: float) -> None:
    """Four weak tests come before the strong one: (1 - w)^4 s is its share, if no draw of one is that of the other."""
    tests = {
        "weak": probe(weak, every="20 h", takes="pause"),
        "strong": probe(strong, every="90 h", takes="pause"),
    }
    found = defective_from_the_start(tests)
    for name, p in (("weak", 1.0 - (1.0 - weak) ** 4), ("strong", (1.0 - weak) ** 4 * strong)):
        n = sum(one[name] for one in found)
        assert abs(n - len(found) * p) <= 4.0 * math.sqrt(len(found) * p * (1.0 - p))


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_the_share_of_time_that_work_is_tainted(coverage: float) -> None:
    """A defect that corrupts at rate r until a test finds it: E[(U - X)+] tainted and then lost, for each defect.

    With the age at detection U = V + K T, V uniform, K geometric:
    E[exp(-r U)] = (1 - exp(-r T)) / (r T) x c / (1 - (1 - c) exp(-r T)), E[(U - X)+] = E[U] - (1 - E[exp(-r U)]) / r.
    """
    rate, every_h, onset_h, horizon_h = 0.03, 24.0, 500.0, 4000.0
    fault = defect(rate, present=None, lifetime=exponential(onset_h))
    scenario = probing(
        {"sdc": fault},
        {"probe": probe(coverage, every=h(every_h), takes="stop")},
        horizon_h,
        nodes=1,
        job_nodes=1,
        job__spares={"nodes": 0, "swap": 0, **SOURCE},
        job__checkpoints={"disk": tier(0.001)},
    )
    lost, n = [], []
    for ledger in runs(scenario, N):
        lost.append(hours(ledger).get("lost_work", 0.0) + hours(ledger).get("tainted", 0.0))
        n.append(sum(row.mode == "sdc" for row in ledger.incidents))
    decay = math.exp(-rate * every_h)
    laplace = (1.0 - decay) / (rate * every_h) * coverage / (1.0 - (1.0 - coverage) * decay)
    age_h = every_h / 2 + every_h * (1.0 - coverage) / coverage
    each = age_h - (1.0 - laplace) / rate
    # Those that the horizon cuts off are one in many: N x the chance to be open at the end.
    assert abs(z_mean(np.array(lost) - each * np.array(n), 0.0)) < 4.0


@pytest.mark.parametrize("coverage", [0.3, 1.0])
@pytest.mark.parametrize("symptom", ["crash", "slow", "silent"])
def test_a_latent_defect_is_removed_before_it_shows(symptom: str, coverage: float) -> None:
    """With incubation L fixed at 2.5 T, a uniform phase: two or three tests before it shows, (1 - c)^2 or ^3 shows.

    What is found is drained, not crashed: only those that show lose work.
    """
    keys: dict[str, Any] = {"symptoms": {symptom: 1.0}} | ({"speed": 0.5} if symptom == "slow" else {})
    fault = mode(lifetime=exponential(300.0), incubates="25 h", **keys)
    scenario = probing(
        {"sdc": fault},
        {"probe": probe(coverage, every="10 h", takes="stop")},
        nodes=4,
        job__spares={"nodes": 0, "swap": 0, **SOURCE},
    )
    shown = total = 0
    for ledger in runs(scenario, 40):
        rows = [row for row in ledger.incidents if row.mode == "sdc"]
        found = {row.root_id for row in alarms(ledger, "test")}
        total += len(rows)
        shown += sum(row.incident_id not in found for row in rows)
        if coverage == 1.0:
            assert "lost_work" not in hours(ledger)
            assert {row.job_effect for row in rows} <= {"none", "drained", "extended"}
    p = ((1.0 - coverage) ** 2 + (1.0 - coverage) ** 3) / 2
    assert total > 1000
    assert abs(shown - total * p) <= 4.0 * math.sqrt(total * p * (1.0 - p))


@pytest.mark.parametrize("takes", PLACES)
@pytest.mark.parametrize("p_false", [0.001, 0.02])
def test_false_accusations_come_at_nodes_x_false_alarms_per_interval(takes: str, p_false: float) -> None:
    """In production the nodes of the job are tested, out of it spares, too; an acquitted node is back at once."""
    every_h, horizon_h = 10.0, 800.0
    at_once = {"at_once": 10} if takes == "spares" else {}
    scenario = probing(
        {},
        {"probe": probe(1.0, p_false, every=h(every_h), takes=takes, **at_once), "deep": check(1.0)},
        horizon_h,
        nodes=50,
        job_nodes=40,
        job__spares={"nodes": 10, "swap": 0, **SOURCE},
    )
    counts = [len(alarms(ledger, "test")) for ledger in runs(scenario, 40)]
    n = 40 if takes == "pause" else 50
    assert abs(z_mean(counts, n * p_false * horizon_h / every_h)) < 4.0


@pytest.mark.parametrize(("duration_h", "every_h"), [(0.1, 2.0), (0.5, 24.0)])
def test_a_test_in_production_takes_its_share_of_the_time(duration_h: float, every_h: float) -> None:
    """Between saves: duration / every; with a slow part the rest runs slower, and all of it still sums up."""
    slow = mode(symptoms={"slow": 1.0}, speed=0.5, lifetime=fixed(1000.0), start_age="900 h")
    scenario = probing(
        {"slow": slow},
        {"probe": probe(0.0, duration=h(duration_h), every=h(every_h), takes="pause")},
        200.0,
        nodes=1,
        job_nodes=1,
        job__spares={"nodes": 0, "swap": 0, **SOURCE},
        job__checkpoints={"disk": tier(1.0, 0.05)},
        detection__slow="100000 h",
    )
    (ledger,) = runs(scenario, 1)
    total = hours(ledger)
    between_h = 200.0 - total["checkpoint_save"]
    assert total["validate"] == pytest.approx(between_h * duration_h / every_h)
    halves = [
        sum(row.hours for row in ledger.job if row.category == "productive" and (row.start_h < 100.0) == early)
        for early in (True, False)
    ]
    share = 1.0 - duration_h / every_h
    assert halves[0] == pytest.approx((100.0 - 0.05 * int(halves[0] + 1e-9)) * share, abs=0.06)
    assert total["degraded"] == pytest.approx(halves[1])


def test_a_stop_for_a_test_is_planned_and_all_its_time_is_accounted_for() -> None:
    """By hand: at 10 the job saves for 0.1 h, is tested for 2 h, starts in 0.5 h; the next comes 10 h after its end."""
    scenario = probing(
        {},
        {"probe": probe(1.0, duration="2 h", every="10 h", takes="stop")},
        20.0,
        job__checkpoints={"disk": tier(1.0, valid_after="0.1 h")},
        job__initialise__base="0.5 h",
    )
    (ledger,) = runs(scenario, 1)
    assert hours(ledger) == pytest.approx(
        {"initialise": 1.0, "productive": 9.5 + 20.0 - 12.6, "checkpoint_save": 0.1, "validate": 2.0}
    )
    (row,) = ledger.incidents
    assert (row.component_class, row.mode, row.symptom, row.job_effect) == ("test", "probe", "planned", "drained")


def test_a_rotation_swaps_drains_and_returns() -> None:
    """Four nodes and a spare, one at a time each 2 h; at hour 8 the job is restarted for the fourth time."""
    scenario = probing(
        {},
        {"probe": probe(1.0, duration="1 h", every="10 h", takes="spares")},
        9.5,
        job__spares={"nodes": 1, "swap": "0.25 h", **SOURCE},
        job__initialise__base="0.25 h",
    )
    (ledger,) = runs(scenario, 1)
    assert hours(ledger) == pytest.approx({"initialise": 1.25, "swap": 1.0, "productive": 9.5 - 2.25})
    assert [row.n_interruptions for row in ledger.incidents] == [1] * 4
    levels = np.cumsum([row.change for row in ledger.resources if row.resource == "spare_nodes"])
    assert levels.min() == 0
    assert levels[-1] == 1


@pytest.mark.parametrize("coverage", [0.4, 1.0])
def test_a_bad_node_is_found_before_it_joins(coverage: float) -> None:
    """All nodes are defective at the start with probability 0.3; each is tested once before the first start, in 2 h.

    The spare that takes the place of one is tested, too, before the start goes on: after another 2 h.
    """
    scenario = probing(
        {"sdc": defect(1e-9, present=0.3)},
        {"pre": probe(coverage, duration="2 h", at_start=True)},
        100.0,
        nodes=30,
        job_nodes=10,
        job__spares={"nodes": 20, "swap": 0, **SOURCE},
    )
    found = bad = there = 0
    for ledger in runs(scenario, 100):
        rounds = hours(ledger)["validate"] / 2.0
        assert rounds == pytest.approx(round(rounds))
        rows = [row for row in ledger.incidents if row.mode == "sdc"]
        accused = {row.node for row in alarms(ledger, "test")}
        bad += sum(row.node < 10 for row in rows)
        there += len(rows)
        found += sum(row.node < 10 and row.node in accused for row in rows)
        if coverage == 1.0:
            assert not any(math.isnan(row.detected_h) and row.node < 10 for row in rows)
        assert all(row.n_interruptions == 0 for row in ledger.incidents)
    assert abs(there - 3000 * 0.3) <= 4.0 * math.sqrt(3000 * 0.3 * 0.7)
    assert bad > 200
    assert abs(found - bad * coverage) <= 4.0 * math.sqrt(bad * coverage * (1.0 - coverage))


def test_every_start_is_preceded_by_the_test() -> None:
    """Ten crashes, eleven starts: 0.2 h of tests before each."""
    crash = mode(lifetime=fixed(10.0), clears_at={"again": 1.0})
    repair = ladder({"again": rung(age_kept=0.0)}, tests={"pre": probe(1.0, duration="0.2 h", at_start=True)})
    scenario = small(
        105.0,
        failures={"node": {"crash": crash}},
        repair=repair,
        job__checkpoints={"disk": tier(1.0, survives="again")},
    )
    (ledger,) = runs(scenario, 1)
    assert hours(ledger)["validate"] == pytest.approx(11 * 0.2)


def test_the_start_is_not_tested_for_ever() -> None:
    """Each node is accused with 0.2: the first ten give two on average, their spares are tested in turn, and it starts."""
    scenario = probing(
        {},
        {"pre": probe(1.0, 0.2, duration="1 h", at_start=True), "deep": check(1.0, duration="50 h")},
        40.0,
        nodes=40,
        job_nodes=10,
        job__spares={"nodes": 30, "swap": 0, **SOURCE},
    )
    ledgers = runs(scenario, N)
    counts = [len(alarms(ledger, "test")) for ledger in ledgers]
    assert abs(z_mean(counts, 10 * 0.2 / (1 - 0.2))) < 4.0  # each accused one brings another one to be tested
    assert all(hours(ledger)["productive"] > 0.0 for ledger in ledgers)


def test_only_nodes_at_risk_are_tested() -> None:
    """Two crashes within 30 h send a node to the test: the other nine never go."""
    risk = {"incidents": 2, "window": "30 h"}
    crash = mode(lifetime=exponential(500.0), burst={"extra": 3.0, "gap": "5 h"}, clears_at={"again": 1.0})
    scenario = probing(
        {"crash": crash},
        {},
        200.0,
        nodes=12,
        job_nodes=10,
        job__spares={"nodes": 2, "swap": 0, **SOURCE},
        repair=ladder(
            {"again": rung(age_kept=0.0), "fix": rung(takes_down="unit")},
            accusation=accusation(),
            tests={"probe": probe(1.0, 1.0, every="12 h", takes="spares", only_after=risk)},
        ),
    )
    seen = 0
    for ledger in runs(scenario, 30):
        for row in alarms(ledger, "test"):
            seen += 1
            before = [
                one for one in ledger.incidents
                if one.node == row.node and row.arrive_h - 30.0 <= one.arrive_h < row.arrive_h
                and one.symptom not in ("planned", "healthy")
            ]  # fmt: skip
            assert len(before) >= 2
    assert seen > 20


@pytest.mark.parametrize("p_false", [0.5, 0.9, 1.0, 0.03])
@pytest.mark.parametrize("n", [1, 7, 500])
def test_each_good_node_is_accused_with_the_same_chance(p_false: float, n: int) -> None:
    """In runs of n tests: a binomial number in all, each test of a run as likely as the others."""
    errors = Validation(Exponential(1.0), 0.0, p_false)
    schedule = Schedule(Test("probe", errors, None, "", 1, None, True, False), base_key(5, 0, "test", "probe"))
    n_runs = 3500 // n
    numbers = [number for _ in range(n_runs) for number, _ in schedule.wrong(n)]
    total = n * n_runs
    assert abs(len(numbers) - total * p_false) <= 4.0 * math.sqrt(total * p_false * (1.0 - p_false))
    assert set(numbers) <= set(range(n))
    assert len(set(numbers)) == n or n == 500
    assert len(numbers) == total or p_false < 1.0


@pytest.mark.parametrize("takes", ["pause", "stop"])
def test_what_is_known_already_is_not_found_again(takes: str) -> None:
    """A slow part that is detected and tolerated stays: no test accuses its node of it."""
    slow = mode(lifetime=exponential(50.0), symptoms={"slow": 1.0}, speed=0.9)
    repair = ladder(
        {"fix": rung(takes_down="unit", replaces=True, meanwhile="swap")},
        accusation=accusation(),
        tests={"probe": probe(1.0, every="10 h", takes=takes)},
        policy={"tolerate_speed": 0.5},
    )
    alone = {"nodes": 4, "job__spares": {"nodes": 0, "swap": 0, **SOURCE}}
    ledger = runs(probing({"slow": slow}, {}, 500.0, repair=repair, **alone), 1)[0]
    assert [row.outcome for row in ledger.incidents if row.mode == "slow"].count("tolerated") >= 3
    assert not alarms(ledger, "test")
