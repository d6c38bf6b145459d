"""Monitors and tests lead somewhere, name what is there, and leave a job that runs."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.scenario.build import build_tests
from ras_sim.scenario.checks.finding import MACHINE_NAMES, MODE_NAMES, RUNG_NAMES, Finding, unknown_name
from ras_sim.scenario.diagnostics import AccusationSpec
from ras_sim.scenario.model import Scenario
from ras_sim.topology import Blueprint

_MOST = 0.999
"""Of false alarms: a good node must pass now and then, or there would be no end."""


def diagnostics_findings(scenario: Scenario, machine: Blueprint | None) -> Iterator[Finding]:
    """Everything wrong with what finds hidden faults."""
    yield from _led_somewhere(scenario)
    yield from _coverage(scenario)
    yield from _tests(scenario)
    accusation = scenario.repair.accusation
    if accusation is not None:
        yield from _accusation(scenario, accusation, machine)


def _led_somewhere(scenario: Scenario) -> Iterator[Finding]:
    """Who accuses needs a rule for the accused, and a rule somebody who accuses."""
    repair, monitors = scenario.repair, scenario.detection.monitors
    looking = [name for name, test in (repair.tests or {}).items() if test.every is not None or test.at_start]
    if repair.accusation is None:
        for where, named in ((("detection", "monitors"), monitors), (("repair", "tests"), looking)):
            if named:
                wanted = "`repair.accusation` beside it: what is done with a node that is suspected"
                yield Finding(where, wanted, ", ".join(named), at_key=True)
        return
    if not monitors and not looking:
        wanted = "`detection.monitors`, or a test with `every` or `at_start`, that accuses somebody"
        yield Finding(("repair", "accusation"), wanted, "a rule for accusations that nobody makes", at_key=True)
    elif not monitors:
        for key in ("replay", "locates"):
            if key in repair.accusation.model_fields_set and getattr(repair.accusation, key) not in (None, 1.0):
                wanted = "`detection.monitors`, whose alarms it is for"
                yield Finding(("repair", "accusation", key), wanted, "no monitor", at_key=True)


def _coverage(scenario: Scenario) -> Iterator[Finding]:
    """Names in `coverage_of`."""
    classes = list(scenario.failures)
    modes = [f"{cls}.{mode}" for cls, named in scenario.failures.items() for mode in named]
    repair = scenario.repair
    places: list[tuple[tuple[str, ...], dict[str, float] | None]] = [
        (("repair", "tests", name), test.coverage_of) for name, test in (repair.tests or {}).items()
    ]
    if repair.validation is not None:
        places.append((("repair", "validation"), repair.validation.coverage_of))
    for where, coverage_of in places:
        for key in coverage_of or {}:
            if key not in (*classes, *modes):
                what = "a failure mode, or a class that fails"
                here = (*where, "coverage_of", key)
                yield unknown_name(here, key, [*modes, *classes], what, at_key=True, among=MODE_NAMES)


def _tests(scenario: Scenario) -> Iterator[Finding]:
    """One in-depth check at most; tests that leave time to train, and pass good nodes."""
    specs = scenario.repair.tests or {}
    checks = [name for name, test in specs.items() if test.on_accusation]
    for name in checks[1:]:
        wanted = f"one in-depth check at most: {checks[0]} is one"
        yield Finding(("repair", "tests", name, "on_accusation"), wanted)
    for name, spec in specs.items():
        if spec.false_alarm > _MOST and (spec.at_start or spec.takes == "pause"):
            wanted = f"at most {_MOST:g}: no good node would serve"
            yield Finding(("repair", "tests", name, "false_alarm"), wanted)
    paused_frac = sum(test.pause_frac for test in build_tests(specs))
    if paused_frac >= 1.0:
        pausing = [name for name, spec in specs.items() if spec.takes == "pause"]
        wanted = "pauses that leave time to train: mean duration / every below 1 in all"
        got = f"{paused_frac:.3g} for {', '.join(pausing)}"
        yield Finding(("repair", "tests", pausing[-1], "every"), wanted, got)


def _accusation(scenario: Scenario, spec: AccusationSpec, machine: Blueprint | None) -> Iterator[Finding]:
    """The part and the rungs that it names."""
    where, ladder = ("repair", "accusation"), scenario.repair.ladder
    named: list[tuple[tuple[str, ...], str]] = [((*where, "rung"), spec.rung)]
    if spec.quarantine is not None and spec.quarantine.rung is not None:
        named.append(((*where, "quarantine", "rung"), spec.quarantine.rung))
    for path, rung in named:
        if rung not in ladder:
            yield unknown_name(path, rung, ladder, "a rung of the ladder", among=RUNG_NAMES)
        elif spec.part not in (ladder[rung].applies_to or (spec.part,)):
            yield Finding(path, f"a rung that applies to {spec.part}")
    if machine is None:
        return
    inside = ["node", *machine.homes]
    if spec.part not in machine.counts:
        what = "a component class of the machine"
        yield unknown_name((*where, "part"), spec.part, machine.counts, what, among=MACHINE_NAMES)
    elif spec.part not in inside:
        yield Finding((*where, "part"), f"a class that is in a node: {', '.join(dict.fromkeys(inside))}")
