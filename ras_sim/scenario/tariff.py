"""From prices to the tariff: what is charged for what, as rows of the ledger (docs/model.md, "Cost")."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.ledger import TariffRow
from ras_sim.repair.workshop import ON_DUTY
from ras_sim.scenario.cost import CostSpec, EnergySpec
from ras_sim.scenario.model import Scenario

_W_PER_KW = 1000.0


def build_tariff(scenario: Scenario, gpus_per_node: int) -> tuple[TariffRow, ...]:
    """The tariff of a checked scenario, empty if it states no prices.

    Args:
        gpus_per_node: of the machine.
    """
    cost = scenario.cost
    if cost is None:
        return ()
    charges = _charges(cost, scenario, gpus_per_node)
    return tuple(TariffRow(*charge, cost.currency) for charge in charges)


_Charge = tuple[str, float, float, str]
"""Item, unit price, factor, basis."""


def _charges(cost: CostSpec, scenario: Scenario, gpus_per_node: int) -> Iterator[_Charge]:
    """Everything that has a price, in the order of a bill."""
    spares = scenario.job.spares
    n_spares = spares.nodes + (spares.warm.nodes if spares.warm else 0)
    n_job_gpus, n_spare_gpus = scenario.job.gpus, n_spares * gpus_per_node
    if cost.job_gpu is not None:
        yield "gpus", cost.job_gpu, float(n_job_gpus), "elapsed_h"
    if cost.spare_gpu is not None:
        yield "spare_gpus", cost.spare_gpu, float(n_spare_gpus), "elapsed_h"
    if cost.technicians is not None and cost.technicians.paid == "worked":
        yield "technicians", cost.technicians.price, 1.0, "technician_h"
    elif cost.technicians is not None and scenario.repair.technicians is not None:
        yield "technicians", cost.technicians.price, 1.0, ON_DUTY
        yield "technicians", cost.technicians.price, 1.0, "overtime_h"
    for unit, price in sorted(cost.parts.items()):
        yield f"parts.{unit}", price, 1.0, f"units.{unit}"
    for unit in sorted(carried(scenario)):
        yield f"stock.{unit}", cost.parts[unit], cost.carrying or 0.0, f"stock_h.{unit}"
    if cost.energy is not None:
        yield from _energy(cost.energy, n_job_gpus, n_spare_gpus)


def _energy(energy: EnergySpec, n_job_gpus: int, n_spare_gpus: int) -> Iterator[_Charge]:
    """Kilowatt-hours of the job while it runs, of the job while it does not, and of the spares."""
    running_kw, idle_kw = (watts * energy.overhead / _W_PER_KW for watts in (energy.running, energy.idle))
    yield "energy", energy.price, running_kw * n_job_gpus, "running_h"
    yield "energy", energy.price, idle_kw * n_job_gpus, "held_h"
    yield "energy", energy.price, idle_kw * n_spare_gpus, "elapsed_h"


def carried(scenario: Scenario) -> set[str]:
    """Classes whose stock is charged: those that have both a shelf and a price, if carrying is charged at all."""
    cost = scenario.cost
    if cost is None or cost.carrying is None:
        return set()
    return set(cost.parts) & set(scenario.repair.parts)
