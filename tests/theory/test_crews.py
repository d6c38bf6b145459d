"""Who is served next, by whom, on which way: priorities, skills, batches, against theory and queues played by hand."""

from __future__ import annotations

import math
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import simpy

from ras_sim.cluster import Cluster
from ras_sim.engine import simulate
from ras_sim.engine.worth import SpareRecord, Worth
from ras_sim.ledger import Ledger, ResourceRow
from ras_sim.repair.crew import Crew, Sent
from ras_sim.repair.queue import DISCIPLINES, Order, QueueName
from ras_sim.repair.roster import ALWAYS, Shift
from ras_sim.scenario.build import setup_of
from ras_sim.scenario.model import Scenario
from tests.small import SOURCE, exponential, fixed, h, ladder, mode, per_h, rung, runs, small, z_mean
from tests.theory.test_queues import erlang_c, waits

pytestmark = pytest.mark.slow  # statistics over many lives

MODEL = Path(__file__).parents[2] / "docs" / "model.md"

# ---------------------------------------------------------------------- disciplines


def waits_by_value(
    gains: list[float], means: list[float], rates: list[float], service: str, seed: int
) -> list[float]:
    """Mean wait of each class of orders at one technician, served by gain per mean hour."""
    draws = np.random.Generator(np.random.Philox(seed))
    env = simpy.Environment()
    crew = Crew(env, [Shift(1, ALWAYS)], DISCIPLINES["by_value"])
    waited: list[list[float]] = [[] for _ in gains]

    def visit(kind: int) -> Generator[simpy.Event, Sent, None]:
        order = Order(0, "fix", "node", means[kind], lambda: gains[kind])
        asked_h = env.now
        call = crew.call(crew.number(), order)
        sent = call if isinstance(call, Sent) else (yield call)
        if asked_h > 200.0:
            waited[kind].append(env.now - asked_h)
        yield env.timeout(draws.exponential(means[kind]) if service == "exponential" else means[kind])
        crew.release(sent, order)

    def arrivals(kind: int) -> Generator[simpy.Event, None, None]:
        while True:
            yield env.timeout(draws.exponential(1.0 / rates[kind]))
            env.process(visit(kind))

    for kind in range(len(gains)):
        env.process(arrivals(kind))
    env.run(until=3000.0)
    return [float(np.mean(one)) for one in waited]


@pytest.mark.parametrize("service", ["exponential", "fixed"])
@pytest.mark.parametrize(
    ("gains", "means", "rates"),
    [
        ([1.0, 1.0], [0.5, 2.0], [0.6, 0.25]),
        ([1.0, 9.0, 4.0], [1.0, 1.0, 2.0], [0.2, 0.3, 0.12]),
        ([5.0, 1.0], [4.0, 0.5], [0.1, 0.6]),
    ],
)
def test_waits_of_orders_by_value(
    gains: list[float], means: list[float], rates: list[float], service: str
) -> None:
    """Cobham (1954), non-preemptive M/G/1: W_k = R / ((1 - s_(k-1)) (1 - s_k)), s_k the load of classes 1..k."""
    ranks = sorted(range(len(gains)), key=lambda kind: -gains[kind] / means[kind])
    second = 2.0 if service == "exponential" else 1.0
    residual = sum(rate * second * mean**2 / 2 for rate, mean in zip(rates, means, strict=True))
    found = np.array([waits_by_value(gains, means, rates, service, seed) for seed in range(16)])
    above = 0.0
    for kind in ranks:
        load = above + rates[kind] * means[kind]
        assert abs(z_mean(found[:, kind], residual / ((1 - above) * (1 - load)))) < 4.0
        above = load


def triage_scenario(queue: str) -> Scenario:
    """One technician, 8 nodes in the job, 2 spares, and 30 nodes of others that fail as often."""
    return small(
        1500.0,
        nodes=40,
        job_nodes=8,
        job__spares={"nodes": 2, "swap": "6 min", **SOURCE},
        failures={"node": {"crash": mode(rate=per_h(0.004))}},
        repair=ladder(
            {"fix": rung(exponential(5.0), takes_down="node", meanwhile="swap", technician=True)},
            technicians={"count": 1, "travel": 0, "queue": queue, **SOURCE},
        ),
    )


def triage(queue: str) -> list[Ledger]:
    return runs(triage_scenario(queue), 12)


def n_passed_over(ledger: Ledger) -> int:
    """How often somebody went to a node of others while a node of the job or its spares waited."""
    nodes = {row.incident_id: row.node for row in ledger.incidents}
    taken_h = min(row.time_h for row in ledger.resources if row.resource == "spare_nodes" and row.change < 0)
    ours = [(row.called_h, row.sent_h) for row in ledger.visits if nodes[row.incident_id] < 10]
    others = [
        row.sent_h for row in ledger.visits if nodes[row.incident_id] >= 10 and row.sent_h > taken_h + 1.0
    ]
    return sum(called < sent and not until <= sent for sent in others for called, until in ours)


