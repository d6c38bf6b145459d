"""Services name checkpoint tiers that are there, slow something, and are not always out."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.scenario.checks.extent import too_many
from ras_sim.scenario.checks.finding import Finding, unknown_name
from ras_sim.scenario.model import Scenario


def service_findings(scenario: Scenario) -> Iterator[Finding]:
    """Everything wrong with what the whole machine shares."""
    known = scenario.job.checkpoints
    for name, service in (scenario.services or {}).items():
        where = ("services", name)
        cycle_h = service.every.build().mean_h + service.lasts.build().mean_h
        yield from too_many(where, scenario.horizon / cycle_h if cycle_h > 0.0 else float("inf"), "outages")
        if min(service.left.values()) == 1.0:
            yield Finding((*where, "left"), "less than 1 somewhere", "all of its speed left", at_key=True)
        for position, tier in enumerate(service.tiers or ()):
            if tier not in known:
                what = "a tier of checkpoints"
                yield unknown_name((*where, "tiers", str(position)), tier, known, what, among=("job.checkpoints",))
        if service.tiers is not None and set(service.left) == {"initialise"}:
            yield Finding((*where, "tiers"), "no tiers: a start-up alone uses none", at_key=True, got="some")
