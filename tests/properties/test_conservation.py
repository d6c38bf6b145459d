"""What holds in every ledger: hours add up, nothing is in two states, stages come in order, the same run is the same."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ras_sim.cluster import Cluster
from ras_sim.engine import simulate
from ras_sim.engine.replication import Replication
from ras_sim.ledger import CATEGORIES, Ledger
from ras_sim.scenario.build import setup_of
from ras_sim.scenario.model import Scenario
from tests.small import SOURCE, exponential, fixed, h, mode, per_h, rung, small, tier, weibull

SYMPTOMS = ("exception", "crash", "hang", "slow", "silent", "benign")
RUNGS = ("retry", "fix", "reset", "reboot", "rma")
SCOPES = ("operation", "job", "reset_domain", "node", "unit")

durations = st.one_of(
    st.just(0),
    st.floats(0.01, 8.0).map(fixed),
    st.floats(0.01, 8.0).map(exponential),
    st.tuples(st.sampled_from((0.6, 2.0)), st.floats(0.01, 8.0)).map(lambda pair: weibull(*pair)),
)
chances = st.one_of(st.just(0.0), st.just(1.0), st.floats(0.05, 0.95))


@st.composite
def mixtures(draw: st.DrawFn, names: tuple[str, ...]) -> dict[str, float]:
    """Probabilities of some of the names, summing to 1."""
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    weights = [draw(st.integers(1, 4)) for _ in chosen]
    return {name: weight / sum(weights) for name, weight in zip(chosen, weights, strict=True)}


@st.composite
def modes(draw: st.DrawFn, spreads: bool) -> dict[str, Any]:
    """A failure mode; lives have no end by which everybody fails, so that minimal repair is possible."""
    symptoms = draw(mixtures(SYMPTOMS))
    keys: dict[str, Any] = {"symptoms": symptoms, "clears_at": draw(mixtures(RUNGS))}
    keys["clock"] = draw(st.sampled_from(("calendar", "powered", "in_job")))
    mean_h = draw(st.floats(30.0, 400.0))
    if draw(st.booleans()):
        keys["lifetime"] = weibull(draw(st.sampled_from((0.7, 1.0, 2.5))), mean_h)
        keys["start_age"] = h(draw(st.sampled_from((0.0, 50.0))))
    else:
        keys["rate"] = per_h(1.0 / mean_h)
    keys["frailty"] = draw(st.sampled_from((None, {"kind": "gamma", "variance": 1.5},
                                            {"kind": "two_point", "fraction": 0.2, "factor": 5.0})))  # fmt: skip
    if draw(st.integers(0, 3)) == 0:
        keys["p_start"] = 0.01
    if draw(st.booleans()):
        keys["season"] = {"amplitude": draw(st.sampled_from((0.4, 1.0))), "period": "24 h", "peak": "15 h", **SOURCE}
    if "slow" in symptoms:
        keys["speed"] = draw(st.sampled_from((0.3, 0.8, 0.97)))
    if draw(st.booleans()):
        keys["burst"] = {"extra": 1.5, "gap": draw(durations)}
    if spreads:
        keys["spreads"] = {"shares_memory": draw(chances)}
    if "silent" in symptoms and draw(st.booleans()):
        during = draw(st.sampled_from((None, {"every": "10 h", "lasts": "3 h", "begins": "1 h"})))
        keys["corrupts"] = {"rate": "0.2 /h", "during": during, "reproducible": draw(chances)}
    if draw(st.booleans()):
        keys["present"] = draw(st.sampled_from((0.3, 1.0)))
        keys["incubates"] = draw(st.one_of(st.none(), durations))
    return mode(**keys)


@st.composite
def probes(draw: st.DrawFn) -> dict[str, Any]:
    """A test with any schedule; good nodes pass often enough that the job gets on."""
    keys: dict[str, Any] = {"coverage": draw(chances), "false_alarm": draw(st.sampled_from((0.0, 0.05)))}
    takes = draw(st.sampled_from(("pause", "stop", "spares", None)))
    if takes is not None:
        keys |= {"takes": takes, "every": h(draw(st.floats(8.0, 40.0)))}
    if takes == "spares":
        keys["at_once"] = draw(st.integers(1, 2))
        keys["only_after"] = draw(st.sampled_from((None, {"incidents": 1, "window": "50 h"})))
    keys["at_start"] = takes is None or draw(st.booleans())
    duration = "0.1 h" if takes == "pause" or keys["at_start"] else draw(durations)
    return {**keys, "duration": duration, **SOURCE}


@st.composite
def suspicions(draw: st.DrawFn, part: str) -> dict[str, Any]:
    """Tests, and what follows an accusation."""
    tests = {name: draw(probes()) for name in ("a", "b") if draw(st.booleans())}
    if draw(st.booleans()):
        errors = {"coverage": draw(chances), "false_alarm": draw(chances)}
        tests["deep"] = {"on_accusation": True, "duration": draw(durations), **errors, **SOURCE}
    rule: dict[str, Any] = {"part": part, "rung": "rma", "locates": draw(chances), **SOURCE}
    if draw(st.booleans()):
        rule["replay"] = {"duration": draw(durations), "reproduces": draw(chances), **SOURCE}
    if draw(st.booleans()):
        rung_name = draw(st.sampled_from((None, "reboot", "rma")))
        rule["quarantine"] = {"accusations": draw(st.integers(1, 3)), "window": "60 h", "rung": rung_name}
    return {"tests": tests or None, "accusation": rule}


@st.composite
def monitors(draw: st.DrawFn) -> dict[str, Any]:
    keys = {"notices": draw(chances), "latency": draw(durations), "false_alarms": draw(st.sampled_from(("0 /h", "0.03 /h")))}
    return {"loss": {**keys, **SOURCE}, "norm": {"notices": 0.3, "latency": 0, "false_alarms": "0.01 /h", **SOURCE}}


@st.composite
def ladders(draw: st.DrawFn) -> dict[str, Any]:
    rungs = {}
    for name, scope in zip(RUNGS, SCOPES, strict=True):
        top = name == "rma"
        new = top and draw(st.booleans())
        age = {"replaces": True} if new else {"age_kept": draw(st.sampled_from((0.0, 0.5, 1.0)))}
        rungs[name] = rung(
            draw(durations),
            takes_down=scope,
            meanwhile=draw(st.sampled_from(("wait", "swap"))),
            tries=draw(st.integers(1, 2)),
            cool_down=draw(st.sampled_from((None, "2 h"))),
            drains=draw(st.booleans()) and scope != "operation",
            works=draw(st.floats(0.5, 1.0)),
            seen=draw(st.floats(0.3, 1.0)),
            technician=draw(st.booleans()),
            part=top and draw(st.booleans()),
            powers_off=draw(st.booleans()),
            **age,
        )
    return rungs


@st.composite
def rosters(draw: st.DrawFn) -> dict[str, Any]:
    """Keys of technicians who are not all there all the time."""
    day = {
        "days": draw(st.sampled_from(("mon-fri", "every", "wed, sat-sun"))),
        "begins": draw(st.sampled_from(("00:00", "08:00", "22:30"))),
        "ends": draw(st.sampled_from(("06:00", "24:00"))),
        "count": draw(st.integers(1, 2)),
    }
    return {
        "count": draw(st.integers(0, 1)),
        "shifts": {"day": day},
        "run_begins": draw(st.sampled_from(("mon 00:00", "fri 17:45"))),
        "at_shift_end": draw(st.sampled_from(("finish", "hand_over"))),
    }


@st.composite
def repairs(draw: st.DrawFn, cls: str) -> dict[str, Any]:
    policy: dict[str, Any] = {
        "start": {"default": draw(st.sampled_from(RUNGS))},
        "tries_window": draw(st.sampled_from(("1 h", "48 h"))),
        "tolerate_speed": draw(st.sampled_from((0.5, 0.9, 1.0))),
    }
    if draw(st.booleans()):
        policy["merge"] = "node"
        policy["escalate"] = {"after": h(draw(st.sampled_from((1.0, 10.0)))), "rung": draw(st.sampled_from(RUNGS))}
        policy["probation"] = {"after": ["reset", "rma"], "time": "30 h"}
    if draw(st.booleans()):
        policy["lemon"] = {"incidents": 2, "window": "100 h", "rung": "rma"}
    repair: dict[str, Any] = {"ladder": draw(ladders()), "policy": policy, **SOURCE}
    repair["comes_back"] = draw(st.floats(0.1, 20.0).map(exponential))
    if draw(st.booleans()):
        repair["technicians"] = {"count": draw(st.integers(1, 2)), "travel": draw(durations), **SOURCE}
        if draw(st.booleans()):
            repair["technicians"] |= draw(rosters())
        if draw(st.booleans()):
            by = draw(st.sampled_from(("class", "node")))
            queue = draw(st.sampled_from(("first_come", "by_value")))
            repair["technicians"] |= {"queue": queue, "batch": {"by": by, "at_most": draw(st.integers(2, 3))}}
    if draw(st.booleans()):
        stock, lead = draw(st.integers(0, 2)), draw(st.floats(1.0, 40.0).map(exponential))
        repair["parts"] = {cls: {"stock": stock, "lead_time": lead, **SOURCE}}
        if draw(st.booleans()):
            more = {"doa": draw(st.floats(0.0, 0.5)), "reorder_point": stock, "order_quantity": draw(st.integers(1, 3))}
            more["returns"] = {"turn_round": draw(durations), "no_fault_found": draw(st.floats(0.0, 0.5))}
            repair["parts"][cls] |= {**more, "stock": stock + 1}
    if draw(st.booleans()):
        repair["validation"] = {
            "after": ["reset", "rma"], "duration": draw(durations), "coverage": draw(chances),
            "false_alarm": draw(st.floats(0.0, 0.5)), **SOURCE,
        }  # fmt: skip
    if draw(st.booleans()):
        repair["double_handling"] = {"probability": draw(chances), "after": draw(durations), **SOURCE}
    return repair


@st.composite
def watching(draw: st.DrawFn, with_group: bool) -> dict[str, Any]:
    """What notices faults, and how often the wrong node is blamed."""
    watchdogs = {
        "beat": {"symptoms": ["crash"], "every": "1 h", "misses": 2, "coverage": draw(chances)},
        "ranks": {"symptoms": ["hang", "crash"], "latency": draw(durations), "per_rank": True},
        "pace": {"symptoms": ["slow"], "window": "5 h", "threshold": 0.1},
    }
    for one in watchdogs.values():
        one |= {"false_alarms": draw(st.sampled_from((0, "0.02 /h"))), **SOURCE}
    location: dict[str, Any] = {"wrong": draw(st.sampled_from((0.0, 0.3))), **SOURCE}
    if with_group:
        location |= {"group": draw(st.sampled_from((0.2, 0.7))), "group_nodes": 2}
    return {"detection__watchdogs": watchdogs, "detection__location": location}


@st.composite
def tiers(draw: st.DrawFn) -> dict[str, Any]:
    shortest = draw(st.sampled_from((0.25, 1.0, 3.0)))
    named = {}
    for name, multiple in (("memory", 1), ("disk", 3), ("remote", 4)):
        if draw(st.booleans()):
            named[name] = tier(
                shortest * multiple,
                draw(st.sampled_from((0.0, 0.02, 0.1))),
                valid_after=h(draw(st.sampled_from((0.0, 0.2)))),
                restore=h(draw(st.sampled_from((0.0, 0.3)))),
                survives=draw(st.sampled_from(RUNGS[1:])),
                keep=draw(st.sampled_from((None, {"last": 1}, {"last": 2, "every": "5 h", "age": "20 h"}))),
            )
    if len(named) == 2 and "memory" not in named:
        del named["remote"]
    return named


@st.composite
def batches(draw: st.DrawFn, n_nodes: int) -> dict[str, Any]:
    """Up to two batches of nodes that come, burn in and have a defect, the second behind the first."""
    named, first = {}, 0
    for name in draw(st.sampled_from((("old",), ("old", "new")))):
        if first < n_nodes:
            count = draw(st.integers(1, n_nodes - first))
            keys: dict[str, Any] = {"first": first, "count": count}
            keys["joins"] = h(draw(st.sampled_from((0.0, 20.0))))
            keys["burn_in"] = h(draw(st.sampled_from((0.0, 30.0))))
            if draw(st.booleans()):
                keys["start_age"] = h(draw(st.sampled_from((0.0, 70.0))))
            if draw(st.booleans()):
                keys["defect"] = {"modes": ["node.b"], "factor": 3.0, **SOURCE}
            named[name] = {**keys, **SOURCE}
            first += count
    return named


@st.composite
def bad_changes(draw: st.DrawFn) -> dict[str, Any]:
    """A change that is bad every other time."""
    keys = {"p": 0.5, "modes": ["node.c"], "factor": 50.0, "found_after": draw(durations), "rollback": draw(durations)}
    return {**keys, **SOURCE}


@st.composite
def waves(draw: st.DrawFn) -> dict[str, Any]:
    """A change that goes over the nodes."""
    keys: dict[str, Any] = {"every": draw(st.floats(20.0, 100.0).map(exponential))}
    keys["sizes"] = draw(st.sampled_from(([1], [1, 3], [99])))
    keys |= {"duration": draw(durations), "gap": draw(durations)}
    if draw(st.booleans()):
        keys |= {"p_bricks": 0.3, "bricks": "node.b"}
    return {**keys, "bad": draw(bad_changes()) if draw(st.booleans()) else None, **SOURCE}


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Two to six nodes, bare or with eight GPUs each, on which everything may happen."""
    hgx = draw(st.booleans())
    n_job, n_spares, n_others = draw(st.integers(1, 3)), draw(st.integers(0, 2)), draw(st.integers(0, 1))
    n_nodes = n_job + n_spares + n_others
    classes = ("gpu", "nic", "node", "leaf") if hgx else ("node",)
    cls = draw(st.sampled_from(classes))
    failures: dict[str, Any] = {cls: {"a": draw(modes(hgx))}}
    failures.setdefault("node", {})["b"] = draw(modes(hgx))
    failures["node"]["c"] = mode(rate=per_h(0.001), clock=draw(st.sampled_from(("powered", "in_job"))))
    changes: dict[str, Any] = {}
    if hgx:
        nic_loss = draw(st.sampled_from(("rank", "slow")))
        changes["machine"] = {
            "kind": "hgx", "nodes": n_nodes, "nodes_per_pod": 4, "spines": 2, "nic_loss": nic_loss,
            "gpus_per_reset_domain": draw(st.sampled_from((1, 8))),
        }  # fmt: skip
        changes["job__parallel__exposed"] = {"data": 0.2}
    if draw(st.booleans()):
        every = draw(st.floats(20.0, 100.0).map(exponential))
        bad = draw(bad_changes()) if draw(st.booleans()) else None
        changes["job__planned"] = {"release": {"every": every, "duration": draw(durations), "bad": bad, **SOURCE}}
    if draw(st.booleans()):
        shock = {
            "every": exponential(60.0),
            "under": "machine",
            "strikes": "node.b",
            "p_struck": draw(chances),
        }
        changes["shocks"] = {"storm": {**shock, **SOURCE}}
    if draw(st.booleans()):
        changes["fleet__batches"] = draw(batches(n_nodes))
    if draw(st.booleans()):
        changes["fleet__waves"] = {"firmware": draw(waves())}
    if draw(st.booleans()):
        notice = h(draw(st.sampled_from((0.0, 0.1, 2.0))))
        taker = {"every": exponential(60.0), "lasts": draw(durations), "notice": notice, **SOURCE}
        changes["job__preemptions"] = {"big": taker}
    if draw(st.booleans()):
        left = {phase: draw(st.sampled_from((0.0, 0.3))) for phase in ("initialise", "restore", "save")}
        changes["services"] = {
            name: {"every": exponential(15.0), "lasts": draw(durations), "left": left, **SOURCE} for name in ("a", "b")
        }
    repair = draw(repairs(cls))
    if draw(st.booleans()):
        repair |= draw(suspicions("gpu" if hgx and draw(st.booleans()) else "node"))
        changes["detection__monitors"] = draw(st.one_of(st.none(), monitors()))
    if draw(st.booleans()):
        changes |= draw(watching("validation" in repair and n_job > 1))
    if draw(st.booleans()):
        changes["job__gives_up"] = {"restarts": draw(st.integers(1, 3)), "intervention": draw(durations), **SOURCE}
    for symptom in (*SYMPTOMS[:-1], "diagnose"):
        changes[f"detection__{symptom}"] = draw(durations)
    return small(
        150.0,
        nodes=n_nodes,
        job_nodes=n_job * (8 if hgx else 1),
        job__work=h(draw(st.floats(20.0, 100.0))) if draw(st.integers(0, 3)) == 0 else None,
        job__checkpoints=draw(tiers()),
        job__initialise__base=h(draw(st.sampled_from((0.0, 0.5)))),
        job__spares={"nodes": n_spares, "swap": draw(durations), **SOURCE},
        failures=failures,
        repair=repair,
        **changes,
    )


