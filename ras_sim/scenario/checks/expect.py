"""Expectations name metrics that a run gives, in amounts of their unit, and can be met."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.scenario.amounts import better, bound, margin
from ras_sim.scenario.checks.finding import MODE_NAMES, PRICE_NAMES, RUNG_NAMES, Finding, unknown_name
from ras_sim.scenario.checks.published import metric_names
from ras_sim.scenario.expect import Expectation
from ras_sim.scenario.model import Scenario


def expect_findings(scenario: Scenario) -> Iterator[Finding]:
    """Everything that keeps the expectations from being decided."""
    known = metric_names(scenario) if scenario.expect else []
    for name, expectation in scenario.expect.items():
        if name not in known:
            what = "a metric of the result, e.g. goodput, time_h.restore, interruptions_by_mode.CLASS.MODE"
            names = (*MODE_NAMES, *RUNG_NAMES, *PRICE_NAMES)
            yield unknown_name(("expect", name), name, known, what, at_key=True, among=names)
        else:
            yield from _bounds(name, expectation)
            yield from _allowance(name, expectation)


def _bounds(name: str, expectation: Expectation) -> Iterator[Finding]:
    """Bounds that are no amounts of this metric, or leave no room."""
    found: dict[str, float] = {}
    for key in ("at_least", "at_most"):
        amount = getattr(expectation, key)
        if amount is None:
            continue
        try:
            found[key] = bound(name, amount)
        except ValueError as error:
            yield Finding(("expect", name, key), _wanted(error))
    if len(found) == 2 and found["at_least"] > found["at_most"]:
        yield Finding(("expect", name, "at_least"), f"no more than at_most, {expectation.at_most}")


def _allowance(name: str, expectation: Expectation) -> Iterator[Finding]:
    """A loss against the baseline that means nothing for this metric."""
    amount, path = expectation.no_worse_than_baseline_by, ("expect", name, "no_worse_than_baseline_by")
    if amount is None:
        return
    if better(name) == 0:
        hint = "neither more nor less of it is worse"
        yield Finding(path, "at_least and at_most for this metric", hint=hint, at_key=True)
        return
    try:
        margin(name, amount)
    except ValueError as error:
        yield Finding(path, _wanted(error))


def _wanted(error: ValueError) -> str:
    """What a message of `ras_sim.units` wanted."""
    return str(error).partition(", want ")[2] or str(error)
