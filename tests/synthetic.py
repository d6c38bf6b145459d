"""A made-up but plausible result of any size: what the tests of the report draw, without an engine."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from ras_sim.experiment.result import Result
from ras_sim.ledger import AttemptRow, FaultRow, IncidentRow, JobRow, Ledger, ResourceRow, TariffRow, VisitRow
from ras_sim.metrics import aggregate, measure
from ras_sim.scenario.model import Published

LADDER = ("exception", "process_restart", "gpu_reset", "node_reboot", "rma")

CAUSES: tuple[tuple[str, str, str, int, int], ...] = (
    # class, mode, symptom, weight (counts of Llama 3, table 5), GPUs hit
    ("gpu", "faulty", "crash", 148, 1),
    ("hbm", "due", "crash", 72, 1),
    ("software", "bug", "crash", 54, 8),
    ("switch", "cable", "hang", 35, 512),
    ("node", "maintenance", "hang", 32, 8),
    ("gpu", "sram", "exception", 19, 1),
    ("gpu", "gsp", "hang", 17, 1),
    ("nic", "down", "hang", 7, 1),
    ("software", "watchdog", "hang", 7, 16384),
    ("gpu", "sdc", "silent", 6, 1),
    ("gpu", "thermal", "slow", 6, 1),
    ("ssd", "failed", "crash", 3, 8),
    ("psu", "failed", "crash", 3, 8),
    ("chassis", "fault", "crash", 2, 8),
    ("board", "expansion", "crash", 2, 4),
    ("software", "dependency", "crash", 2, 8),
    ("cpu", "fault", "crash", 2, 8),
    ("dimm", "due", "crash", 2, 8),
)

_STAGES = ("detect", "diagnose", "repair", "swap", "initialise", "restore", "wait_capacity", "validate")


@dataclass
class FakeScenario:
    """What a report reads of a scenario."""

    name: str = "synthetic_16k"
    description: str = "A made-up cluster for tests of the report."
    horizon_h: float = 54 * 24.0
    source_text: str = "name: synthetic_16k\n"
    resolved_text: str = "name: synthetic_16k\nhorizon: 1296 h\n"
    content_hash: str = "0" * 64
    published: Mapping[str, Published] = field(default_factory=dict)
    failures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ladder: Sequence[str] = LADDER
    currency: str | None = None

    @property
    def repair(self) -> Any:
        return SimpleNamespace(ladder=dict.fromkeys(self.ladder))

    def sources(self) -> list[tuple[str, str, str]]:
        return [
            ("failures.hbm.due", "rate 3.4e-06", "Llama 3, arXiv 2407.21783, table 5"),
            ("repair.ladder.gpu_reset", "p 0.7", "assumed"),
        ]


PUBLISHED = {
    "interruptions": Published(value=419, source="Llama 3, arXiv 2407.21783, table 5"),
    "mtti_h": Published(value=3.09, source="Llama 3, arXiv 2407.21783, table 5"),
    "ettr": Published(at_least=0.9, source="Llama 3, arXiv 2407.21783, section 3.3.4"),
    "interruptions_by_mode.hbm.due": Published(value=20, source="made up: outside on purpose"),
}


def make_ledger(
    scenario: FakeScenario,
    seed: int,
    replication: int,
    n_interruptions: int = 466,
    causes: Sequence[tuple[str, str, str, int, int]] = CAUSES,
) -> Ledger:
    """A ledger with about `n_interruptions` stops, one in ten of them planned."""
    draw = random.Random(f"{seed}/{replication}")
    ledger = Ledger(scenario.name, seed, replication, scenario.horizon_h, 16384, 16640)
    ledger.resources += [
        ResourceRow(0.0, "spare_nodes", 32),
        ResourceRow(0.0, "technicians_busy", 0),
        ResourceRow(0.0, "parts.gpu", 20),
    ]
    if scenario.currency is not None:
        ledger.tariff.append(TariffRow("gpus", 2.0, 16384.0, "elapsed_h", scenario.currency))
    _phases(ledger, draw, 0.0, -1, ("initialise",))
    rate_per_h = n_interruptions / scenario.horizon_h
    while True:
        begin_h = ledger.job[-1].end_h
        gap_h = draw.expovariate(rate_per_h) if n_interruptions else math.inf
        end_h = min(begin_h + gap_h, scenario.horizon_h)
        _running(ledger, draw, begin_h, end_h)
        if end_h >= scenario.horizon_h:
            break
        _stop(ledger, draw, begin_h, end_h, causes)
    for cls, mode, *_ in causes:
        n = sum(1 for row in ledger.incidents if (row.component_class, row.mode) == (cls, mode))
        ledger.faults.append(FaultRow(cls, mode, 3 * n, 2 * n))
    return ledger


def _running(ledger: Ledger, draw: random.Random, begin_h: float, end_h: float) -> None:
    hours = end_h - begin_h
    slow = 0.03 if draw.random() < 0.1 else 0.0
    save = 0.004
    ledger.job.append(JobRow(begin_h, end_h, "productive", hours * (1 - slow) * (1 - save), -1))
    if slow:
        ledger.job.append(JobRow(begin_h, end_h, "degraded", hours * slow * (1 - save), -1))
    ledger.job.append(JobRow(begin_h, end_h, "checkpoint_save", hours * save, -1))


def _stop(
    ledger: Ledger,
    draw: random.Random,
    begin_h: float,
    end_h: float,
    causes: Sequence[tuple[str, str, str, int, int]],
) -> None:
    incident_id = len(ledger.incidents)
    if draw.random() < 0.1:
        cls, mode, symptom, n_gpus = "planned", "upgrade", "planned", 0
        closed_h = _phases(ledger, draw, end_h, incident_id, ("planned", "initialise", "restore"))
        rungs: list[str] = []
    else:
        cls, mode, symptom, _, n_gpus = draw.choices(causes, [row[3] for row in causes])[0]
        lost_h = min(draw.uniform(0.0, 0.3), 0.9 * (end_h - begin_h))
        ledger.job.append(JobRow(end_h - lost_h, end_h, "productive", -lost_h, incident_id))
        ledger.job.append(JobRow(end_h - lost_h, end_h, "lost_work", lost_h, incident_id))
        closed_h = _phases(
            ledger, draw, end_h, incident_id, [s for s in _STAGES if draw.random() < 0.7] or ["detect"]
        )
        rungs = list(LADDER[draw.choice((0, 1, 1, 2)) :][: draw.choice((1, 1, 1, 2, 3))])
    _attempts(ledger, draw, incident_id, rungs, end_h, closed_h)
    top = rungs[-1] if rungs else ""
    ledger.incidents.append(
        IncidentRow(
            incident_id, incident_id, cls, mode, draw.randrange(16384), draw.randrange(2048), symptom, end_h,
            end_h + 0.05, end_h + 0.1, closed_h if closed_h < ledger.horizon_h else math.nan, top, top,
            len(rungs), "fixed", "drained" if symptom == "planned" else "interrupted",
            max(1, n_gpus // 8), n_gpus, 1.0, 1,
        )
    )  # fmt: skip


def _phases(
    ledger: Ledger, draw: random.Random, start_h: float, incident_id: int, stages: Sequence[str]
) -> float:
    for stage in stages:
        end_h = min(start_h + draw.expovariate(20.0), ledger.horizon_h)
        ledger.job.append(JobRow(start_h, end_h, stage, end_h - start_h, incident_id))
        start_h = end_h
    return start_h


def _attempts(
    ledger: Ledger, draw: random.Random, incident_id: int, rungs: Sequence[str], start_h: float, end_h: float
) -> None:
    for index, rung in enumerate(rungs):
        last = index == len(rungs) - 1
        outcome = "fixed" if last else draw.choice(("failed", "failed", "caught", "seems_fixed"))
        ledger.attempts.append(AttemptRow(incident_id, rung, start_h, start_h, end_h, outcome))
    if "rma" in rungs:
        ledger.resources += [
            ResourceRow(start_h, "spare_nodes", -1),
            ResourceRow(start_h, "technicians_busy", 1),
            ResourceRow(min(start_h + 4, ledger.horizon_h), "technicians_busy", -1),
            ResourceRow(min(start_h + 48, ledger.horizon_h), "spare_nodes", 1),
        ]
        times = (start_h, start_h, min(start_h + 1, ledger.horizon_h), min(start_h + 4, ledger.horizon_h))
        ledger.visits.append(VisitRow(incident_id, "rma", *times, math.nan))


def make_result(
    replications: int = 1, *, scenario: FakeScenario | None = None, seed: int = 1, **options: Any
) -> Result:
    """A result of synthetic ledgers; `options` go to `make_ledger`."""
    scenario = scenario or FakeScenario(published=PUBLISHED)
    ledgers = tuple(make_ledger(scenario, seed, i, **options) for i in range(replications))
    measures = tuple(measure(one) for one in ledgers)
    return Result(cast(Any, scenario), seed, replications, measures, ledgers, aggregate(measures), 1.5)
