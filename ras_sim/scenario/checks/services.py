"""Services name checkpoint tiers that are there, slow something, and are not always out."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.scenario.checks.extent import too_many
from ras_sim.scenario.checks.finding import Finding, unknown_name
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.services import ServiceSpec


def _when(scenario: Scenario, name: str, service: ServiceSpec) -> Iterator[Finding]:
    """It comes by itself or after something that does, and not all the time."""
    where = ("services", name)
    if (service.every is None) == (service.after is None):
        wanted = "either `every` or `after`"
        yield Finding(where, wanted, "neither" if service.every is None else "both", at_key=True)
    if service.every is not None:
        cycle_h = service.every.build().mean_h + service.lasts.build().mean_h
        yield from too_many(where, scenario.horizon / cycle_h if cycle_h > 0.0 else float("inf"), "outages")
    known = [*scenario.shocks, *(key for key, one in (scenario.services or {}).items() if one.every is not None)]
    for position, one in enumerate(service.after or ()):
        if one not in known:
            what = "a shock, or a service with `every`"
            among = ("shocks", "services")
            yield unknown_name((*where, "after", str(position)), one, known, what, among=among)


def service_findings(scenario: Scenario) -> Iterator[Finding]:
    """Everything wrong with what the whole machine shares."""
    known = scenario.job.checkpoints
    for name, service in (scenario.services or {}).items():
        where = ("services", name)
        yield from _when(scenario, name, service)
        if min(service.left.values()) == 1.0:
            yield Finding((*where, "left"), "less than 1 somewhere", "all of its speed left", at_key=True)
        for position, tier in enumerate(service.tiers or ()):
            if tier not in known:
                what = "a tier of checkpoints"
                yield unknown_name((*where, "tiers", str(position)), tier, known, what, among=("job.checkpoints",))
        if service.tiers is not None and set(service.left) == {"initialise"}:
            yield Finding((*where, "tiers"), "no tiers: a start-up alone uses none", at_key=True, got="some")
