"""Small ledgers made by hand, for tests of what is computed from ledgers."""

from __future__ import annotations

from dataclasses import dataclass

from ras_sim.ledger import (
    AttemptRow,
    FaultRow,
    IncidentRow,
    JobRow,
    Ledger,
    PartRow,
    ResourceRow,
    VisitRow,
)
from ras_sim.streams import base_key, uniform

NAN = float("nan")


@dataclass(frozen=True)
class FakeScenario:
    """What a result needs to know of a scenario."""

    name: str = "tiny"
    description: str = "ten GPUs, by hand"
    horizon_h: float = 100.0
    source_text: str = "name: tiny  # as written\n"
    resolved_text: str = "name: tiny\n"
    content_hash: str = "0" * 64
    cost: None = None
    currency: None = None


def incident(incident_id: int, component_class: str, mode: str, **known: object) -> IncidentRow:
    """An incident that hit one GPU of node 0 at hour 0 and stopped the job, but for what is given."""
    row = IncidentRow(
        incident_id=incident_id,
        root_id=incident_id,
        component_class=component_class,
        mode=mode,
        instance=0,
        node=0,
        symptom="crash",
        arrive_h=0.0,
        detected_h=NAN,
        located_h=NAN,
        closed_h=NAN,
        needs_rung="gpu_reset",
        final_rung="",
        n_attempts=0,
        outcome="open",
        job_effect="interrupted",
        n_nodes_hit=1,
        n_gpus_hit=1,
        speed=1.0,
        n_interruptions=1,
    )
    stops = known.get("job_effect", "interrupted") in ("interrupted", "drained")
    return row._replace(**{"n_interruptions": int(stops), **known})  # type: ignore[arg-type]


def empty(horizon_h: float = 100.0, replication: int = 0, seed: int = 1) -> Ledger:
    """A ledger without any row: 8 of 10 GPUs work on the job."""
    return Ledger("tiny", seed, replication, horizon_h, n_job_gpus=8, n_installed_gpus=10)


def by_hand(replication: int = 0) -> Ledger:
    """100 hours: a slow optic, an HBM fault, its return, a planned stop.

    0 start 1 run 41 (hbm) 43.5 run 63.5 (hbm again, takes the whole node) 66 run 80 (planned) 84 run 100
    """
    ledger = empty(replication=replication)
    ledger.job = [
        JobRow(0.0, 1.0, "initialise", 1.0, -1),
        JobRow(1.0, 41.0, "productive", 38.0, -1),
        JobRow(1.0, 41.0, "degraded", 1.0, 0),
        JobRow(1.0, 41.0, "checkpoint_save", 1.0, -1),
        JobRow(41.0, 41.0, "productive", -2.0, 1),
        JobRow(41.0, 41.0, "lost_work", 2.0, 1),
        JobRow(41.0, 41.5, "detect", 0.5, 1),
        JobRow(41.5, 42.0, "repair", 0.5, 1),
        JobRow(42.0, 43.0, "initialise", 1.0, 1),
        JobRow(43.0, 43.5, "restore", 0.5, 1),
        JobRow(43.5, 63.5, "productive", 19.0, -1),
        JobRow(43.5, 63.5, "checkpoint_save", 1.0, -1),
        JobRow(63.5, 63.5, "productive", -1.0, 2),
        JobRow(63.5, 63.5, "lost_work", 1.0, 2),
        JobRow(63.5, 65.5, "repair", 2.0, 2),
        JobRow(65.5, 66.0, "restore", 0.5, 2),
        JobRow(66.0, 80.0, "productive", 14.0, -1),
        JobRow(80.0, 84.0, "planned", 4.0, 3),
        JobRow(84.0, 100.0, "productive", 15.0, -1),
        JobRow(84.0, 100.0, "power_throttle", 1.0, -1),
    ]
    slow = {"symptom": "slow", "job_effect": "slowed", "outcome": "tolerated", "speed": 0.975}
    reset = {"outcome": "comes_back", "final_rung": "gpu_reset", "n_attempts": 1}
    replaced = {"outcome": "fixed", "final_rung": "rma", "n_attempts": 2, "n_gpus_hit": 4}
    stop = {"symptom": "planned", "job_effect": "drained", "outcome": "fixed", "n_nodes_hit": 5}
    hbm = {"node": 3, "arrive_h": 41.0, "detected_h": 41.5, "located_h": 41.75, "closed_h": 65.0}
    back = {"node": 3, "arrive_h": 63.5, "detected_h": 63.5, "closed_h": 70.0, "root_id": 1}
    ledger.incidents = [
        incident(0, "optic", "flap", node=7, arrive_h=5.0, detected_h=5.0, **slow),
        incident(1, "hbm", "due", **hbm, **reset),
        incident(2, "gpu", "hang", **back, **replaced),  # in another guise: its root takes the blame
        incident(3, "planned", "upgrade", arrive_h=80.0, closed_h=84.0, n_gpus_hit=10, **stop),
    ]
    ledger.attempts = [
        AttemptRow(1, "gpu_reset", 41.75, 41.75, 42.0, "seems_fixed"),
        AttemptRow(2, "gpu_reset", 63.5, 63.5, 63.6, "failed"),
        AttemptRow(2, "rma", 64.0, 65.0, 70.0, "fixed"),
    ]
    ledger.resources = [
        ResourceRow(0.0, "spare_nodes", 2),
        ResourceRow(0.0, "technicians_busy", 0),
        ResourceRow(41.5, "spare_nodes", -1),
        ResourceRow(63.5, "spare_nodes", -1),
        ResourceRow(65.0, "technicians_busy", 1),
        ResourceRow(65.5, "spare_nodes", 1),
        ResourceRow(70.0, "technicians_busy", -1),
        ResourceRow(90.0, "spare_nodes", 1),
    ]
    ledger.visits = [VisitRow(2, "rma", 64.0, 65.0, 66.0, 70.0, 80.0)]
    ledger.parts = [PartRow(2, "rma", "gpu", 64.0, 64.0)]
    ledger.faults = [
        FaultRow("hbm", "due", 1, 0),
        FaultRow("optic", "flap", 5, 4),
        FaultRow("gpu", "hang", 0, 0),
    ]
    return ledger


def simulate(scenario: FakeScenario, *, seed: int, replication: int) -> Ledger:
    """A stand-in for the engine: up to three crashes of 1..3 hours, set by (seed, replication)."""
    key = base_key(seed, replication, "test")
    ledger = empty(scenario.horizon_h, replication, seed)
    lost_h = 0.0
    for number in range(int(4 * uniform(key))):
        repair_h = 1.0 + 2.0 * uniform(key, number + 1)
        ledger.incidents.append(incident(number, "gpu", f"crash{number}", closed_h=repair_h, outcome="fixed"))
        ledger.job.append(JobRow(0.0, 1.0, "repair", repair_h, number))
        ledger.resources += [ResourceRow(1.0, "queue", 1), ResourceRow(1.0 + repair_h, "queue", -1)]
        lost_h += repair_h
    ledger.job.append(JobRow(0.0, 1.0, "productive", scenario.horizon_h - lost_h, -1))
    return ledger
