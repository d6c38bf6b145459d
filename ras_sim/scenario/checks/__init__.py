"""Cross checks: what only all values of a scenario together can tell. One file for each block."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.scenario.checks.changes import change_findings
from ras_sim.scenario.checks.cost import cost_findings
from ras_sim.scenario.checks.detection import detection_findings
from ras_sim.scenario.checks.diagnostics import diagnostics_findings
from ras_sim.scenario.checks.expect import expect_findings
from ras_sim.scenario.checks.extent import extent_findings
from ras_sim.scenario.checks.failures import failure_findings
from ras_sim.scenario.checks.finding import Finding
from ras_sim.scenario.checks.fleet import fleet_findings
from ras_sim.scenario.checks.function import function_findings
from ras_sim.scenario.checks.job import job_findings
from ras_sim.scenario.checks.machine import built_machine
from ras_sim.scenario.checks.peers import peer_findings
from ras_sim.scenario.checks.published import published_findings
from ras_sim.scenario.checks.repair import repair_findings
from ras_sim.scenario.checks.services import service_findings
from ras_sim.scenario.checks.technicians import technician_findings
from ras_sim.scenario.checks.uncertain import uncertain_findings
from ras_sim.scenario.checks.written import written_findings
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.positions import Block

__all__ = ["Finding", "findings"]


def findings(scenario: Scenario, root: Block | None = None) -> Iterator[Finding]:
    """Everything wrong with a scenario whose values are each as they should be.

    Args:
        scenario: the scenario.
        root: as its author wrote it; None for one that nobody wrote.
    """
    machine, problems = built_machine(scenario.machine)
    yield from problems
    # Without a machine, checks against its classes and sizes are left out.
    yield from job_findings(scenario, machine)
    yield from peer_findings(scenario, machine)
    yield from failure_findings(scenario, machine)
    yield from fleet_findings(scenario, machine)
    yield from change_findings(scenario, machine)
    yield from service_findings(scenario)
    yield from detection_findings(scenario, machine)
    yield from repair_findings(scenario, machine)
    yield from function_findings(scenario)
    yield from technician_findings(scenario, machine)
    yield from cost_findings(scenario, machine)
    yield from diagnostics_findings(scenario, machine)
    yield from extent_findings(scenario, {} if machine is None else machine.counts)
    yield from published_findings(scenario)
    yield from expect_findings(scenario)
    yield from uncertain_findings(scenario)
    if root is not None:
        yield from written_findings(root, machine)