def test_the_job_and_its_spares_come_before_nodes_of_others() -> None:
    first, by_value = triage("first_come"), triage("by_value")
    assert sum(map(n_passed_over, first)) > 50
    assert sum(map(n_passed_over, by_value)) == 0
    lost = [
        [sum(row.hours for row in ledger.job if row.category == "wait_capacity") for ledger in ledgers]
        for ledgers in (first, by_value)
    ]
    assert all(np.subtract(*lost) > 0.0)  # on the same faults, in each of the runs


def test_how_fast_spares_are_taken_is_read_from_their_number() -> None:
    """Four taken in 40 h, one back while some were out for 30 h: l = 0.1, m = 2 / 30."""
    rows = [ResourceRow(0.0, "spare_nodes", 3)]
    record = SpareRecord(rows)
    assert record.p_taken_first(5.0) == 0.0
    rows += [ResourceRow(10.0, "spare_nodes", -2), ResourceRow(12.0, "parts.node", -1)]
    rows += [ResourceRow(15.0, "spare_nodes", 1), ResourceRow(20.0, "spare_nodes", -2)]
    assert record.p_taken_first(40.0) == pytest.approx(0.1 / (0.1 + 2 / 30))
    rows += [ResourceRow(40.0, "spare_nodes", 3)]
    assert record.p_taken_first(80.0) == pytest.approx(0.05 / (0.05 + 5 / 30))


@pytest.mark.parametrize("name", DISCIPLINES)
def test_every_discipline_is_documented_and_matters(name: QueueName) -> None:
    assert f"`{name}`" in MODEL.read_text(encoding="utf-8")
    mine = simulate(triage_scenario(name), seed=1, replication=0)
    for other in set(DISCIPLINES) - {name}:
        assert repr(simulate(triage_scenario(other), seed=1, replication=0)) != repr(mine)


class Standing:
    """What holds the job, as a test wants it."""

    def __init__(
        self, repairs: list[Any], short: list[Any], faster: float = 0.0, narrow: float = 0.0
    ) -> None:
        self._repairs, self._short, self._faster, self._narrow = repairs, short, faster, narrow
        self.exposure = self

    def holding(self) -> tuple[list[Any], list[Any]]:
        return self._repairs, self._short

    def speed_gained(self, incident: Any) -> float:
        return self._faster

    def lacking(self, incident: Any) -> tuple[float, int]:
        return self._narrow, 0


def test_what_a_repair_is_worth_by_hand() -> None:
    """Ten GPUs in the job and two spares; nodes 10 and 11 are spares, 0 and 1 of the job are held."""
    scenario = small(100.0, nodes=20, job_nodes=10, job__spares={"nodes": 2, "swap": 0, **SOURCE})
    env, rows = simpy.Environment(), [ResourceRow(0.0, "spare_nodes", 2)]
    out, held, other = (SimpleNamespace(held=nodes) for nodes in ([10], [0], [15]))

    def gain(incident: Any, *standing: Any) -> float:
        cluster = Cluster(20, 10, 2, [], lambda: 0.0)
        for one in (out, held, other):
            cluster.hold(one.held)
        worth = Worth(env, setup_of(scenario), cluster, cast(Any, Standing(*standing)), cast(Any, None), rows)
        return worth.gain(incident)

    env.run(until=10.0)
    assert gain(held, [held], []) == 10.0
    assert gain(held, [held, other], []) == 5.0
    assert gain(held, [], [held]) == 10.0  # lacks no node but its own: one spare is left
    assert gain(out, [], [held, held, held]) == 5.0  # three needed, one spare is left, one comes back
    assert gain(out, [other], [held, held, held]) == 2.5
    assert gain(other, [], [held]) == 0.0
    assert gain(other, [], [], 0.25) == 2.5
    assert gain(out, [], [], 0.0, 0.3) == pytest.approx(
        1.0
    )  # one of ten nodes, of the three that are lacking
    assert gain(out, [], []) == 0.0  # no spare was ever taken
    rows.append(ResourceRow(5.0, "spare_nodes", -1))
    p = (1 / 10) / (1 / 10 + 1 / 5)
    assert gain(out, [], []) == pytest.approx(10 * (p**2 - p**3))


# ---------------------------------------------------------------------- skills

HGX = {"kind": "hgx", "nodes": 300, "nodes_per_pod": 100, "spines": 2}


def skilled(crews: dict[str, Any], count: int, classes: tuple[str, ...]) -> list[Ledger]:
    """NICs and CPUs fail, each once in 2.5 h; an hour of work for each."""
    n_parts = {"nic": 300 * 8, "cpu": 300 * 2}
    scenario = small(
        600.0,
        machine=HGX,
        job_nodes=8,
        failures={cls: {"crash": mode(rate=per_h(0.4 / n_parts[cls]))} for cls in classes},
        repair=ladder(
            {"fix": rung(exponential(1.0), technician=True)},
            technicians={"count": count, "travel": 0, "crews": crews, **SOURCE},
        ),
    )
    return runs(scenario, 12)