def check_hours(ledger: Ledger) -> None:
    """The categories partition the run: hours sum up, stretches follow each other without gap or overlap."""
    assert math.fsum(row.hours for row in ledger.job) == pytest.approx(ledger.horizon_h, rel=1e-9)
    totals: dict[str, float] = defaultdict(float)
    stretches: dict[tuple[float, float], float] = defaultdict(float)
    for row in ledger.job:
        assert row.category in CATEGORIES
        totals[row.category] += row.hours
        if row.end_h > row.start_h:
            assert row.hours >= 0.0
            stretches[row.start_h, row.end_h] += row.hours
    assert all(total >= -1e-9 for total in totals.values())
    for (start_h, end_h), total in stretches.items():
        assert total == pytest.approx(end_h - start_h, abs=1e-9)
    ordered = sorted(stretches)
    assert ordered[0][0] == 0.0
    assert ordered[-1][1] == ledger.horizon_h
    assert all(before[1] == after[0] for before, after in pairwise(ordered))
    lost = [row for row in ledger.job if row.start_h == row.end_h]
    assert math.fsum(row.hours for row in lost) == pytest.approx(0.0, abs=1e-9)
    assert {row.category for row in lost} <= {"productive", "lost_work", "tainted"}


def check_incidents(ledger: Ledger) -> None:
    """Stages come in order, tries lie inside their incident, blame goes to incidents that are there."""
    numbers = [row.incident_id for row in ledger.incidents]
    assert len(set(numbers)) == len(numbers)
    by_id = dict(zip(numbers, ledger.incidents, strict=True))
    for row in ledger.incidents:
        stages = [row.arrive_h, row.detected_h, row.located_h, row.closed_h]
        reached = [hour for hour in stages if not math.isnan(hour)]
        assert reached == sorted(reached)
        assert row.root_id <= row.incident_id
        assert (row.outcome not in ("open", "cordoned")) == (
            not math.isnan(row.closed_h)
        ) or row.outcome == "tolerated"
    n_tries: dict[int, int] = defaultdict(int)
    for attempt in ledger.attempts:
        row = by_id[attempt.incident_id]
        n_tries[attempt.incident_id] += 1
        assert attempt.asked_h <= attempt.start_h <= attempt.end_h
        # A caught exception is retried before anybody looks for its cause.
        assert row.symptom == "exception" or row.located_h <= attempt.asked_h
        assert math.isnan(row.closed_h) or attempt.end_h <= row.closed_h
    for number, row in by_id.items():
        assert n_tries[number] in (row.n_attempts, row.n_attempts - (row.outcome == "open"))
    assert {row.incident_id for row in ledger.job} - {-1} <= by_id.keys()


