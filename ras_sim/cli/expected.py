"""What a scenario expects to fail, in the long run, from its rates alone: no simulation.

A mode's long-run rate is 1 / mean life of a part (times 1 + mean followers of a burst), plus the strikes of
shocks. Infant mortality, ages at the start, differences between parts and batches, bad changes and the starts
of the job change when faults come, and how many; they are left out here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ras_sim.scenario.failures import ModeSpec
from ras_sim.scenario.model import Scenario
from ras_sim.topology import BlastWalk, Blueprint
from ras_sim.topology.parts import MACHINE, parts_below


@dataclass(frozen=True, slots=True)
class Expected:
    """Long-run rates of one failure mode, over all its parts.

    Args:
        component_class, name: the mode.
        per_h: faults that need repair, per hour.
        benign_per_h: faults without effect, per hour.
        stops_per_h: faults that stop a job that uses the part, per hour; see `stop_share`.
    """

    component_class: str
    name: str
    per_h: float
    benign_per_h: float
    stops_per_h: float


def expected_failures(scenario: Scenario, machine: Blueprint) -> list[Expected]:
    """The long-run rates of every mode, in the order of the scenario."""
    struck = _strikes_per_h(scenario, machine)
    rows = []
    for cls, modes in scenario.failures.items():
        for name, mode in modes.items():
            per_h = _per_part_h(mode) * machine.counts[cls] + struck.get(f"{cls}.{name}", 0.0)
            p_benign = mode.symptoms.get("benign", 0.0)
            stops = per_h * stop_share(scenario, cls, name, mode)
            rows.append(Expected(cls, name, per_h * (1.0 - p_benign), per_h * p_benign, stops))
    return rows


def stop_share(scenario: Scenario, cls: str, name: str, mode: ModeSpec) -> float:
    """Share of a mode's faults that stop the job: crashes, hangs, and exceptions that nothing catches.

    An exception is caught where the policy starts at a rung that takes down the failing operation only.
    """
    start = scenario.repair.policy.start
    keys = (f"{cls}.{name}", cls, "exception", "default")
    rung = scenario.repair.ladder[next(start[key] for key in keys if key in start)]
    applies = rung.applies_to is None or cls in rung.applies_to
    caught = rung.takes_down == "operation" and applies
    stopping = ("crash", "hang") if caught else ("crash", "hang", "exception")
    return sum(p for symptom, p in mode.symptoms.items() if symptom in stopping)


def mtti_h(rates_per_h: Iterable[float]) -> float:
    """Mean time between events of summed rates, inf if nothing ever happens."""
    total = math.fsum(rates_per_h)
    return 1.0 / total if total > 0.0 else math.inf


def _per_part_h(mode: ModeSpec) -> float:
    """Faults of one part per hour, in the long run."""
    lifetime = mode.build_lifetime()
    if lifetime is None or not math.isfinite(lifetime.mean_h):
        return 0.0
    return (1.0 + (mode.burst.extra if mode.burst else 0.0)) / lifetime.mean_h


def _strikes_per_h(scenario: Scenario, machine: Blueprint) -> dict[str, float]:
    """Strikes of shocks per hour, by the mode that the struck parts suffer."""
    rates: dict[str, float] = {}
    walk = BlastWalk(machine)
    for shock in scenario.shocks.values():
        n_sources = 1 if shock.under == MACHINE else machine.counts[shock.under]
        n_below = len(parts_below(walk, shock.under, shock.strikes.partition(".")[0])(0))
        per_h = n_sources * n_below * shock.p_struck / shock.every.build().mean_h
        rates[shock.strikes] = rates.get(shock.strikes, 0.0) + per_h
    return rates
