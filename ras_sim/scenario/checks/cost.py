"""What has a price can be charged: units that are replaced, a crew that has a head count, a shelf that holds something."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.scenario.checks.finding import MACHINE_NAMES, Finding, unknown_name
from ras_sim.scenario.cost import CostSpec
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.tariff import carried
from ras_sim.topology import Blueprint


def cost_findings(scenario: Scenario, machine: Blueprint | None) -> Iterator[Finding]:
    """Everything wrong with the prices."""
    cost = scenario.cost
    if cost is None:
        return
    if machine is not None:
        yield from _parts(cost, scenario, machine)
    pay = cost.technicians
    if pay is not None and pay.paid == "on_duty" and scenario.repair.technicians is None:
        hint = "unlimited technicians have no head count"
        yield Finding(("cost", "technicians", "paid"), "worked, or a crew in repair.technicians", hint=hint)
    if cost.carrying is not None and not carried(scenario):
        shelves = ", ".join(scenario.repair.parts) or "none"
        wanted = f"a price in cost.parts for a class that has a shelf (repair.parts: {shelves})"
        yield Finding(("cost", "carrying"), wanted, hint="no stock is carried otherwise")


def _parts(cost: CostSpec, scenario: Scenario, machine: Blueprint) -> Iterator[Finding]:
    """Prices of classes that do not exist, or that no repair takes."""
    replaced = replaced_units(scenario)
    for cls in cost.parts:
        where = ("cost", "parts", cls)
        if cls not in machine.counts:
            what = "a component class of the machine"
            yield unknown_name(where, cls, machine.counts, what, at_key=True, among=MACHINE_NAMES)
        elif cls not in replaced:
            units = ", ".join(sorted(replaced)) or "none"
            wanted = f"a class that a rung with `part` replaces when something fails: {units}"
            yield Finding(where, wanted, "a price that is never charged", at_key=True)


def replaced_units(scenario: Scenario) -> set[str]:
    """Classes of which repairs take units: of what fails and has a rung with `part`, the replaceable unit."""
    rungs = [rung for rung in scenario.repair.ladder.values() if rung.part]
    return {
        scenario.repair.units.get(cls, cls)
        for cls in scenario.failures
        if any(rung.applies_to is None or cls in rung.applies_to for rung in rungs)
    }