def check_resources(ledger: Ledger, scenario: Scenario) -> dict[str, int]:
    """Levels never fall below nothing, and no more technicians are busy than there are. Returns the last levels."""
    levels: dict[str, int] = defaultdict(int)
    last_h = 0.0
    for row in ledger.resources:
        assert row.time_h >= last_h
        last_h = row.time_h
        levels[row.resource] += row.change
        assert levels[row.resource] >= 0
    setup = setup_of(scenario)
    spec = scenario.repair.technicians
    if spec is not None and (spec.at_shift_end == "hand_over" or not spec.shifts):
        assert levels["technicians_busy"] <= max(spec.count, *(one.count for one in spec.shifts.values()), 0)
    assert levels["spare_nodes"] <= setup.n_job_nodes + setup.n_spares
    return levels


def check_visits(ledger: Ledger) -> None:
    """Each try that is done had its technicians one after another; whoever is called is known."""
    numbers = {row.incident_id for row in ledger.incidents}
    ends: dict[tuple[int, float], float] = {}
    for row in ledger.visits:
        assert row.incident_id in numbers
        reached = [hour for hour in row[2:6] if not math.isnan(hour)]
        assert reached == sorted(reached)
        assert row.called_h <= ledger.horizon_h
    for attempt in ledger.attempts:
        mine = [row for row in ledger.visits if row[:2] == attempt[:2]
                and attempt.asked_h <= row.called_h <= row.left_h <= attempt.end_h]  # fmt: skip
        ends.update({(row.incident_id, row.called_h): row.left_h for row in mine})
        arrived = [row.arrived_h for row in mine if not math.isnan(row.arrived_h)]
        assert not arrived or attempt.start_h in arrived
    assert len([row for row in ledger.visits if not math.isnan(row.left_h)]) >= len(ends)


