"""The text of a policy function gives a function that can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ras_sim.scenario.checks.finding import Finding
from ras_sim.scenario.model import Scenario


def function_findings(scenario: Scenario) -> Iterator[Finding]:
    """What is wrong with the policy function; its module is executed for that, as for each replication."""
    spec = scenario.repair.policy.function
    problem = spec.build().problem() if spec else None
    if problem is not None:
        got = str(replace(problem, wanted="", hint="")).replace("got ", "", 1)
        yield Finding(("repair", "policy", "function"), problem.wanted, got, problem.hint)
