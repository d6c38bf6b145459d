"""Silent corruption by events: when work is tainted, who notices, who is accused, and how often."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import simpy

from ras_sim.engine import simulate
from ras_sim.engine.countdown import Countdown, Countdowns
from ras_sim.faults.corruption import Window
from ras_sim.ledger import IncidentRow, Ledger
from ras_sim.scenario.model import Scenario
from tests.small import (
    SOURCE,
    exponential,
    fixed,
    h,
    hours,
    ladder,
    mode,
    per_h,
    rung,
    runs,
    small,
    tier,
    z_mean,
)

N = 300
HORIZON_H = 400.0


def defect(rate: float, **keys: Any) -> dict[str, Any]:
    """A silent defect that every node has from the start, and that nothing but `fix` removes."""
    corrupts = {"rate": per_h(rate), **keys.pop("corrupts", {})}
    return mode(symptoms={"silent": 1.0}, corrupts=corrupts, **{"present": 1.0, **keys})


def monitor(notices: float, false_alarms: float = 0.0, latency: Any = 0) -> dict[str, Any]:
    return {"notices": notices, "latency": latency, "false_alarms": per_h(false_alarms), **SOURCE}


def accusation(**keys: Any) -> dict[str, Any]:
    return {"part": "node", "rung": "fix", **keys, **SOURCE}


def check(coverage: float, false_alarm: float = 0.0, **keys: Any) -> dict[str, Any]:
    """An in-depth check that takes no time."""
    errors = {"coverage": coverage, "false_alarm": false_alarm, "duration": 0}
    return {"on_accusation": True, **errors, **keys, **SOURCE}


REPAIR = {"fix": rung(takes_down="unit", replaces=True)}


def watched(modes: dict[str, Any], monitors: dict[str, Any], horizon_h: float = HORIZON_H, **changes: Any) -> Scenario:
    """Saves each hour at no cost; repairs take no time; monitors watch."""
    repair = ladder(REPAIR, accusation=changes.pop("accusation", accusation()), tests=changes.pop("tests", None))
    given: dict[str, Any] = {"job__checkpoints": {"disk": tier(1.0)}, "repair": repair, **changes}
    return small(horizon_h, failures={"node": modes}, detection__monitors=monitors, **given)


def alarms(ledger: Ledger, kind: str = "monitor") -> list[IncidentRow]:
    return [row for row in ledger.incidents if row.component_class == kind and row.symptom == "alarm"]


# ---------------------------------------------------------------------- events


@pytest.mark.parametrize("rate", [0.002, 0.01, 0.1])
def test_work_is_tainted_from_the_first_event_on(rate: float) -> None:
    """A defect that has not corrupted taints nothing: E[(H - X)+] with X exponential; none at all with exp(-rate H)."""
    tainted = np.array([hours(ledger).get("tainted", 0.0) for ledger in runs(watched({"sdc": defect(rate)}, {}), N)])
    x = rate * HORIZON_H
    assert abs(z_mean(tainted, HORIZON_H - (1.0 - math.exp(-x)) / rate)) < 4.0
    n_clean, p_clean = int((tainted == 0.0).sum()), math.exp(-x)
    assert abs(n_clean - N * p_clean) <= 4.0 * math.sqrt(N * p_clean * (1.0 - p_clean)) + 1.0


@pytest.mark.parametrize(("every_h", "lasts_h", "begins_h"), [(24.0, 6.0, 12.0), (10.0, 9.0, 0.0), (7.0, 0.5, 30.0)])
def test_a_condition_stretches_the_clock(every_h: float, lasts_h: float, begins_h: float) -> None:
    """The first event, mapped to the hours for which the condition held, is exponential; it comes only while it holds."""
    rate = 0.05
    during = {"every": h(every_h), "lasts": h(lasts_h), "begins": h(begins_h)}
    ledgers = runs(watched({"sdc": defect(rate, corrupts={"during": during})}, {}, 20 * HORIZON_H), N)
    first_h = np.array([20 * HORIZON_H - hours(ledger)["tainted"] for ledger in ledgers])
    phase_h = (first_h - begins_h) % every_h
    assert ((phase_h <= lasts_h + 1e-6) | (phase_h >= every_h - 1e-6)).all()
    whole = np.floor((first_h - begins_h) / every_h)
    before_h = -np.floor(-begins_h / every_h) * lasts_h - np.minimum(-begins_h % every_h, lasts_h)  # up to hour 0
    open_h = whole * lasts_h + np.minimum(first_h - begins_h - whole * every_h, lasts_h) + before_h
    assert abs(z_mean(open_h, 1.0 / rate)) < 4.0
    assert abs(z_mean((open_h - 1.0 / rate) ** 2, 1.0 / rate**2)) < 4.0


@pytest.mark.parametrize(("from_load", "counts"), [(None, True), (0.5, True), (0.6, False), (1.0, False)])
@pytest.mark.parametrize("during", [None, {"every": "10 h", "lasts": "4 h", "begins": 0}])
def test_a_defect_that_needs_load_rests_while_the_job_is_slow(
    from_load: float | None, during: dict[str, Any] | None, *, counts: bool
) -> None:
    """From 60 to 100 h one part halves the speed of all: they count only up to a load of 0.5: a thinned clock."""
    rate, end_h = 0.01, 150.0
    corrupts = {"from_load": from_load, "during": during}
    slow = {"rate": per_h(1e-12), "symptoms": {"slow": 1.0}, "clears_at": {"mend": 1.0}, "speed": 0.5, **SOURCE}
    scenario = watched(
        {"sdc": defect(rate, corrupts=corrupts), "slow": slow},
        {},
        end_h,
        shocks={"dust": {"every": fixed(60.0), "under": "machine", "strikes": "node.slow", "p_struck": 1.0, **SOURCE}},
        detection__slow="40 h",
        repair=ladder({"mend": rung(), **REPAIR}),
    )
    slow_h = 40.0 + 30.0  # it is slow again from 120 h on
    open_h = (1.0 if during is None else 0.4) * (end_h if counts else end_h - slow_h)
    ledgers = runs(scenario, N)
    assert hours(ledgers[0])["degraded"] == pytest.approx(0.5 * slow_h)
    x = rate * open_h
    n_clean = sum("tainted" not in hours(ledger) for ledger in ledgers)
    assert abs(n_clean - N * math.exp(-x)) < 4.0 * math.sqrt(N * math.exp(-x) * (1.0 - math.exp(-x)))
    first_h = [begin_h for ledger in ledgers if (begin_h := first_event_h(ledger)) is not None]
    n_slow = sum(60.0 + 1e-6 < at_h < 100.0 - 1e-6 or at_h > 120.0 + 1e-6 for at_h in first_h)
    assert (n_slow > 0) == counts


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("window", [None, Window(7.0, 3.0, 1.0)])
def test_a_countdown_rings_when_a_walk_has_counted_its_hours(seed: int, window: Window | None) -> None:
    """The job stops, runs on and changes its load at random; a walk in small steps adds up the hours that count."""
    rng, env, step_h = np.random.default_rng(seed), simpy.Environment(), 0.01
    countdowns, rung_h = Countdowns(env), list[float]()
    countdowns.begin(12.0, lambda: rung_h.append(env.now), window, 0.7)
    left_h, at_h, runs_now, load = 12.0, 0.0, False, 1.0
    while left_h > 0.0:
        if rng.random() < 0.5:
            load = float(rng.choice([0.5, 0.69, 0.7, 0.9, 1.0]))
            countdowns.change_load(load)
        else:
            runs_now = not runs_now
            (countdowns.job_runs if runs_now else countdowns.job_stops)()
        until_h = round(at_h + float(rng.integers(1, 300)) * step_h, 2)
        while at_h < until_h - 1e-9 and left_h > 0.0:
            opened = window is None or (at_h + step_h / 2 - window.begins_h) % window.every_h < window.lasts_h
            left_h = round(left_h - (step_h if runs_now and load >= 0.7 and opened else 0.0), 6)
            at_h += step_h
        if left_h > 0.0:
            assert not rung_h
            env.run(until=until_h)
    env.run(until=at_h + step_h)
    assert rung_h == pytest.approx([at_h], abs=1.5 * step_h)


@pytest.mark.parametrize("seed", range(30))
def test_many_countdowns_ring_as_each_would_alone(seed: int) -> None:
    """Begun and cancelled at random; some stop the job when they ring, some begin the next one. All are added up by hand."""
    rng, env = np.random.default_rng(seed), simpy.Environment()
    countdowns, rung = Countdowns(env), list[tuple[float, int]]()
    expected, left_h, handles = list[tuple[float, int]](), dict[int, float](), dict[int, Countdown]()
    runs_now, stoppers = False, set[int]()

    def ring(number: int) -> None:
        rung.append((env.now, number))
        if number in stoppers:
            countdowns.job_stops()

    for _ in range(60):
        act = rng.choice(["begin", "cancel", "turn", "turn"])
        if act == "begin":
            for number in range(len(handles), len(handles) + 3):  # some of them are over at once
                left_h[number] = float(rng.integers(1, 4))
                handles[number] = countdowns.begin(left_h[number], lambda number=number: ring(number))
                if rng.random() < 0.3:
                    stoppers.add(number)
        elif act == "cancel" and left_h:
            gone = int(rng.choice(list(left_h)))
            countdowns.cancel(handles[gone])
            del left_h[gone]
        elif act == "turn":
            runs_now = not runs_now
            (countdowns.job_runs if runs_now else countdowns.job_stops)()
        at_h, until_h = env.now, env.now + float(rng.integers(1, 3 << 20)) / (1 << 20)  # sums are exact
        while runs_now and left_h and at_h + min(left_h.values()) <= until_h:
            passed_h = min(left_h.values())
            at_h += passed_h
            left_h = {one: span_h - passed_h for one, span_h in left_h.items()}
            for one in [one for one, span_h in left_h.items() if span_h == 0.0]:
                if runs_now:  # those after one that stops the job wait until it runs again
                    expected.append((at_h, one))
                    del left_h[one]
                    runs_now = one not in stoppers
        if runs_now:
            left_h = {one: span_h - (until_h - at_h) for one, span_h in left_h.items()}
        env.run(until=until_h)
        assert rung == expected
    assert len(rung) > 3


def first_event_h(ledger: Ledger) -> float | None:
    """When the first event came, in a run that is slow from 60 to 100 h and from 120 h on; None if there was none."""
    total = hours(ledger)
    if "tainted" not in total:
        return None
    sound_h = total.get("productive", 0.0)
    for begin_h, end_h, speed in ((0.0, 60.0, 1.0), (60.0, 100.0, 0.5), (100.0, 120.0, 1.0), (120.0, 150.0, 0.5)):
        if sound_h <= (end_h - begin_h) * speed:
            return begin_h + sound_h / speed
        sound_h -= (end_h - begin_h) * speed
    raise AssertionError("more work than hours")


def test_the_window_counts_what_a_walk_counts() -> None:
    window, step_h = Window(5.0, 1.5, 2.0), 0.01
    walked_h, at_h = 0.0, 3.0
    while walked_h < 4.0 - 1e-9:
        at_h += step_h
        walked_h += step_h * (((at_h - step_h / 2) - 2.0) % 5.0 < 1.5)
    assert window.reached_h(3.0, 4.0) == pytest.approx(at_h, abs=1e-6)


@pytest.mark.parametrize("notices", [0.15, 0.6])
def test_roll_back_is_to_the_last_checkpoint_before_the_first_event(notices: float) -> None:
    """Lost are all hours from that checkpoint to the event that is noticed: a geometric number of gaps.

    With X the first event and G the gap to the noticed one: lost = X + G - floor(X), with E[G] = (1 - p) / (p rate).
    """
    rate, horizon_h = 0.05, 20_000.0
    ledgers = runs(watched({"sdc": defect(rate)}, {"loss": monitor(notices)}, horizon_h), N)
    lost = [hours(ledger)["lost_work"] for ledger in ledgers]
    fraction = 1.0 / rate - 1.0 / math.expm1(rate)  # E[X - floor(X)]
    assert abs(z_mean(lost, fraction + (1.0 - notices) / (notices * rate))) < 4.0
    assert all("tainted" not in hours(ledger) for ledger in ledgers)


# ---------------------------------------------------------------------- monitors


@pytest.mark.parametrize(("first", "second"), [(0.3, 0.5), (0.05, 0.9), (0.0, 0.2)])
def test_monitors_thin_the_events(first: float, second: float) -> None:
    """Found after an exponential time of rate x (1 - (1 - p)(1 - q)); by the first monitor with p of the chance of both."""
    rate, latency_h = 0.02, 3.0
    monitors = {"loss": monitor(first, latency=h(latency_h)), "norm": monitor(second, latency=h(latency_h))}
    ledgers = runs(watched({"sdc": defect(rate)}, monitors, 20_000.0), N)
    found = [row.detected_h for ledger in ledgers for row in ledger.incidents if row.mode == "sdc"]
    both = 1.0 - (1.0 - first) * (1.0 - second)
    assert len(found) == N
    assert abs(z_mean(found, 1.0 / (rate * both) + latency_h)) < 4.0
    by_first = sum(alarms(ledger)[0].mode == "loss" for ledger in ledgers)
    p = first / both
    assert abs(by_first - N * p) <= 4.0 * math.sqrt(N * p * (1.0 - p))


@pytest.mark.parametrize("false_per_h", [0.02, 0.2])
def test_false_alarms_come_while_the_job_computes(false_per_h: float) -> None:
    """A Poisson number with mean rate x hours of computing: each alarm holds the job for 2 h of replay, and is dismissed."""
    replay = {"duration": "2 h", "reproduces": 1.0, **SOURCE}
    scenario = watched({}, {"loss": monitor(1.0, false_per_h)}, accusation=accusation(replay=replay))
    ledgers = runs(scenario, N)
    counts, running_h = [], []
    for ledger in ledgers:
        total = hours(ledger)
        assert set(total) <= {"productive", "diagnose"}
        counts.append(len(alarms(ledger)))
        running_h.append(total["productive"])
        assert {row.outcome for row in alarms(ledger)} <= {"dismissed", "open"}
        assert {row.job_effect for row in alarms(ledger)} <= {"paused"}
    assert abs(z_mean(np.array(counts) - false_per_h * np.array(running_h), 0.0)) < 4.0
    assert abs(np.mean(counts) - HORIZON_H * false_per_h / (1 + 2 * false_per_h)) < 0.05 * np.mean(counts)


@pytest.mark.parametrize(("reproducible", "reproduces"), [(0.5, 1.0), (1.0, 0.3), (0.7, 0.4)])
def test_a_replay_needs_a_geometric_number_of_alarms_unless_the_defect_never_shows(
    reproducible: float, reproduces: float
) -> None:
    """Found at all: the share that is reproducible, after 1 / p alarms on average. The others are dismissed for ever."""
    replay = {"duration": 0, "reproduces": reproduces, **SOURCE}
    scenario = watched(
        {"sdc": defect(0.1, corrupts={"reproducible": reproducible})},
        {"loss": monitor(1.0)},
        2000.0,
        accusation=accusation(replay=replay),
    )
    ledgers = runs(scenario, N)
    found = [ledger for ledger in ledgers if any(row.outcome == "convicted" for row in alarms(ledger))]
    assert abs(len(found) - N * reproducible) <= 4.0 * math.sqrt(N * reproducible * (1.0 - reproducible))
    assert reproduces == 1.0 or abs(z_mean([len(alarms(ledger)) for ledger in found], 1.0 / reproduces)) < 4.0
    assert all(len(alarms(ledger)) == 1 for ledger in found) or reproduces < 1.0
    for ledger in ledgers:
        assert ("tainted" in hours(ledger)) == (ledger not in found)


# ---------------------------------------------------------------------- accusations


def guilty_node(coverage: float, locates: float, **keys: Any) -> Scenario:
    """One node that gets a defect at hour 1, each event of which is noticed."""
    fault = mode(
        symptoms={"silent": 1.0},
        corrupts={"rate": "0.1 /h"},
        lifetime=fixed(10_000.0),
        start_age="9999 h",
        clears_at={"fix": 1.0},
    )
    return watched(
        {"sdc": fault},
        {"loss": monitor(1.0)},
        4000.0,
        accusation=accusation(locates=locates, **keys),
        tests={"deep": check(coverage)},
    )


@pytest.mark.parametrize("coverage", [0.25, 0.7, 1.0])
def test_a_guilty_node_is_acquitted_until_the_check_finds_it(coverage: float) -> None:
    """A geometric number of accusations, each an interruption; unreproducible is not acquitted for ever here."""
    ledgers = runs(guilty_node(coverage, 1.0), N)
    counts = [len(alarms(ledger)) for ledger in ledgers]
    outcomes = Counter(row.outcome for ledger in ledgers for row in alarms(ledger))
    assert outcomes["convicted"] == N
    if coverage == 1.0:
        assert set(counts) == {1}
        return
    assert abs(z_mean(counts, 1.0 / coverage)) < 4.0
    assert abs(z_mean((np.array(counts) - 1.0 / coverage) ** 2, (1.0 - coverage) / coverage**2)) < 4.0


@pytest.mark.parametrize(("coverage", "limit"), [(0.2, 3), (0.5, 2), (0.0, 4)])
def test_repeated_accusations_end_in_quarantine(coverage: float, limit: int) -> None:
    """min(geometric, limit) accusations: the last one convicts without a check."""
    quarantine = {"accusations": limit, "window": "4000 h", "rung": "fix"}
    ledgers = runs(guilty_node(coverage, 1.0, quarantine=quarantine), N)
    counts = np.array([len(alarms(ledger)) for ledger in ledgers])
    mean = sum((1.0 - coverage) ** k for k in range(limit))
    assert counts.max() == limit
    if coverage:
        assert abs(z_mean(counts, mean)) < 4.0
    assert all(row.outcome == "fixed" for ledger in ledgers for row in ledger.incidents if row.mode == "sdc")


def test_a_node_in_quarantine_for_good_never_returns() -> None:
    """Its spare serves instead; the alarm stays open and so does the defect, in a node that corrupts nothing any more."""
    scenario = watched(
        {"sdc": defect(0.1, present=0.5)},
        {"loss": monitor(1.0)},
        1000.0,
        nodes=2,
        job__spares={"nodes": 1, "swap": 0, **SOURCE},
        job__checkpoints={"disk": tier(1.0)},
        accusation=accusation(quarantine={"accusations": 1, "window": "1 h"}),
    )
    for ledger in runs(scenario, 50):
        rows = alarms(ledger)
        assert {row.outcome for row in rows} <= {"cordoned"}
        assert all(math.isnan(row.closed_h) for row in rows)
        assert len({row.node for row in rows}) == len(rows)
        bad = {row.node for row in ledger.incidents if row.mode == "sdc"}
        if bad == {0, 1}:
            assert hours(ledger).get("wait_capacity", 0.0) > 0.0
        assert "tainted" not in hours(ledger)


@pytest.mark.parametrize("locates", [0.0, 0.3, 0.8])
def test_the_wrong_node_is_accused_now_and_then(locates: float) -> None:
    """Twenty nodes, one alarm each time the bad one corrupts: the right one with `locates`, else any other."""
    scenario = watched(
        {"sdc": defect(0.02, present=0.05)},
        {"loss": monitor(1.0)},
        200.0,
        nodes=20,
        job_nodes=20,
        accusation=accusation(locates=locates),
        tests={"deep": check(0.0)},
    )
    right = total = 0
    others: Counter[int] = Counter()
    for ledger in runs(scenario, N):
        bad = [row for row in ledger.incidents if row.mode == "sdc"]
        if len(bad) != 1:
            continue
        for row in alarms(ledger):
            total += 1
            right += row.node == bad[0].node
            if row.node != bad[0].node:
                others[(row.node - bad[0].node) % 20] += 1
            assert row.root_id == bad[0].incident_id
    assert total > 200
    assert abs(right - total * locates) <= 4.0 * math.sqrt(total * locates * (1.0 - locates))
    expected = (total - right) / 19
    assert max(others.values()) < expected + 5.0 * math.sqrt(expected) + 3.0


def test_a_false_accusation_costs_what_it_costs() -> None:
    """By hand: at an alarm a good node goes, 1 h is lost to the swap, the check says guilty, a technician works for 5 h.

    The alarm comes 2.5 h after the suspect step: lost is all since the checkpoint before that one.
    """
    scenario = watched(
        {},
        {"loss": monitor(0.0, 0.004, latency="2.5 h")},
        500.0,
        nodes=3,
        job__spares={"nodes": 2, "swap": "1 h", **SOURCE},
        job__checkpoints={"disk": tier(1.0)},
        job__initialise__base="0.5 h",
        tests={"deep": check(0.0, 1.0, duration="3 h")},
    )
    data = scenario.resolved()
    data["repair"]["ladder"]["fix"] |= {"duration": "5 h", "technician": True, "meanwhile": "swap"}
    data["repair"]["technicians"] = {"count": 1, "travel": "0 h", **SOURCE}
    seen = 0
    for ledger in runs(Scenario.model_validate(data), 60):
        rows = alarms(ledger)
        if len(rows) != 1 or math.isnan(rows[0].closed_h):
            continue
        seen += 1
        (row,) = rows
        total = hours(ledger)
        assert total["swap"] == pytest.approx(1.0)
        assert total["initialise"] == pytest.approx(1.0)
        worked_h = row.arrive_h - 0.5
        assert total["lost_work"] == pytest.approx(worked_h - math.floor(worked_h - 2.5))
        assert row.closed_h - row.located_h == pytest.approx(8.0)
        assert (row.outcome, row.n_interruptions, row.root_id) == ("convicted", 1, row.incident_id)
        (vain,) = [one for one in ledger.incidents if one.mode == "healthy"]
        assert (vain.outcome, vain.root_id, vain.node) == ("in_vain", row.incident_id, row.node)
        (attempt,) = ledger.attempts
        assert (attempt.incident_id, attempt.outcome) == (vain.incident_id, "fixed")
        assert attempt.end_h - attempt.start_h == pytest.approx(5.0)
    assert seen > 10


@pytest.mark.parametrize("p_false", [0.1, 0.6])
def test_the_check_convicts_good_nodes_by_mistake(p_false: float) -> None:
    scenario = watched({}, {"loss": monitor(0.0, 0.02)}, tests={"deep": check(1.0, p_false)})
    outcomes = Counter(row.outcome for ledger in runs(scenario, N) for row in alarms(ledger))
    n = outcomes["convicted"] + outcomes["acquitted"]
    assert set(outcomes) == {"convicted", "acquitted"}
    assert abs(outcomes["convicted"] - n * p_false) < 4.0 * math.sqrt(n * p_false * (1.0 - p_false))


def test_a_clean_restart_needs_a_new_event() -> None:
    """Without checkpoints each crash begins anew, with the bad part: the last stretch L is exponential, from the end back.

    Tainted is (L - X)+ with X the first event in it: P(L > X) E[L - X | L > X] = rate / (rate + c) / c. A part that
    corrupted from the restart on would taint all of L, 1 / c.
    """
    c, rate = 1 / 30.0, 0.05
    repair = ladder({"restart": rung(), **REPAIR}, policy={"start": {"node.crash": "restart", "default": "fix"}})
    crash = mode(lifetime=exponential(1 / c), clears_at={"restart": 1.0})
    scenario = watched({"sdc": defect(rate), "crash": crash}, {}, repair=repair, job__checkpoints={})
    tainted = np.array([hours(ledger).get("tainted", 0.0) for ledger in runs(scenario, N)])
    assert abs(z_mean(tainted, rate / (rate + c) / c)) < 4.0


def test_a_replay_does_not_cut_a_save_short() -> None:
    """A planned stop at 10 saves for 2 h; an alarm at 11 is replayed for 0.5 h meanwhile, and nothing is lost."""
    replay = {"duration": "0.5 h", "reproduces": 1.0, **SOURCE}
    scenario = watched(
        {"sdc": defect(0.5)},
        {"loss": monitor(1.0, latency="9 h")},
        15.0,
        accusation=accusation(replay=replay | {"reproduces": 0.0}),
        job__checkpoints={"disk": tier(100.0, valid_after="2 h")},
        job__planned={"release": {"every": "10 h", "duration": 0, **SOURCE}},
    )
    seen = 0
    for ledger in runs(scenario, 60):
        total = hours(ledger)
        first = min((row.arrive_h for row in alarms(ledger)), default=99.0)
        seen += 10.0 < first < 11.5
        assert "lost_work" not in total
        assert total["checkpoint_save"] == pytest.approx(2.0) or first < 10.0
    assert seen > 5


def test_who_watches_changes_no_fault() -> None:
    """The same defects, first events and crashes with another monitor, with tests, and with nobody watching."""
    modes = {
        "sdc": defect(0.05, present=0.2, lifetime=exponential(800.0)),
        "crash": mode(rate="0.001 /h", clears_at={"again": 1.0}),
    }
    rungs = {"again": rung("1 h"), **REPAIR}
    probe = {"duration": 0, "coverage": 0.0, "false_alarm": 0.001, "every": "20 h", "takes": "stop", **SOURCE}
    watching: list[dict[str, Any]] = [
        {},
        {"detection__monitors": {"loss": monitor(0.0, 0.05)}, "accusation": accusation(), "tests": {"deep": check(0.0)}},
        {"accusation": accusation(), "tests": {"probe": probe, "deep": check(0.0)}},
    ]
    for replication in range(5):
        seen = []
        for keys in watching:
            policy = {"start": {"node.crash": "again", "default": "fix"}}
            repair = ladder(rungs, policy=policy, accusation=keys.get("accusation"), tests=keys.get("tests"))
            given = {"repair": repair, "detection__monitors": keys.get("detection__monitors")}
            scenario = small(300.0, nodes=30, job_nodes=20, job__spares={"nodes": 10, "swap": 0, **SOURCE},
                             job__checkpoints={"disk": tier(1.0)}, failures={"node": modes}, **given)  # fmt: skip
            ledger = simulate(scenario, seed=3, replication=replication)
            faults = [row for row in ledger.incidents if row.mode in modes]
            seen.append(sorted((row.mode, row.instance, row.arrive_h) for row in faults))
        assert len(seen[0]) > 5
        assert seen[0] == seen[1] == seen[2]


def test_a_defect_that_hits_several_nodes_is_one() -> None:
    """A leaf that corrupts what passes: its nodes join the job one after the other, for crashes, and it stays one defect."""
    rate, horizon_h = 0.02, 300.0
    leaf = mode(symptoms={"silent": 1.0}, corrupts={"rate": per_h(rate)}, present=1.0)
    crash = mode(rate="0.02 /h", clears_at={"swap": 1.0})
    scenario = small(
        horizon_h,
        job_nodes=16,
        machine={"kind": "hgx", "nodes": 4, "nodes_per_pod": 4, "spines": 2},
        failures={"leaf": {"sdc": leaf}, "node": {"crash": crash}},
        job__spares={"nodes": 2, "swap": 0, **SOURCE},
        repair=ladder({"swap": rung("1 h", takes_down="node", meanwhile="swap"), "fix": rung(takes_down="unit")}),
        job__checkpoints={"disk": tier(0.001, survives="fix")},
    )
    tainted = [hours(ledger).get("tainted", 0.0) for ledger in runs(scenario, 100)]
    n_leafs = load_leafs(scenario)
    # Crashes lose next to nothing, so the first event of any leaf taints the rest: E[(H - X)+] with n times the rate.
    x = n_leafs * rate * horizon_h
    assert abs(z_mean(tainted, horizon_h - (1.0 - math.exp(-x)) / (n_leafs * rate))) < 4.0


def load_leafs(scenario: Scenario) -> int:
    """Leaf switches of the machine."""
    return scenario.machine.build().counts["leaf"]


def test_what_goes_with_a_unit_goes_once() -> None:
    """Every leaf corrupts; it is replaced, with the defect in it, when it crashes, though four nodes hang on it."""
    leaf = {
        "sdc": mode(symptoms={"silent": 1.0}, corrupts={"rate": "0.1 /h"}, present=1.0),
        "crash": mode(rate="0.02 /h"),
    }
    scenario = small(
        200.0,
        job_nodes=32,
        machine={"kind": "hgx", "nodes": 4, "nodes_per_pod": 4, "spines": 2},
        failures={"leaf": leaf},
        repair=ladder({"fix": rung("1 h", takes_down="unit", replaces=True)}),
    )
    for ledger in runs(scenario, 20):
        crashed = {row.instance for row in ledger.incidents if row.mode == "crash" and not math.isnan(row.closed_h)}
        gone = {row.instance for row in ledger.incidents if row.mode == "sdc" and row.outcome == "fixed"}
        assert gone == crashed
