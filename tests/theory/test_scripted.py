"""Faults at known instants, and the ledger that follows from them by hand."""

from __future__ import annotations

from typing import Any

import pytest

from ras_sim.engine import simulate
from ras_sim.ledger import Ledger
from tests.small import SOURCE, faults_of, fixed, h, hours, ladder, mode, rung, small, tier, weibull

LIFE_H = 1000.0


def at(hour: float, symptom: str = "crash", **keys: Any) -> dict[str, Any]:
    """A fault at that hour and, after a repair that renews, not again."""
    return mode(lifetime=fixed(LIFE_H), start_age=h(LIFE_H - hour), symptoms={symptom: 1.0}, **keys)


def renewing(duration: Any = "1 h", **keys: Any) -> dict[str, Any]:
    """A rung that repairs the whole unit; nothing on the unit survives it, and nothing has to."""
    return rung(duration, **{"takes_down": "unit", "age_kept": 0.0, **keys})


def play(horizon_h: float, modes: dict[str, Any], **changes: Any) -> Ledger:
    """Run with a tier that saves each hour of work at no cost, and a repair that takes an hour."""
    given: dict[str, Any] = {
        "job__checkpoints": {"disk": tier(1.0)},
        "repair": ladder({"fix": renewing()}),
        "failures": {"node": modes},
        **changes,
    }
    return simulate(small(horizon_h, **given), seed=1, replication=0)


def same(ledger: Ledger, **expected: float) -> None:
    got = hours(ledger)
    assert got == pytest.approx(expected, rel=1e-9)
    assert sum(got.values()) == pytest.approx(ledger.horizon_h, rel=1e-12)


TIMES: dict[str, Any] = {
    "job__checkpoints": {"disk": tier(1.0, 0.1, restore="0.4 h")},
    "job__initialise__base": "0.3 h",
    "detection": {
        "exception": 0,
        "crash": "0.1 h",
        "hang": "2.1 h",
        "slow": 0,
        "silent": 0,
        "diagnose": "0.2 h",
        **SOURCE,
    },
    "repair": ladder({"fix": renewing("0.5 h")}),
}


@pytest.mark.parametrize(("symptom", "detect_h"), [("crash", 0.1), ("hang", 2.1)])
def test_every_phase_of_one_interruption(symptom: str, detect_h: float) -> None:
    """Up at 0.3, at hour 10 eight saves of 1.1 h and 0.9 h in hand; up again after 0.2 + 0.5 + 0.3 + 0.4 h."""
    up_h = 20.0 - (10.0 + detect_h + 1.4)
    saves = int(up_h / 1.1)
    ledger = play(20.0, {"fault": at(10.0, symptom)}, **TIMES)
    same(
        ledger, productive=8.0 + up_h - 0.1 * saves, checkpoint_save=0.8 + 0.1 * saves, lost_work=0.9,
        detect=detect_h, diagnose=0.2, repair=0.5, initialise=0.6, restore=0.4,
    )  # fmt: skip
    (row,) = ledger.incidents
    times = (row.arrive_h, row.detected_h, row.located_h, row.closed_h)
    assert times == pytest.approx((10.0, 10.0 + detect_h, 10.2 + detect_h, 10.7 + detect_h))
    assert (row.job_effect, row.n_interruptions, row.outcome) == ("interrupted", 1, "fixed")


RUNGS = {"exception": rung("0.25 h", takes_down="operation", age_kept=0.0), "fix": renewing()}


def test_a_caught_exception_loses_nothing() -> None:
    ledger = play(
        20.0,
        {"fault": at(10.5, "exception", clears_at={"exception": 1.0})},
        repair=ladder(RUNGS),
        job__initialise__base="1 h",
    )
    same(ledger, initialise=1.0, productive=18.75, repair=0.25)
    assert ledger.incidents[0].job_effect == "paused"
    assert ledger.incidents[0].n_interruptions == 0


def test_an_exception_that_is_not_caught_is_a_crash() -> None:
    """Up at 1, 9.5 h of work at 10.5 of which 0.5 are lost; 1 h of repair and 1 h of start-up."""
    ledger = play(
        20.0,
        {"fault": at(10.5, "exception")},
        repair=ladder(RUNGS, start="fix"),
        job__initialise__base="1 h",
    )
    same(ledger, initialise=2.0, productive=16.5, lost_work=0.5, repair=1.0)
    assert ledger.incidents[0].n_interruptions == 1


