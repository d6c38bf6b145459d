"""Watchdogs look for what can happen, and a group that leaves the job comes back."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.scenario.checks.finding import MODE_NAMES, Finding, unknown_name
from ras_sim.scenario.detection import WatchdogSpec
from ras_sim.scenario.failures import SHOWN, ModeSpec
from ras_sim.scenario.model import Scenario
from ras_sim.topology import Blueprint


def detection_findings(scenario: Scenario, machine: Blueprint | None) -> Iterator[Finding]:
    """Everything wrong with how faults are noticed and located."""
    for name, spec in (scenario.detection.watchdogs or {}).items():
        yield from _watchdog(scenario, ("detection", "watchdogs", name), spec)
    location = scenario.detection.location
    if location is None or location.group_nodes is None:
        return
    where = ("detection", "location")
    if scenario.repair.validation is None:
        wanted = "`repair.validation` beside it: nodes that leave with the guilty one are tested before they return"
        yield Finding((*where, "group"), wanted)
    n_nodes = 0 if machine is None else scenario.job.gpus // machine.gpus_per_node
    if 0 < n_nodes < location.group_nodes:
        yield Finding((*where, "group_nodes"), f"at most {n_nodes:,}, the nodes of the job")


def _watchdog(scenario: Scenario, where: tuple[str, ...], spec: WatchdogSpec) -> Iterator[Finding]:
    """The names are known, and something happens that it could notice."""
    classes = list(scenario.failures)
    modes = {f"{cls}.{name}": mode for cls, named in scenario.failures.items() for name, mode in named.items()}
    known = True
    for position, key in enumerate(spec.of or ()):
        if key not in (*classes, *modes):
            known = False
            what = "a failure mode, or a class that fails"
            yield unknown_name((*where, "of", str(position)), key, [*modes, *classes], what, among=MODE_NAMES)
    looked_at = [
        mode
        for key, mode in modes.items()
        if spec.of is None or key in spec.of or key.partition(".")[0] in spec.of
    ]
    for position, symptom in enumerate(spec.symptoms):
        here = (*where, "symptoms", str(position))
        if symptom not in SHOWN:
            yield unknown_name(here, symptom, SHOWN, "a symptom that somebody may notice")
        elif known and not any(_shows(mode, symptom) for mode in looked_at):
            yield Finding(here, "a symptom that some failure mode it knows has")


def _shows(mode: ModeSpec, symptom: str) -> bool:
    """Whether a fault of a mode may show so, to a watchdog: corruption by events is left to monitors and tests."""
    if symptom == "silent" and mode.corrupts is not None:
        return False
    return any(name == symptom and p > 0.0 for name, p in mode.symptoms.items())
