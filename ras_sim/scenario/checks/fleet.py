"""Batches are nodes of the machine, each in one batch, with ages and defects that their parts can have."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ras_sim.formats import format_duration
from ras_sim.scenario.checks.finding import MODE_NAMES, Finding, unknown_name
from ras_sim.scenario.failures import ModeSpec
from ras_sim.scenario.fleet import BatchSpec
from ras_sim.scenario.model import Scenario
from ras_sim.topology import Blueprint


def fleet_findings(scenario: Scenario, machine: Blueprint | None) -> Iterator[Finding]:
    """Everything wrong with how the machine came about."""
    batches = scenario.fleet.batches if scenario.fleet else {}
    for name, batch in batches.items():
        where = ("fleet", "batches", name)
        if machine is not None:
            yield from _in_machine(scenario, machine, where, batch)
        yield from _age(scenario, machine, where, batch)
        yield from _defect(scenario, machine, where, batch)
    yield from _overlaps(batches)


def modes_of(scenario: Scenario) -> dict[str, ModeSpec]:
    """Failure modes by class.mode."""
    return {f"{cls}.{name}": mode for cls, named in scenario.failures.items() for name, mode in named.items()}


def mode_names(
    scenario: Scenario, where: tuple[str, ...], names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str, ModeSpec | Finding]]:
    """(place, name, its mode or what is wrong with the name) of each entry of a list of failure modes."""
    known = modes_of(scenario)
    for position, name in enumerate(names):
        here = (*where, str(position))
        if name in names[:position]:
            yield here, name, Finding(here, "each mode once", repr(name))
        elif name not in known:
            what = "a failure mode, as class.mode"
            yield here, name, unknown_name(here, name, known, what, among=MODE_NAMES)
        else:
            yield here, name, known[name]


def _in_machine(
    scenario: Scenario, machine: Blueprint, where: tuple[str, ...], batch: BatchSpec
) -> Iterator[Finding]:
    left = machine.n_nodes - batch.first
    if left < 1:
        yield Finding((*where, "first"), f"less than {machine.n_nodes:,}, the nodes of the machine")
    elif batch.count > left:
        yield Finding((*where, "count"), f"at most {left:,}: the machine has {machine.n_nodes:,} nodes")
    serves_h = batch.joins + batch.burn_in
    if batch.first * machine.gpus_per_node < scenario.job.gpus and serves_h >= scenario.horizon:
        wanted = f"together less than the horizon, {format_duration(scenario.horizon)}: the job needs these nodes"
        got = f"joins and burn_in of {format_duration(serves_h)} together"
        yield Finding(where, wanted, got, at_key=True)


def _overlaps(batches: dict[str, BatchSpec]) -> Iterator[Finding]:
    """A node can be in one batch only."""
    end, before = 0, ""
    for name, batch in sorted(batches.items(), key=lambda one: one[1].first):
        if batch.first < end:
            wanted = f"at least {end:,}, where {before} ends: a node is in one batch"
            yield Finding(("fleet", "batches", name, "first"), wanted)
        if batch.first + batch.count > end:
            end, before = batch.first + batch.count, name


def _age(
    scenario: Scenario, machine: Blueprint | None, where: tuple[str, ...], batch: BatchSpec
) -> Iterator[Finding]:
    """The age can be reached with every failure mode of parts in nodes."""
    if batch.start_age is None:
        return
    for name, mode in modes_of(scenario).items():
        lifetime = mode.build_lifetime()
        held = machine is None or name.partition(".")[0] in machine.homes
        if lifetime is not None and held and not math.isfinite(lifetime.cumulative_at(batch.start_age)):
            yield Finding((*where, "start_age"), f"an age that some parts reach with {name}")


def _defect(
    scenario: Scenario, machine: Blueprint | None, where: tuple[str, ...], batch: BatchSpec
) -> Iterator[Finding]:
    defect = batch.defect
    for here, name, mode in mode_names(scenario, (*where, "defect", "modes"), defect.modes if defect else ()):
        if isinstance(mode, Finding):
            yield mode
        elif mode.lifetime is None and mode.rate is None:
            yield Finding(here, "a mode with a `rate` or a `lifetime`", repr(name))
        elif machine is not None and name.partition(".")[0] not in machine.homes:
            yield Finding(here, "a mode of a class whose parts are in nodes", repr(name))