def test_an_exception_that_a_retry_does_not_clear_becomes_an_interruption() -> None:
    ledger = play(20.0, {"fault": at(10.5, "exception")}, repair=ladder(RUNGS))
    same(ledger, productive=18.25, lost_work=0.5, repair=1.25)
    assert (ledger.incidents[0].n_attempts, ledger.incidents[0].n_interruptions) == (2, 1)


def test_an_exception_during_the_first_start_up_does_not_skip_it() -> None:
    ledger = play(
        10.0,
        {"fault": at(0.5, "exception", clears_at={"exception": 1.0})},
        repair=ladder(RUNGS),
        job__initialise__base="1 h",
    )
    same(ledger, initialise=1.5, repair=0.25, productive=8.25)


def test_an_exception_in_the_pause_of_a_save_lets_the_save_end() -> None:
    """A save from 4.0 to 4.5 is met at 4.25 and goes on at 4.5; a crash at 4.9 goes back to it."""
    ledger = play(
        6.0,
        {"fault": at(4.25, "exception", clears_at={"exception": 1.0}), "crash": at(4.9)},
        repair=ladder(RUNGS, policy={"start": {"crash": "fix", "default": "exception"}}),
        job__checkpoints={"disk": tier(4.0, 0.5)},
    )
    same(ledger, productive=4.1, checkpoint_save=0.5, repair=1.25, lost_work=0.15)


def test_faults_during_initialise_and_restore() -> None:
    """Crash at 10.25; the start-up of 1 + 1 h is met at 11.75 while it initialises and at 14.25 while it restores."""
    ledger = play(
        20.0,
        {"a": at(10.25), "b": at(11.75), "c": at(14.25)},
        job__initialise__base="1 h",
        job__checkpoints={"disk": tier(1.0, restore="1 h")},
    )
    same(ledger, productive=11.75, lost_work=0.25, repair=3.0, initialise=3.5, restore=1.5)
    assert [row.n_interruptions for row in ledger.incidents] == [1, 0, 0]
    assert [row.job_effect for row in ledger.incidents] == ["interrupted", "extended", "extended"]


def test_a_worse_fault_during_recovery_takes_an_older_checkpoint() -> None:
    """Memory has hour 7, disk hour 5. The crash at 7.5 goes back to 7; the reboot at 7.75, in restore, to 5."""
    rungs = {"fix": renewing(0, takes_down="job"), "reboot": rung(0, takes_down="node", age_kept=0.0)}
    ledger = play(
        10.0,
        {"crash": at(7.5), "node": at(7.75, clears_at={"reboot": 1.0})},
        repair=ladder(rungs, policy={"start": {"node.node": "reboot", "default": "fix"}}),
        job__checkpoints={
            "memory": tier(1.0, restore="0.5 h", survives="fix"),
            "disk": tier(5.0, restore="1 h", survives="reboot"),
        },
    )
    same(ledger, productive=5.0 + 10.0 - 8.75, lost_work=2.5, restore=0.25 + 1.0)
    assert [row.incident_id for row in ledger.job if row.category == "lost_work"] == [0, 1]


@pytest.mark.parametrize(("meanwhile", "lost_h"), [("wait", 0.5), ("swap", 2.5)])
def test_a_node_that_is_swapped_out_takes_its_disk_along(meanwhile: str, lost_h: float) -> None:
    """The disk of the node has hour 7 and survives its reboot; another node finds only what is stored afar, hour 5."""
    rungs = {"reboot": renewing("1 h", takes_down="node", meanwhile=meanwhile), "rma": renewing()}
    ledger = play(
        10.0,
        {"crash": at(7.5, clock="in_job", clears_at={"reboot": 1.0})},
        nodes=2,
        job__spares={"nodes": 1, "swap": 0, **SOURCE},
        repair=ladder(rungs),
        job__checkpoints={"disk": tier(1.0, survives="reboot"), "remote": tier(5.0, survives="rma")},
    )
    assert hours(ledger)["lost_work"] == pytest.approx(lost_h)


