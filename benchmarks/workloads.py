"""What is measured: scenarios, the same machine ten times as large, and the work of one replication as counts."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import FrameType

from benchmarks.floor import events_of
from ras_sim import load
from ras_sim.engine import simulate
from ras_sim.faults.arrivals import Firsts
from ras_sim.faults.shocks import shock_times
from ras_sim.ledger import Ledger
from ras_sim.scenario.build import setup_of
from ras_sim.scenario.setup import Setup
from ras_sim.topology.parts import MACHINE

ROOT = Path(__file__).resolve().parents[1]
AIRESIM = ROOT / "benchmarks" / "airesim_4096.yaml"
XL = ROOT / "scenarios" / "xl_100k.yaml"
EVERYTHING = ROOT / "benchmarks" / "everything.yaml"
WITHOUT = ROOT / "scenarios" / "keynote" / "hgx_16k.yaml"
"""The machine and the job of EVERYTHING, with none of its mechanisms."""
SEED = 1


def simulated(setup: Setup, replication: int = 0) -> Ledger:
    """One replication of a setup, as `ras_sim.simulate` runs it."""
    return simulate(setup, seed=SEED, replication=replication)


@cache
def setup(path: Path, *overrides: str) -> Setup:
    """The setup of a scenario file."""
    return setup_of(load(path, list(overrides)))


@cache
def larger(path: Path, factor: int, *overrides: str) -> Setup:
    """The machine, the job, its spares and its technicians `factor` times as large, each part that much more reliable.

    The job starts up as fast as on the machine of the file: else it would run for fewer hours, and parts that age
    only while it runs would fail less often. So as many faults are expected as on the machine of the file.

    Args:
        path: a scenario file with an integer number of nodes.
        factor: >= 1.
        overrides: of the file, applied to both.
    """
    base = load(path, list(overrides))
    sizes = {
        "machine.nodes": getattr(base.machine, "nodes", 0),
        "job.gpus": base.job.gpus,
        "job.spares.nodes": base.job.spares.nodes,
    }
    if base.repair.technicians is not None:
        sizes["repair.technicians.count"] = base.repair.technicians.count
    large = setup(path, *overrides, *(f"{key}={n * factor}" for key, n in sizes.items()))
    modes = tuple(
        replace(
            mode,
            lifetime=None if mode.lifetime is None else mode.lifetime.scaled(1.0 / factor),
            benign_per_h=mode.benign_per_h / factor,
        )
        for mode in large.modes
    )
    shocks = tuple(
        shock
        if shock.strikes_under == MACHINE
        else replace(shock, interval=shock.interval.scaled(1.0 / factor))
        for shock in large.shocks
    )
    job = replace(large.job, start_up_h=setup(path, *overrides).job.start_up_h)
    return replace(large, modes=modes, shocks=shocks, job=job)


def draw_arrays(setup: Setup, replication: int = 0) -> int:
    """Draw the first failures of all parts, and the shocks, and do nothing with them; returns how many there are."""
    counts, total = setup.blueprint.counts, 0
    for mode in setup.modes:
        n = counts[mode.component_class]
        total += len(Firsts(mode, n, setup.horizon_h).draw(SEED, replication)[0])
    for shock in setup.shocks:
        n = 1 if shock.strikes_under == MACHINE else counts[shock.strikes_under]
        total += sum(1 for _ in shock_times(shock, n, setup.horizon_h, SEED, replication))
    return total


@dataclass(frozen=True, slots=True)
class Work:
    """The work of one replication in numbers that do not depend on the machine it ran on.

    Args:
        n_incidents: rows of the incident table.
        n_events: simpy events that fired.
        n_processes: simpy processes that were started.
        n_calls: Python functions that were entered, generators resumed included.
    """

    n_incidents: int
    n_events: int
    n_processes: int
    n_calls: int

    @property
    def events_per_incident(self) -> float:
        return self.n_events / self.n_incidents

    @property
    def calls_per_incident(self) -> float:
        return self.n_calls / self.n_incidents


def work_of(setup: Setup, replication: int = 0) -> Work:
    """Count the work of one replication, in two runs: one for events, one for calls."""
    ledger = simulated(setup, replication)  # the first run also fills caches
    events = events_of(lambda: simulated(setup, replication))
    n_calls = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal n_calls
        n_calls += event == "call"

    sys.setprofile(count)
    try:
        simulated(setup, replication)
    finally:
        sys.setprofile(None)
    return Work(len(ledger.incidents), events.n_events, events.n_processes, n_calls)
