"""Policies in Python for tests: a scenario that asks a function whose text a test writes."""

from __future__ import annotations

from textwrap import dedent

from ras_sim.scenario.function import ALLOWS_CODE
from ras_sim.scenario.model import Scenario


def asking(scenario: Scenario, code: str) -> Scenario:
    """The scenario with a policy function `choose`; `code` is its module."""
    tree = scenario.resolved()
    tree["repair"]["policy"]["function"] = {"name": "policy:choose", "code": dedent(code).strip()}
    return Scenario.model_validate(tree, context=ALLOWS_CODE)


def with_policy(scenario: Scenario, **policy: object) -> Scenario:
    """The scenario with keys of its policy replaced; None takes one out."""
    tree = scenario.resolved()
    merged = {**tree["repair"]["policy"], **policy}
    tree["repair"]["policy"] = {key: value for key, value in merged.items() if value is not None}
    return Scenario.model_validate(tree, context=ALLOWS_CODE)