def test_two_faults_at_once_are_one_stop_and_each_is_blamed_for_its_time() -> None:
    rungs = {"fix": renewing("1 h"), "long": renewing("3 h")}
    ledger = play(
        20.0,
        {"a": at(10.5), "b": at(10.5, clears_at={"long": 1.0})},
        repair=ladder(rungs, policy={"start": {"node.b": "long", "default": "fix"}}),
    )
    same(ledger, productive=16.5, lost_work=0.5, repair=3.0)
    blame = {row.incident_id: row.hours for row in ledger.job if row.category == "repair"}
    assert blame == pytest.approx({0: 1.0, 1: 2.0})
    assert sum(row.n_interruptions for row in ledger.incidents) == 1


SLOW = {"a": at(10.0, "slow", speed=0.8), "b": at(12.0, "slow", speed=0.5)}


def test_the_slowest_part_sets_the_pace_until_it_is_taken_out() -> None:
    """0.8 from 10 to 12, 0.5 to 14; a is repaired to 15; 0.5 to 16; b is repaired to 17."""
    ledger = play(20.0, SLOW, detection__slow="4 h")
    same(ledger, productive=10.0 + 1.6 + 1.0 + 0.5 + 3.0, degraded=0.4 + 1.0 + 0.5, repair=2.0)
    assert [row.job_effect for row in ledger.incidents] == ["drained", "drained"]


def test_a_slow_part_that_is_tolerated_stays() -> None:
    repair = ladder({"fix": renewing()}, policy={"tolerate_speed": 0.7})
    ledger = play(20.0, SLOW, detection__slow="4 h", repair=repair)
    same(ledger, productive=10.0 + 1.6 + 2.0 + 2.4, degraded=0.4 + 2.0 + 0.6, repair=1.0)
    assert [row.outcome for row in ledger.incidents] == ["tolerated", "fixed"]


def test_a_slow_interval_saves_by_work_and_not_by_time() -> None:
    """From hour 3 at half speed: saves of each hour of work end at 1, 2, 3, 5, 7; the crash at 8 loses half an hour."""
    modes = {"slow": at(3.0, "slow", speed=0.5), "crash": at(8.0)}
    ledger = play(9.0, modes, detection__slow="90 h", repair=ladder({"fix": renewing("1 h")}))
    same(ledger, productive=5.0, lost_work=0.5, degraded=2.5, repair=1.0)


def test_a_silent_fault_costs_all_work_since_the_last_sound_checkpoint() -> None:
    """Corrupt from 10.5, found at 15.5: back to hour 10."""
    ledger = play(20.0, {"sdc": at(10.5, "silent")}, detection__silent="5 h")
    same(ledger, productive=13.5, lost_work=5.5, repair=1.0)


def test_work_that_is_corrupt_again_after_a_restart_stays_corrupt() -> None:
    """The part stays in the job: the crash at 10.75 goes back to 10, and at 15.5 to hour 10 again."""
    ledger = play(20.0, {"sdc": at(10.5, "silent"), "crash": at(10.75)}, detection__silent="5 h")
    same(ledger, productive=10.0 + 20.0 - 16.5, lost_work=0.75 + (15.5 - 11.75), repair=2.0)


def swapping(**times: Any) -> dict[str, Any]:
    """One node serves the job, one is its spare; `swap` takes the node out for an hour."""
    return {
        "nodes": 2,
        "job__spares": {"nodes": 1, "swap": 0, **SOURCE},
        "repair": ladder(
            {"fix": renewing(), "swap": renewing(meanwhile="swap")},
            policy={"start": {"node.crash": "swap", "default": "fix"}},
        ),
        "job__checkpoints": {"disk": tier(1.0, survives="swap")},
        **times,
    }


def test_corruption_that_is_found_after_the_part_left_stops_the_job_all_the_same() -> None:
    """Corrupt from 5.5; swapped out at 6.25 (back to 6); found at 8.5: back to 5, with the other node."""
    modes = {
        "sdc": at(5.5, "silent", clock="in_job"),
        "crash": at(6.25, clock="in_job", clears_at={"swap": 1.0}),
    }
    ledger = play(11.0, modes, **swapping(detection__silent="3 h"))
    same(ledger, productive=5.0 + 2.5, lost_work=0.25 + 3.25)


