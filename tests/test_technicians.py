"""What technicians' hours went into: by hand, and against the levels of the crew."""

from __future__ import annotations

import math

import pytest
import simpy

from ras_sim.engine import simulate
from ras_sim.ledger import JobRow, Ledger, ResourceRow, VisitRow
from ras_sim.metrics.cost import technician_h
from ras_sim.metrics.technicians import TechnicianUse, technician_use
from ras_sim.repair.crew import Crew, Sent
from ras_sim.repair.queue import Order
from ras_sim.repair.roster import ALWAYS, Shift
from ras_sim.scenario.load import load
from tests.alive.bases import bases
from tests.ledgers import by_hand, empty, incident

NAN = math.nan


def test_hours_by_hand() -> None:
    """One visit of an hour's way and four hours of work, for a fault that began in the memory; the job waited for 2 h."""
    use = TechnicianUse(n_visits=1, wait_h=1.0, travel_h=1.0, work_h=4.0, n_gpus_back=4, job_wait_gpu_h=16.0)
    assert technician_use(by_hand()) == {"hbm": use}


def three_visits() -> Ledger:
    """A hand-over on the way, one to the end, one that the end of the run (hour 100) cut short; and a call in vain."""
    ledger = empty()
    ledger.incidents = [
        incident(0, "gpu", "hang", closed_h=30.0, outcome="fixed", n_gpus_out=8),
        incident(1, "optic", "dirty", root_id=0, closed_h=50.0, outcome="comes_back"),
        incident(2, "nic", "dead", outcome="open"),
    ]
    ledger.visits = [
        VisitRow(0, "rma", 10.0, 12.0, NAN, 14.0, 14.0),
        VisitRow(0, "rma", 14.0, 20.0, 21.0, 30.0, 28.0),
        VisitRow(1, "rma", 40.0, 40.0, 45.0, 50.0, NAN),
        VisitRow(2, "rma", 90.0, 95.0, 98.0, NAN, 99.0),
        VisitRow(2, "rma", 97.0, NAN, NAN, NAN, NAN),
    ]
    ledger.job = [JobRow(10.0, 30.0, "repair", 20.0, 0), JobRow(0.0, 10.0, "productive", 10.0, -1)]
    return ledger


def test_hours_of_cut_and_handed_over_visits() -> None:
    ledger = three_visits()
    use = technician_use(ledger)
    assert list(use) == ["gpu", "nic"]  # the second incident is a return of the first
    n = ledger.n_job_gpus
    assert use["gpu"] == TechnicianUse(3, 8.0, 2.0 + 1.0 + 5.0, 9.0 + 5.0, 2.0, 8, 20.0 * n)
    assert use["nic"] == TechnicianUse(1, 5.0 + 3.0, 3.0, 2.0, 1.0, 0, 0.0)
    assert use["gpu"].gpus_per_h == pytest.approx(8 / 22)
    assert technician_h(ledger) == 27.0


@pytest.mark.parametrize("replication", range(3))
def test_hours_are_the_area_under_the_busy_technicians(replication: int) -> None:
    """Visits sum to the integral of the number of busy technicians; so do those of crews, shifts and batches."""
    ledger = simulate(bases()["full"], seed=3, replication=replication)
    area = sum(
        row.change * (ledger.horizon_h - row.time_h)
        for row in ledger.resources
        if row.resource.startswith("technicians_busy")
    )
    assert area > 10.0
    assert technician_h(ledger) == pytest.approx(area)
    assert {row.crew for row in ledger.visits} == {"", "power"}


@pytest.mark.parametrize("replication", range(3))
def test_the_queue_is_those_who_wait(replication: int) -> None:
    """Waits sum to the integral of the length of the queues; who does not wait never stands in one."""
    ledger = simulate(bases()["full"], seed=3, replication=replication)
    rows, waits_h = queue_of(ledger)
    assert sum(waits_h) == pytest.approx(sum(row.change * (ledger.horizon_h - row.time_h) for row in rows))
    assert {row.resource for row in rows} == {"technician_queue", "technician_queue.power"}

    one = load("scenarios/review_technicians.yaml", ["repair.technicians.count=1", "horizon=60d"])  # no shifts, no batches
    rows, waits_h = queue_of(simulate(one, seed=3, replication=replication))
    assert 0 < sum(row.change > 0 for row in rows) == sum(wait_h > 0.0 for wait_h in waits_h) < len(waits_h)


def test_nobody_is_passed_over() -> None:
    """Who comes at the instant at which the one technician is free again stands behind who waited for that."""
    env = simpy.Environment()
    crew = Crew(env, [Shift(1, ALWAYS)])
    orders = [Order(n, "fix", "node", 1.0, lambda: 1.0) for n in range(3)]
    served = crew.call(crew.number(), orders[0])
    assert isinstance(served, Sent)
    waits = crew.call(crew.number(), orders[1])
    crew.release(served, orders[0])
    comes = crew.call(crew.number(), orders[2])
    env.run()
    assert isinstance(waits, simpy.Event)
    assert isinstance(comes, simpy.Event)
    assert (waits.triggered, comes.triggered) == (True, False)


def queue_of(ledger: Ledger) -> tuple[list[ResourceRow], list[float]]:
    """The rows of the queues for technicians, and the wait of each visit for somebody to set out."""
    rows = [row for row in ledger.resources if row.resource.startswith("technician_queue")]
    sent_h = [ledger.horizon_h if math.isnan(row.sent_h) else row.sent_h for row in ledger.visits]
    return rows, [sent - row.called_h for sent, row in zip(sent_h, ledger.visits, strict=True)]


def test_technicians_without_limit_are_counted_too() -> None:
    """Nobody waits and nobody travels; the hours are those of the rungs that need hands."""
    limited = load("tests/scenarios/full.yaml")
    free = load("tests/scenarios/full.yaml", ["repair.technicians=null", "repair.parts={}"])
    ledger = simulate(free, seed=1, replication=0)
    assert ledger.visits
    assert ledger.parts
    assert all(row.called_h == row.sent_h == row.arrived_h for row in ledger.visits)
    assert all(row.asked_h == row.taken_h for row in ledger.parts)
    hands = {name for name, rung in limited.repair.ladder.items() if rung.technician}
    assert {row.rung for row in ledger.visits} <= hands
    assert {(row.incident_id, row.rung) for row in ledger.attempts if row.rung in hands} <= {
        row[:2] for row in ledger.visits
    }
