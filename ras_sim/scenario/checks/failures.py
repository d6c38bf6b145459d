"""Failure modes and shocks name classes, edges, rungs and modes that are there, and can all happen."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ras_sim.scenario.checks.finding import MACHINE_NAMES, MODE_NAMES, RUNG_NAMES, Finding, unknown_name
from ras_sim.scenario.failures import ModeSpec, ShockSpec
from ras_sim.scenario.model import Scenario
from ras_sim.topology import RELATIONS, BlastWalk, Blueprint
from ras_sim.topology.parts import MACHINE, parts_below

_MAX_AT_START = 1.0
"""Expected faults of one mode at one start of the job."""


def failure_findings(scenario: Scenario, machine: Blueprint | None) -> Iterator[Finding]:
    """Everything wrong with what goes wrong."""
    struck = {shock.strikes for shock in scenario.shocks.values()} | _bricked(scenario)
    for cls, modes in scenario.failures.items():
        where = ("failures", cls)
        if machine is not None and cls not in machine.counts:
            what = "a component class of the machine"
            yield unknown_name(where, cls, machine.counts, what, at_key=True, among=MACHINE_NAMES)
        for name, mode in modes.items():
            yield from _mode(scenario, machine, (*where, name), mode)
            own = mode.build_lifetime() is not None or mode.rate is not None
            own = own or mode.p_start is not None or mode.present is not None
            if not own and f"{cls}.{name}" not in struck:
                wanted = "`rate`, `lifetime`, `present` or `p_start`, or a shock or a wave that strikes it"
                yield Finding((*where, name), wanted, "a mode that never happens", at_key=True)
    for name, shock in scenario.shocks.items():
        yield from _shock(scenario, machine, ("shocks", name), shock)


def _bricked(scenario: Scenario) -> set[str]:
    """Failure modes that changes in waves bring about."""
    waves = scenario.fleet.waves.values() if scenario.fleet else ()
    return {wave.bricks for wave in waves if wave.bricks is not None}


def _mode(
    scenario: Scenario, machine: Blueprint | None, where: tuple[str, ...], mode: ModeSpec
) -> Iterator[Finding]:
    for rung, p_needed in mode.clears_at.items():
        yield from _rung(scenario, (*where, "clears_at", rung), rung, p_needed > 0, at_key=True)
    if mode.absorbs is not None:
        yield from _rung(scenario, (*where, "absorbs", "then"), mode.absorbs.then, True, at_key=False)
    lifetime = mode.build_lifetime()
    if lifetime is not None and not math.isfinite(lifetime.cumulative_hazard(np.array([mode.start_age]))[0]):
        yield Finding((*where, "start_age"), "an age that some parts of this lifetime reach")
    yield from _endless(scenario, where, mode)
    n_parts = 0 if machine is None else machine.counts.get(where[1], 0)
    if mode.p_start is not None and mode.p_start * n_parts > _MAX_AT_START:
        wanted = f"at most {_MAX_AT_START / n_parts:.3g}, one of all {n_parts:,} parts: the job would hardly ever come up"
        yield Finding((*where, "p_start"), wanted)
    known = [] if machine is None else [*RELATIONS, *(edge.name for edge in machine.edges)]
    for name in mode.spreads:
        if known and name not in known:
            here, what = (*where, "spreads", name), "an edge or a relation"
            yield unknown_name(here, name, known, what, at_key=True, among=MACHINE_NAMES)


def _rung(
    scenario: Scenario, where: tuple[str, ...], rung: str, is_needed: bool, *, at_key: bool
) -> Iterator[Finding]:
    """A rung that a fault needs is there and applies to its class."""
    ladder, cls = scenario.repair.ladder, where[1]
    if rung not in ladder:
        yield unknown_name(where, rung, ladder, "a rung of the ladder", at_key=at_key, among=RUNG_NAMES)
    elif is_needed and not _applies(scenario, rung, cls):
        applying = [name for name in ladder if _applies(scenario, name, cls)]
        wanted = f"a rung that applies to {cls}: {', '.join(applying) or 'there is none'}"
        yield Finding(where, wanted, repr(rung), at_key=at_key)


def _endless(scenario: Scenario, where: tuple[str, ...], mode: ModeSpec) -> Iterator[Finding]:
    """A part at the end of a life that nobody outlives fails again at once where a repair leaves it its whole age."""
    lifetime = mode.build_lifetime()
    if lifetime is None:
        return
    end_h = float(lifetime.inverse_hazard(np.array([math.inf]))[0])
    if end_h > mode.start_age + scenario.horizon:
        return
    needed = [level for level, rung in enumerate(scenario.repair.ladder) if mode.clears_at.get(rung, 0.0) > 0.0]
    keeping = [
        name
        for level, (name, rung) in enumerate(scenario.repair.ladder.items())
        if needed and level >= needed[0] and _applies(scenario, name, where[1])
        and rung.age_kept == 1.0 and not rung.replaces
    ]  # fmt: skip
    if mode.symptoms.get("benign", 0.0) > 0.0:
        keeping.append("none at all, after a benign fault")
    if keeping:
        wanted = "one that some parts outlive, or repairs that make parts younger (age_kept below 1, or replaces)"
        got = f"a life that ends at {end_h:g} h at the latest and repairs that keep all of the age: {', '.join(keeping)}"
        yield Finding((*where, "lifetime"), wanted, got)


def _applies(scenario: Scenario, rung: str, cls: str) -> bool:
    applies_to = scenario.repair.ladder[rung].applies_to
    return applies_to is None or cls in applies_to


def _shock(
    scenario: Scenario, machine: Blueprint | None, where: tuple[str, ...], shock: ShockSpec
) -> Iterator[Finding]:
    counts = {} if machine is None else machine.counts
    if machine is not None and shock.under not in (MACHINE, *counts):
        known = [MACHINE, *counts]
        what = "a component class, or `machine`"
        yield unknown_name((*where, "under"), shock.under, known, what, among=MACHINE_NAMES)
    modes = [f"{cls}.{name}" for cls, named in scenario.failures.items() for name in named]
    if shock.strikes not in modes:
        what = "a failure mode, as class.mode"
        yield unknown_name((*where, "strikes"), shock.strikes, modes, what, among=MODE_NAMES)
        return
    cls = shock.strikes.partition(".")[0]
    if (
        machine is not None
        and cls in counts
        and shock.under in (MACHINE, *counts)
        and not len(parts_below(BlastWalk(machine), shock.under, cls)(0))
    ):
        yield Finding((*where, "strikes"), f"a mode of a class that hangs on {shock.under}")