def test_a_restart_before_the_corruption_without_the_part_is_clean() -> None:
    """Corrupt from 5.5; the node is swapped out at 5.75 and the job goes back to 5: nothing more to lose at 8.5."""
    modes = {
        "sdc": at(5.5, "silent", clock="in_job"),
        "crash": at(5.75, clock="in_job", clears_at={"swap": 1.0}),
    }
    ledger = play(11.0, modes, **swapping(detection__silent="3 h"))
    same(ledger, productive=11.0 - 0.75, lost_work=0.75)


def test_a_planned_stop_saves_first() -> None:
    """At 10: 9.1 h of work. Saved in 0.1 + 0.2 h, stopped for 2 h, restored in 0.4 h, up at 12.7 with nothing lost."""
    ledger = play(
        20.0,
        {},
        failures={},
        job__checkpoints={"disk": tier(1.0, 0.1, valid_after="0.2 h", restore="0.4 h")},
        job__planned={"release": {"every": "10 h", "duration": "2 h", **SOURCE}},
    )
    same(ledger, productive=9.1 + 6.7, checkpoint_save=0.9 + 0.3 + 0.6, planned=2.0, restore=0.4)
    (row,) = ledger.incidents
    assert (row.job_effect, row.component_class) == ("drained", "planned")


def test_a_planned_stop_waits_for_the_job_to_run() -> None:
    """Asked for at 10, in an outage from 9.5 to 11.5; begins at 11.5 and takes an hour."""
    ledger = play(
        15.0,
        {"crash": at(9.5)},
        repair=ladder({"fix": renewing("2 h")}),
        job__planned={"release": {"every": "10 h", "duration": "1 h", **SOURCE}},
    )
    same(ledger, productive=11.5, lost_work=0.5, repair=2.0, planned=1.0)
    planned = next(row for row in ledger.incidents if row.component_class == "planned")
    assert (planned.arrive_h, planned.detected_h, planned.closed_h) == pytest.approx((10.0, 11.5, 12.5))


def test_a_crash_while_a_planned_stop_saves_loses_the_work_in_hand() -> None:
    """The save of 0.5 h from 10.5 is cut short at 10.75, with 0.5 h of work not saved; the stop ends at 12."""
    ledger = play(
        15.0,
        {"crash": at(10.75)},
        repair=ladder({"fix": renewing("0.25 h")}),
        job__checkpoints={"disk": tier(1.0, valid_after="0.5 h")},
        job__planned={"release": {"every": "10.5 h", "duration": "1 h", **SOURCE}},
    )
    got = hours(ledger)
    assert got["lost_work"] == pytest.approx(0.5)
    assert got["checkpoint_save"] == pytest.approx(0.25)
    assert got["productive"] == pytest.approx(10.0 + 3.0)


def test_a_spare_that_fails_while_it_is_swapped_in() -> None:
    """Node 0 at 10.25, swap of 0.5 h; at 10.5 all three nodes fail for 2 h: nobody is left until 12.5."""
    modes = {
        "crash": at(10.25, clock="in_job", clears_at={"swap": 1.0}),
        "storm": at(10.5, clears_at={"swap": 1.0}),
    }
    ledger = play(
        20.0,
        modes,
        nodes=3,
        job__spares={"nodes": 2, "swap": "0.5 h", **SOURCE},
        repair=ladder({"swap": renewing("2 h", meanwhile="swap")}),
        job__checkpoints={"disk": tier(1.0, survives="swap")},
    )
    same(ledger, productive=17.5, lost_work=0.25, swap=0.5, wait_capacity=1.75)


def test_the_job_waits_for_the_first_node_that_returns() -> None:
    """Node 0 fails at 5.25 for 4 h and node 1 takes over; node 1 fails 5.25 h of its own later, at 10.5, for 4 h.

    Node 0 is back since 9.25 as a spare. With repairs of 8 h it is back at 13.25, and the job waits from 10.5.
    """
    for repair_h, waits_h in ((4.0, 0.0), (8.0, 2.75)):
        ledger = play(
            15.0,
            {"crash": at(5.25, clock="in_job", clears_at={"swap": 1.0})},
            nodes=2,
            job__spares={"nodes": 1, "swap": 0, **SOURCE},
            repair=ladder({"swap": renewing(h(repair_h), meanwhile="swap")}),
            job__checkpoints={"disk": tier(1.0, survives="swap")},
        )
        assert hours(ledger).get("wait_capacity", 0.0) == pytest.approx(waits_h)
        assert hours(ledger)["lost_work"] == pytest.approx(0.5)  # 0.25 of 5.25, then 0.25 of 10.25


