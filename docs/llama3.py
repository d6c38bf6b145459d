"""The published 54 days of Llama 3 405B beside simulated ones: rows of Table 5, and what the assumed numbers change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import ras_sim
from ras_sim.experiment.result import Result
from ras_sim.metrics import Estimate, estimate
from ras_sim.report.published import prediction

SCENARIO = Path(__file__).parents[1] / "scenarios" / "llama3_405b_16k.yaml"

TABLE_5: dict[str, tuple[int, tuple[str, ...]]] = {
    "Faulty GPU": (148, ("gpu.faulty",)),
    "GPU HBM3 memory": (72, ("hbm.due",)),
    "Software bug": (54, ("software.bug",)),
    "Network switch/cable": (
        35,
        ("optic.dead", "link.cable", "link.flap", "leaf.crash", "uplink.down"),
    ),
    "Host maintenance (unplanned)": (32, ("node.maintenance",)),
    "GPU SRAM memory": (19, ("gpu.sram",)),
    "GPU system processor": (17, ("gpu.gsp",)),
    "NIC": (7, ("nic.fault",)),
    "NCCL watchdog timeouts": (7, ("software.nccl_timeout",)),
    "Silent data corruption": (6, ("gpu.sdc",)),
    "GPU thermal interface + sensor": (6, ("gpu.thermal",)),
    "SSD": (3, ("ssd.fault",)),
    "Power supply": (3, ("node.power", "psu.fault")),
    "Server chassis": (2, ("node.chassis", "fan.fault")),
    "IO expansion board": (2, ("board.io",)),
    "Dependency": (2, ("software.dependency",)),
    "CPU": (2, ("cpu.fault",)),
    "System memory": (2, ("dimm.due",)),
}
"""Row of Table 5 -> count, and the failure modes that stand for it."""

CHANGES: dict[str, tuple[str, ...]] = {
    "checkpoint every 2 min (Young/Daly optimum: 1.9 min)": ("job.checkpoints.remote.interval=2 min",),
    "checkpoint every 15 min": ("job.checkpoints.remote.interval=15 min",),
    "checkpoint every 30 min": ("job.checkpoints.remote.interval=30 min",),
    "checkpoint every 60 min": ("job.checkpoints.remote.interval=60 min",),
    "start-up x 0.5": ("job.initialise.at_1000_gpus=2.152 s",),
    "start-up x 2": ("job.initialise.at_1000_gpus=8.608 s",),
    "loading a checkpoint x 0.5": ("job.checkpoints.remote.restore=64.75 s",),
    "loading a checkpoint x 2": ("job.checkpoints.remote.restore=259 s",),
    "diagnosis 2.5 min": ("detection.diagnose=2.5 min",),
    "diagnosis 10 min": ("detection.diagnose=10 min",),
    "crash found after 10 min (no inspection)": ("detection.crash=10 min",),
    "corruption found after 5 min": ("detection.silent.mean=5 min",),
    "corruption found after 12 h": ("detection.silent.mean=12 h",),
    "swap in 5 min": ("job.spares.swap=5 min",),
    "8 spare nodes": ("job.spares.nodes=8",),
    "planned stops of 10 min": ("job.planned.change.duration=10 min",),
    "planned stops of 1 h": ("job.planned.change.duration=1 h",),
    "technicians arrive after 2 d (median)": ("repair.technicians.travel.median=2 d",),
    "every failed try is noticed": (
        "repair.ladder.process_restart.seen=1",
        "repair.ladder.gpu_reset.seen=1",
        "repair.ladder.node_reboot.seen=1",
    ),
    "half of the failed tries are noticed": (
        "repair.ladder.process_restart.seen=0.5",
        "repair.ladder.gpu_reset.seen=0.5",
        "repair.ladder.node_reboot.seen=0.5",
    ),
}
"""What is changed of the assumed numbers, one at a time -> `--set` values."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One row of Table 5.

    Args:
        name: as published.
        published: count.
        simulated: mean over replications.
        one_run: range of 95 of 100 single runs.
        z: (published - simulated) / standard deviation of one run.
    """

    name: str
    published: int
    simulated: Estimate
    one_run: tuple[float, float]
    z: float

    @property
    def inside(self) -> bool:
        return self.one_run[0] <= self.published <= self.one_run[1]


def simulated(replications: int, overrides: tuple[str, ...] = ()) -> Result:
    """Runs of the scenario, the same faults whatever is overridden."""
    return ras_sim.run(
        ras_sim.load(SCENARIO, overrides), seed=1, replications=replications, keep_ledgers=False
    )


def causes(result: Result) -> list[Cause]:
    """The rows of Table 5, published and simulated."""
    rows = []
    for name, (count, modes) in TABLE_5.items():
        sums = [
            float(sum(one.interruptions_by_mode.get(mode, 0) for mode in modes)) for one in result.measures
        ]
        rows.append(_cause(name, count, estimate(sums)))
    return rows


def _cause(name: str, count: int, simulated: Estimate) -> Cause:
    """A row; the spread of one run is taken from the mean where runs are few: at least Poisson."""
    mean, one_run = simulated.mean or 0.0, prediction(simulated) or (0.0, 0.0)
    sd = max(simulated.sd or 0.0, math.sqrt(mean)) * math.sqrt(1.0 + 1.0 / simulated.n)
    return Cause(name, count, simulated, (max(0.0, one_run[0]), one_run[1]), (count - mean) / sd)


def elapsed_ettr(result: Result) -> Estimate:
    """Hours of training that were kept, and degraded ones, over all hours that passed, planned stops included."""
    return estimate(
        [one.goodput + one.time_h["degraded"] / one.horizon_h for one in result.measures]
    )


def change_of_ettr(base: Result, other: Result) -> Estimate:
    """Difference of ETTR in pairs of replications with the same faults."""
    pairs = zip(base.measures, other.measures, strict=True)
    return estimate([changed.ettr - before.ettr for before, changed in pairs])
