"""Who notices first, what false alarms cost, and diagnosis that is wrong."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ras_sim.engine import simulate
from ras_sim.ledger import Ledger
from ras_sim.metrics import measure
from ras_sim.metrics.measures import check_conservation
from tests.small import (
    SOURCE,
    exponential,
    h,
    hours,
    ladder,
    mode,
    p_chi_square,
    per_h,
    rung,
    runs,
    small,
    tier,
    z_mean,
)

N = 3000


def once(symptom: str = "crash", **keys: Any) -> dict[str, Any]:
    """Every node fails once, each at an hour of its own within the first 2,000."""
    life = {"kind": "uniform", "low": "10000 h", "high": "12000 h"}
    return mode(lifetime=life, start_age="10000 h", symptoms={symptom: 1.0}, **keys)


def detected(
    watchdogs: dict[str, Any], symptom: str = "crash", base: Any = "50 h", **keys: Any
) -> np.ndarray:
    """Detection times of N nodes that fail once, none of them in the job but one."""
    scenario = small(
        9000.0,
        nodes=N,
        job_nodes=keys.pop("job_nodes", 1),
        failures={"node": {"fault": once(symptom, **keys)}},
        repair=ladder({"fix": rung(age_kept=0.0)}),
        **{f"detection__{symptom}": base, "detection__watchdogs": watchdogs},
    )
    rows = [
        row for row in simulate(scenario, seed=1, replication=0).incidents if row.component_class == "node"
    ]
    assert len({row.node for row in rows}) == N
    return np.array([row.detected_h - row.arrive_h for row in rows if row.root_id == row.incident_id])


def z_cdf(times: np.ndarray, cdf: Any) -> float:
    """p-value that times come from a law."""
    return float(stats.kstest(times, cdf).pvalue)


# ---------------------------------------------------------------------- who notices


@pytest.mark.parametrize(("every_h", "misses"), [(1.0, 1), (0.5, 3), (2.0, 5)])
def test_a_heartbeat(every_h: float, misses: int) -> None:
    """The fault falls anywhere between two beats: uniform over the last of the intervals."""
    times = detected({"beat": {"symptoms": ["crash"], "every": h(every_h), "misses": misses, **SOURCE}})
    assert z_cdf(times, stats.uniform((misses - 1) * every_h, every_h).cdf) > 6e-5


@pytest.mark.parametrize("coverage", [0.2, 0.9])
def test_coverage(coverage: float) -> None:
    """What it does not cover is found when it always was; two of them miss both with (1 - c)^2."""
    one = {"symptoms": ["crash"], "coverage": coverage, "latency": "1 h", **SOURCE}
    for n in (1, 2):
        times = detected({f"log{i}": one for i in range(n)})
        assert set(np.round(times, 9)) == {1.0, 50.0}
        assert abs(z_mean(times == times.max(), (1 - coverage) ** n)) < 4


def test_the_first_decides() -> None:
    """Two exponential latencies: their rates add up."""
    times = detected(
        {
            name: {"symptoms": ["crash"], "latency": exponential(mean), **SOURCE}
            for name, mean in (("a", 2.0), ("b", 3.0))
        },
        base="1000 h",
    )
    assert z_cdf(times, stats.expon(scale=1 / (1 / 2 + 1 / 3)).cdf) > 6e-5


@pytest.mark.parametrize("ranks", [1, 16, 512])
def test_timers_of_all_ranks(ranks: int) -> None:
    """The minimum of n timers U(8, 12): P(T > t) = ((12 - t) / 4)^n."""
    law = {"kind": "uniform", "low": "8 h", "high": "12 h"}
    dog = {"symptoms": ["hang"], "latency": law, "per_rank": True, **SOURCE}
    times = detected({"nccl": dog}, "hang", job_nodes=ranks)
    assert z_cdf(times, lambda t: 1 - ((12 - np.clip(t, 8, 12)) / 4) ** ranks) > 6e-5


@pytest.mark.parametrize(("speed", "seen"), [(0.5, True), (0.85, True), (0.91, False)])
def test_step_times_fall_behind(speed: float, seen: bool) -> None:
    """Brute force: the mean of the pace over the window, sampled each 0.001 h, falls below 1 - threshold."""
    threshold, window_h = 0.1, 2.0
    dog = {"symptoms": ["slow"], "threshold": threshold, "window": h(window_h), **SOURCE}
    times = detected({"pace": dog}, "slow", job_nodes=N, speed=speed)
    pace = np.concatenate([np.ones(2000), np.full(4000, speed)])
    mean = np.convolve(pace, np.full(2000, 1 / 2000), "valid")  # mean[k]: k / 1000 h after the onset
    below = np.flatnonzero(mean < 1 - threshold)
    assert (len(below) > 0) == seen
    first = times[times < 49]
    if seen:
        assert np.allclose(times, below[0] / 1000, atol=2e-3)
    else:
        assert len(first) == 0


def test_only_what_it_knows() -> None:
    """Modes, classes and symptoms that are not named are found when they always were."""

    def times(of: list[str] | None, symptoms: list[str]) -> float:
        dog = {"symptoms": symptoms, "latency": "1 h", **({"of": of} if of else {}), **SOURCE}
        return float(detected({"log": dog}).mean())

    assert times(["node"], ["crash"]) == times(["node.fault"], ["hang", "crash"]) == times(None, ["crash"])
    assert times(["node.other"], ["crash"]) == times(None, ["hang"]) == pytest.approx(50.0)


def test_a_watchdog_changes_no_draw_of_another() -> None:
    beat = {"symptoms": ["crash"], "coverage": 0.5, "latency": exponential(1.0), **SOURCE}
    alone = detected({"a": beat})
    both = detected({"a": beat, "b": {**beat, "coverage": 0.0}})
    assert np.array_equal(alone, both)


# ---------------------------------------------------------------------- false alarms


def alarms(rate: float, symptoms: list[str], **changes: Any) -> Any:
    dog = {"symptoms": symptoms, "latency": "1 h", "false_alarms": per_h(rate), **SOURCE}
    return small(
        1000.0,
        nodes=4,
        job_nodes=4,
        job__checkpoints={"disk": tier(1.0)},
        detection__diagnose="2 h",
        detection__watchdogs={"pace": dog},
        **{"repair": ladder({"fix": rung(takes_down="unit")}), **changes},
    )


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_false_alarms_come_while_the_job_computes(rate: float) -> None:
    """A renewal process: an exponential time of computing, then two hours in which the node is looked into."""
    ledgers = runs(alarms(rate, ["slow"]), 200)
    for ledger in ledgers:
        check_conservation(ledger)
    counts = [len(one.incidents) for one in ledgers]
    running = [measure(one).running_h for one in ledgers]
    # n - rate * running is a martingale with mean 0.
    assert abs(z_mean(np.array(counts) - rate * np.array(running), 0.0)) < 4
    assert {row.component_class for one in ledgers for row in one.incidents} == {"false_alarm"}
    nodes = [row.node for one in ledgers for row in one.incidents]
    assert p_chi_square(nodes, [0.25] * 4) > 6e-5


@pytest.mark.parametrize(("symptom", "saves"), [("slow", True), ("hang", False)])
def test_what_a_false_alarm_costs(symptom: str, saves: bool) -> None:
    """Two hours each; who looks for hangs kills the job, and half a checkpoint interval of work on average."""
    ledgers = runs(alarms(0.02, [symptom]), 200)
    n = np.array([sum(row.closed_h == row.closed_h for row in one.incidents) for one in ledgers])
    lost = np.array([hours(one).get("lost_work", 0.0) for one in ledgers])
    effects = Counter(row.job_effect for one in ledgers for row in one.incidents)
    assert effects.keys() == ({"drained"} if saves else {"interrupted"})
    if saves:
        assert lost.max() == 0.0
    else:
        # A Poisson point in an hour between saves: uniform, 1/2 on average.
        everyone = np.array([len(one.incidents) for one in ledgers])
        assert abs(z_mean(lost - 0.5 * everyone, 0.0)) < 4
    spent = np.array([hours(one).get("diagnose", 0.0) for one in ledgers])
    assert np.all(spent >= 2.0 * n - 1e-6)
    assert np.all(spent <= 2.0 * (n + 1) + 1e-6)


@pytest.mark.parametrize("false_alarm", [0.0, 0.5])
def test_an_accused_node_is_tested_until_it_passes(false_alarm: float) -> None:
    """A geometric number of tests of 3 h, while a spare serves."""
    test = {"after": ["fix"], "duration": "3 h", "coverage": 1.0, "false_alarm": false_alarm, **SOURCE}
    scenario = alarms(0.005, ["slow"], repair=ladder({"fix": rung(takes_down="unit")}, validation=test))
    spare = scenario.resolved()
    spare["machine"]["nodes"], spare["job"]["spares"]["nodes"] = 40, 36
    ledgers = runs(type(scenario).model_validate(spare), 150)
    rows = [row for one in ledgers for row in one.incidents if row.arrive_h < 900]
    tests = [round((row.closed_h - row.located_h) / 3.0) for row in rows]
    assert abs(z_mean(tests, 1 / (1 - false_alarm))) < 4 if false_alarm else set(tests) == {1}
    assert all("wait_capacity" not in hours(one) for one in ledgers)


# ---------------------------------------------------------------------- location


def located(location: dict[str, Any], **changes: Any) -> list[Ledger]:
    """Eight nodes of which each fails once; a fault that was not repaired comes back after 5 h."""
    given: dict[str, Any] = {
        "nodes": 8,
        "job_nodes": 8,
        "failures": {"node": {"crash": once(clears_at={"fix": 1.0})}},
        "repair": ladder({"fix": rung("1 h", takes_down="unit", age_kept=0.0)}, comes_back="5 h"),
        "detection__location": {**location, **SOURCE},
        **changes,
    }
    return runs(small(3000.0, **given), 60)


@pytest.mark.parametrize("wrong", [0.1, 0.5, 0.8])
def test_strikes_until_located(wrong: float) -> None:
    """Geometric; for each strike but the last an innocent node is repaired."""
    ledgers = located({"wrong": wrong})
    strikes, in_vain = [], 0
    for ledger in ledgers:
        check_conservation(ledger)
        true = [row for row in ledger.incidents if row.mode == "crash"]
        strikes += Counter(row.root_id for row in true).values()
        vain = [row for row in ledger.incidents if row.mode == "healthy"]
        in_vain += len(vain)
        assert {row.outcome for row in vain} <= {"in_vain"}
        assert len(vain) == sum(row.outcome == "comes_back" for row in true)
        guilty = {row.incident_id: row.node for row in true}
        assert all(row.node != guilty[row.root_id] for row in vain)
    assert len(strikes) == 8 * len(ledgers)
    assert p_chi_square(np.array(strikes) - 1, stats.geom.pmf(np.arange(1, 80), 1 - wrong)) > 6e-5
    assert abs(z_mean(strikes, 1 / (1 - wrong))) < 4


def test_what_a_wrong_location_costs() -> None:
    """The fault is back 5 h after the mistake, and each try costs its hour, on the innocent as on the guilty."""
    compared = 0
    for ledger in located({"wrong": 0.6}, nodes=2, job_nodes=2):
        rows = [row for row in ledger.incidents if row.mode == "crash"]
        for row in rows:
            if row.outcome == "comes_back":
                assert row.closed_h == row.located_h
                back = min(
                    one.arrive_h for one in rows if one.root_id == row.root_id and one.arrive_h > row.arrive_h
                )
                assert back - row.closed_h == pytest.approx(5.0)
        begun = sorted(one.asked_h for one in ledger.attempts)
        if min(np.diff(begun)) > 1.0:  # no two at a time
            compared += 1
            assert hours(ledger)["repair"] == pytest.approx(len(begun) * 1.0)
            assert len(begun) == len(rows)
    assert compared > 20


@pytest.mark.parametrize(("group", "size"), [(0.3, 2), (1.0, 4), (0.7, 8)])
def test_evictions_of_a_group(group: float, size: int) -> None:
    """group x (n - 1) innocent nodes for each fault; with spares for all of them the job waits for none."""
    test = {"after": ["fix"], "duration": "2 h", "coverage": 1.0, "false_alarm": 0.0, **SOURCE}
    ledgers = located(
        {"group": group, "group_nodes": size},
        nodes=40,
        job__spares__nodes=32,
        repair=ladder(
            {"fix": rung("1 h", takes_down="unit", meanwhile="swap", age_kept=0.0)}, validation=test
        ),
    )
    evicted = []
    for ledger in ledgers:
        rows = {row.incident_id: row for row in ledger.incidents}
        n = Counter(row.root_id for row in ledger.incidents if row.mode == "healthy")
        begun = [row.arrive_h for row in rows.values() if row.mode == "crash"]
        alone = [
            row
            for row in rows.values()
            if row.mode == "crash"
            and row.job_effect == "interrupted"
            and sum(abs(at_h - row.arrive_h) < 4 for at_h in begun) == 1
        ]
        evicted += [n[row.incident_id] for row in alone]
        assert all(row.outcome == "acquitted" for row in rows.values() if row.mode == "healthy")
        assert all(
            row.closed_h - row.arrive_h == pytest.approx(2.0)
            for row in rows.values()
            if row.mode == "healthy"
        )
    assert set(evicted) <= {0, size - 1}
    assert len(evicted) > 200
    assert abs(z_mean(evicted, group * (size - 1))) < 4 if group < 1 else set(evicted) == {size - 1}


def test_a_group_without_spares_is_waited_for() -> None:
    """Four nodes without spares: the job stands still until the tests are over, two hours after the fault."""
    test = {"after": ["fix"], "duration": "2 h", "coverage": 1.0, "false_alarm": 0.0, **SOURCE}
    repair = ladder({"fix": rung(0, takes_down="unit", age_kept=0.0)}, validation=test)
    for ledger in located({"group": 1.0, "group_nodes": 4}, nodes=4, job_nodes=4, repair=repair)[:20]:
        begun = sorted(row.arrive_h for row in ledger.incidents if row.mode == "crash")
        if min(np.diff(begun)) > 2.0:
            assert len(ledger.incidents) == 4 * 4
            stood = sum(
                value for name, value in hours(ledger).items() if name not in ("productive", "lost_work")
            )
            assert stood == pytest.approx(4 * 2.0)


def test_exact_location_changes_nothing() -> None:
    """A rule that never errs gives the same history as none."""
    assert [repr(one.job) for one in located({"wrong": 0.0})] == [
        repr(one.job)
        for one in runs(
            small(
                3000.0, nodes=8, job_nodes=8,
                failures={"node": {"crash": once(clears_at={"fix": 1.0})}},
                repair=ladder({"fix": rung("1 h", takes_down="unit", age_kept=0.0)}, comes_back="5 h"),
            ), 60,
        )
    ]  # fmt: skip