def test_a_clock_that_stands_still_postpones_a_fault() -> None:
    """A crash at 5 powers the node off for 3 h: what comes at 10 powered hours comes at 13."""
    modes = {"crash": at(5.0), "wear": at(10.0, clock="powered")}
    for powers_off, hour in ((False, 10.0), (True, 13.0)):
        ledger = play(
            20.0, modes, repair=ladder({"fix": renewing("3 h", takes_down="node", powers_off=powers_off)})
        )
        assert faults_of(ledger, "wear")[0].arrive_h == pytest.approx(hour)


def test_a_node_that_two_repairs_keep_off_is_on_after_the_last() -> None:
    """Off from 5 to 8 for one fault and from 6 to 9 for another: wear of 10 powered hours comes at 14."""
    modes = {"a": at(5.0), "b": at(6.0), "wear": at(10.0, clock="powered")}
    ledger = play(20.0, modes, repair=ladder({"fix": renewing("3 h", takes_down="node", powers_off=True)}))
    assert faults_of(ledger, "wear")[0].arrive_h == pytest.approx(14.0)


SOON = {"rate": "0.5 /h"}


@pytest.mark.parametrize("forgetful", [False, True])
def test_a_fault_does_not_come_back_on_a_new_part(forgetful: bool) -> None:
    """`a` only seems fixed and would be back after 400 h; at 100 the node is replaced because of `b`."""
    rungs = {
        "fix": renewing(0, seen=0.0),
        "rma": rung(0, takes_down="unit", replaces=True),
    }
    needs = {"rma": 1.0}
    a = mode(clears_at=needs, **SOON) if forgetful else at(5.0, clears_at=needs)
    ledger = play(
        450.0,
        {"a": a, "b": at(100.0, clears_at=needs)},
        repair=ladder(rungs, policy={"start": {"node.b": "rma", "default": "fix"}}, comes_back="400 h"),
    )
    struck = faults_of(ledger, "a")
    assert all(row.incident_id == row.root_id for row in struck if row.arrive_h < 490.0)
    assert [row.arrive_h > 100.0 for row in struck] == ([False, True] if forgetful else [False])


@pytest.mark.parametrize("symptom", ["silent", "slow"])
@pytest.mark.parametrize("forgetful", [False, True])
def test_a_hidden_fault_is_gone_with_the_node_it_was_in(symptom: str, forgetful: bool) -> None:
    """Hidden from its onset; at 50 the node is replaced for a crash; the new node has a fault of its own, later."""
    keys: dict[str, Any] = {"symptoms": {symptom: 1.0}} | ({"speed": 0.5} if symptom == "slow" else {})
    hidden = mode(**keys, **SOON) if forgetful else mode(lifetime=fixed(40.0), **keys)
    ledger = play(
        95.0,
        {"hidden": hidden, "crash": at(50.0)},
        detection__silent="500 h",
        detection__slow="500 h",
        repair=ladder({"fix": rung(0, takes_down="unit", replaces=True)}),
    )
    first, second = faults_of(ledger, "hidden")
    assert (first.closed_h, first.outcome, first.n_attempts) == (50.0, "fixed", 0)
    assert second.arrive_h > 50.0
    assert forgetful or second.arrive_h == 90.0
    assert second.outcome == "open"
    slow_h = (50.0 - first.arrive_h) + (95.0 - second.arrive_h)
    assert hours(ledger).get("degraded", 0.0) == pytest.approx(slow_h / 2 if symptom == "slow" else 0.0)


def test_work_is_complete_at_the_hour_it_is_due() -> None:
    """Ten hours of work with a save of 0.1 h after each but the last, and a crash at 5.25 (4 saves, 0.85 h lost)."""
    ledger = play(100.0, {"crash": at(5.25)}, job__work="10 h", job__checkpoints={"disk": tier(1.0, 0.1)})
    assert ledger.completed
    assert ledger.horizon_h == pytest.approx(5.25 + 1.0 + 6.0 + 0.5)
    same(ledger, productive=10.0, checkpoint_save=0.9, lost_work=0.85, repair=1.0)