def check_nodes(cluster: Cluster, scenario: Scenario, spare_level: int) -> None:
    """Each node is in one state; as many serve the job as ever; the rows tell the number of spares."""
    setup = setup_of(scenario)
    states = [cluster.state(node) for node in range(setup.blueprint.n_nodes)]
    assert states.count("in_job") == setup.n_job_nodes
    assert states.count("spare") == cluster.n_spares == spare_level
    assert (
        states.count("in_job") + states.count("spare") + states.count("out")
        == setup.n_job_nodes + setup.n_spares
    )


quick = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def check_everything(scenario: Scenario, seed: int) -> None:
    replication = Replication(setup_of(scenario), seed, 0)
    ledger = replication.run()
    check_hours(ledger)
    check_incidents(ledger)
    levels = check_resources(ledger, scenario)
    check_visits(ledger)
    check_nodes(replication._incidents.impact._cluster, scenario, levels["spare_nodes"])
    kept = math.fsum(row.hours for row in ledger.job if row.category in ("productive", "tainted"))
    position_h = replication._job._progress.position_h
    assert kept == pytest.approx(position_h, rel=1e-9, abs=1e-9)
    assert position_h >= 0.0
    work_h = scenario.job.work
    assert ledger.completed == (ledger.horizon_h < scenario.horizon_h)
    assert not ledger.completed or (work_h is not None and position_h == pytest.approx(work_h, rel=1e-9))
    assert repr(simulate(scenario, seed=seed, replication=0)) == repr(ledger)
    if any(row.component_class != "preempted" and row.symptom != "planned" for row in ledger.incidents):
        assert repr(simulate(scenario, seed=seed, replication=1).incidents) != repr(ledger.incidents)


@pytest.mark.slow
@quick
@given(scenarios(), st.integers(0, 2**32))
def test_every_ledger_adds_up(scenario: Scenario, seed: int) -> None:
    check_everything(scenario, seed)


@pytest.mark.slow
@settings(quick, max_examples=600)
@given(scenarios(), st.integers(0, 2**32))
def test_every_one_of_many_ledgers_adds_up(scenario: Scenario, seed: int) -> None:
    check_everything(scenario, seed)
