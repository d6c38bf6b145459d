"""Stated uncertainties are of numbers that the scenario has, with ends that those can take."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.scenario.checks.finding import Finding, unknown_name
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.ranges import WrongRangeError, numbers, stated_range


def uncertain_findings(scenario: Scenario) -> Iterator[Finding]:
    """Everything that keeps the ranges from being used."""
    if not scenario.uncertain:
        return
    tree = scenario.resolved()
    known = list(numbers(tree))
    for key, stated in scenario.uncertain.items():
        path = ("uncertain", key)
        if key not in known:
            yield unknown_name(path, key, known, "the key of a number of this scenario", at_key=True)
            continue
        try:
            stated_range(scenario, tree, key, stated)
        except WrongRangeError as wrong:
            yield Finding((*path, wrong.part), wrong.wanted, wrong.got)