def test_a_checkpoint_counts_when_it_is_valid() -> None:
    """Saves each hour, usable 0.5 h later: a crash at 5.25 goes back to 4, one at 5.75 to 5."""
    for hour, lost_h in ((5.25, 1.25), (5.75, 0.75)):
        ledger = play(8.0, {"crash": at(hour)}, job__checkpoints={"disk": tier(1.0, valid_after="0.5 h")})
        assert hours(ledger)["lost_work"] == pytest.approx(lost_h)


def test_benign_faults_on_the_clock_of_the_job_strike_only_its_nodes() -> None:
    """Ten of a hundred nodes serve: 0.5 per node and hour for 100 h is 500 faults, not 5,000."""
    for lifetime in ({"rate": "0.5 /h"}, {"rate": "0.5 /h", "frailty": {"kind": "gamma", "variance": 1e-6}}):
        benign = mode(symptoms={"benign": 1.0}, clock="in_job", **lifetime)
        ledger = play(100.0, {"ecc": benign}, nodes=100, job_nodes=10)
        assert abs(ledger.faults[0].n_benign - 500) / 500**0.5 < 4.0


@pytest.mark.parametrize(("found_h", "tolerated"), [(500.0, 1.0), (0.0, 0.1)])
def test_a_crash_of_a_part_that_is_slow_already_is_a_crash(found_h: float, tolerated: float) -> None:
    """Half of the faults of each burst crash; none of them is hidden by a slow one that nobody repairs."""
    fault = at(10.0, clears_at={"fix": 1.0}, burst={"extra": 20.0, "gap": "1 h"}, speed=0.5)
    fault["symptoms"] = {"slow": 0.5, "crash": 0.5}
    n_crashes = n_faults = 0
    for replication in range(60):
        scenario = small(
            200.0,
            failures={"node": {"fault": fault}},
            repair=ladder({"fix": renewing(0)}, policy={"tolerate_speed": tolerated}),
            detection__slow=h(found_h),
        )
        ledger = simulate(scenario, seed=3, replication=replication)
        n_faults += ledger.faults[0].n_faults
        n_crashes += sum(row.n_interruptions for row in ledger.incidents if row.symptom == "crash")
    assert abs(n_crashes - 0.5 * n_faults) / (0.25 * n_faults) ** 0.5 < 4.0


def test_a_strike_that_comes_back_shows_as_it_did() -> None:
    """Half of the strikes of a shock are benign, the others crash or hang; what seemed to be fixed shows as before."""
    struck = mode(rate="1e-9 /h", symptoms={"crash": 0.25, "hang": 0.25, "benign": 0.5}, clears_at={"top": 1.0})
    shock = {"every": "5 h", "under": "machine", "strikes": "node.struck", "p_struck": 1.0, **SOURCE}
    ledger = play(
        1000.0,
        {"struck": struck},
        shocks={"surge": shock},
        nodes=4,
        job_nodes=4,
        repair=ladder({"fix": rung(0, seen=0.0), "top": rung(0)}),
    )
    first = {row.incident_id: row.symptom for row in ledger.incidents if row.root_id == row.incident_id}
    returns = [row for row in ledger.incidents if row.root_id != row.incident_id]
    assert len(returns) > 100
    assert {row.symptom for row in returns} == {"crash", "hang"}
    assert all(row.symptom == first[row.root_id] for row in returns)


@pytest.mark.parametrize(
    "keys",
    [{"lifetime": weibull(2.0, 3.0)}, {"rate": "0.3 /h", "frailty": {"kind": "gamma", "variance": 0.5}}, {"rate": "0.3 /h"},
     {"rate": "0.3 /h", "burst": {"extra": 0.5, "gap": "1 h"}}, {"rate": "0.3 /h", "present": 0.5}],
    ids=["ages", "frail", "constant", "bursts", "present"],
)  # fmt: skip
def test_faults_without_an_effect_need_no_rung(keys: dict[str, Any]) -> None:
    quiet = {**mode(symptoms={"benign": 1.0}, **keys), "clears_at": {}}
    ledger = play(100.0, {"corrected": quiet})
    same(ledger, productive=100.0)
    assert not ledger.incidents
    assert ledger.faults[0].n_faults == ledger.faults[0].n_benign > 0