def tries(ledger: Ledger, cls: str) -> list[tuple[float, float, float]]:
    """(asked, begun, done) of each try on parts of a class."""
    classes = {row.incident_id: row.component_class for row in ledger.incidents}
    return sorted(row[2:5] for row in ledger.attempts if classes[row.incident_id] == cls)


def test_a_crew_is_a_queue_of_its_own() -> None:
    """What one crew does is what it does where nothing else ever fails; and Erlang's C formula."""
    optics = {"network": {"count": 1, "serves": ["nic"]}}
    both = skilled(optics, 1, ("nic", "cpu"))
    for cls in ("nic", "cpu"):
        alone = skilled({}, 1, (cls,))
        for mine, theirs in zip(both, alone, strict=True):
            assert np.array(tries(mine, cls)) == pytest.approx(np.array(tries(theirs, cls)), abs=1e-9)
    assert {row.crew for row in both[0].visits} == {"", "network"}
    fractions, means = waits(both, 50.0, 560.0)
    assert abs(z_mean(fractions, erlang_c(1, 0.4))) < 4.0
    assert abs(z_mean(means, erlang_c(1, 0.4) / 0.6)) < 4.0
    pooled = skilled({}, 2, ("nic", "cpu"))
    assert abs(z_mean(waits(pooled, 50.0, 560.0)[0], erlang_c(2, 0.8))) < 4.0


# ---------------------------------------------------------------------- batches


def batched(by: str, at_most: int, rate: float) -> Scenario:
    rates = {
        "kind": "piecewise_constant",
        "edges": ["0 h", "400 h"],
        "rates": [per_h(rate / 200), per_h(0.0)],
    }
    return small(
        800.0,
        machine={"kind": "hgx", "nodes": 100, "nodes_per_rack": 20, "nodes_per_pod": 100, "spines": 2},
        job_nodes=8,
        failures={"node": {"crash": mode(lifetime=rates)}, "cpu": {"crash": mode(lifetime=rates)}},
        repair=ladder(
            {"fix": rung(exponential(1.0), technician=True)},
            technicians={"count": 2, "travel": h(3.0), "batch": {"by": by, "at_most": at_most}, **SOURCE},
        ),
    )


def played(jobs: list[tuple[float, float, Any]], n_people: int, travel_h: float, at_most: int) -> list[float]:
    """When each job (asked, hours of work, mark) is done: whoever is done takes the first alike, else the first of all."""
    people: list[tuple[float, Any, int]] = [(0.0, None, 0)] * n_people
    left, done = dict(enumerate(jobs)), [math.nan] * len(jobs)
    while left:
        people.sort(key=lambda one: one[0])
        free_h, mark, n_done = people.pop(0)
        there = [k for k, (asked, *_) in left.items() if asked <= free_h]
        alike = [k for k in there if left[k][2] == mark and n_done < at_most]
        job = (alike or there or list(left))[0]
        asked, work, its = left.pop(job)
        done[job] = max(free_h, asked) + (0.0 if alike else travel_h) + work
        people.append((done[job], its, n_done + 1 if alike else 1))
    return done


@pytest.mark.parametrize(("by", "at_most", "rate"), [("class", 2, 0.4), ("class", 5, 0.8), ("rack", 4, 1.0)])
def test_like_work_is_done_on_one_way(by: str, at_most: int, rate: float) -> None:
    """Each try of each run is done when the queue says that is played over the list of people."""
    n_on_the_way = 0
    for ledger in runs(batched(by, at_most, rate), 4):
        rows = {row.incident_id: row for row in ledger.incidents}
        marks = {
            number: row.component_class if by == "class" else row.node // 20 for number, row in rows.items()
        }
        work = {row.incident_id: row.left_h - row.arrived_h for row in ledger.visits}
        tried = sorted(ledger.attempts, key=lambda row: row.asked_h)
        jobs = [(row.asked_h, work[row.incident_id], marks[row.incident_id]) for row in tried]
        assert [row.end_h for row in tried] == pytest.approx(played(jobs, 2, 3.0, at_most), abs=1e-6)
        n_on_the_way += sum(row.arrived_h == row.sent_h for row in ledger.visits)
    assert n_on_the_way > 50


def test_nobody_goes_on_with_like_work_after_the_shift() -> None:
    """Three nodes at once, two hours each, a shift of three hours: two on the first way, the third on the next day."""
    technicians = {
        "count": 0, "travel": 0, "run_begins": "mon 00:00", "at_shift_end": "finish",
        "shifts": {"day": {"days": "every", "begins": "09:00", "ends": "12:00", "count": 1}},
        "batch": {"by": "class", "at_most": 9}, **SOURCE,
    }  # fmt: skip
    scenario = small(
        50.0,
        nodes=3,
        failures={"node": {"crash": mode(lifetime=fixed(9.0))}},
        repair=ladder({"fix": rung("2 h", technician=True, age_kept=0.0)}, technicians=technicians),
    )
    sent = sorted(row.sent_h for row in runs(scenario, 1)[0].visits if not math.isnan(row.sent_h))
    assert sent[:4] == [9.0, 11.0, 33.0, 35.0]
