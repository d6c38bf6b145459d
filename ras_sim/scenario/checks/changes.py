"""Changes (planned stops, waves) that may be bad name modes whose rate can be raised, and waves come to an end."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.scenario.changes import BadSpec
from ras_sim.scenario.checks.extent import too_many
from ras_sim.scenario.checks.finding import MODE_NAMES, Finding, unknown_name
from ras_sim.scenario.checks.fleet import mode_names, modes_of
from ras_sim.scenario.failures import ModeSpec
from ras_sim.scenario.fields import ExponentialSpec
from ras_sim.scenario.fleet import WaveSpec
from ras_sim.scenario.model import Scenario
from ras_sim.topology import Blueprint


def change_findings(scenario: Scenario, machine: Blueprint | None) -> Iterator[Finding]:
    """Everything wrong with what is changed on purpose."""
    for name, stop in scenario.job.planned.items():
        if stop.bad is not None:
            n_changes = scenario.horizon / max(stop.every.build().mean_h, 1e-9)
            yield from _bad(scenario, machine, ("job", "planned", name, "bad"), stop.bad, n_changes)
    for name, taker in (scenario.job.preemptions or {}).items():
        cycle_h = taker.every.build().mean_h + taker.lasts.build().mean_h + taker.notice
        yield from too_many(
            ("job", "preemptions", name), scenario.horizon / max(cycle_h, 1e-9), "preemptions"
        )
    for name, wave in (scenario.fleet.waves if scenario.fleet else {}).items():
        where = ("fleet", "waves", name)
        if name in scenario.job.planned:
            yield Finding(where, "another name: a planned stop has this one", repr(name), at_key=True)
        yield from _wave(scenario, machine, where, wave)


def _wave(
    scenario: Scenario, machine: Blueprint | None, where: tuple[str, ...], wave: WaveSpec
) -> Iterator[Finding]:
    n_nodes = 1 if machine is None else machine.n_nodes
    n_waves = len(wave.sizes) + max(0.0, (n_nodes - sum(wave.sizes)) / wave.sizes[-1])
    n_changes = scenario.horizon / max(wave.every.build().mean_h, 1e-9)
    yield from too_many(where, n_changes * n_waves, "waves")
    if wave.bricks is not None:
        here, known = (*where, "bricks"), modes_of(scenario)
        if wave.bricks not in known:
            yield unknown_name(here, wave.bricks, known, "a failure mode, as class.mode", among=MODE_NAMES)
        elif machine is not None and wave.bricks.partition(".")[0] not in machine.homes:
            yield Finding(here, "a mode of a class whose parts are in nodes")
    if wave.bad is not None:
        yield from _bad(scenario, machine, (*where, "bad"), wave.bad, n_changes)
        for here, name, _ in mode_names(scenario, (*where, "bad", "modes"), wave.bad.modes):
            if machine is not None and name.partition(".")[0] in machine.counts.keys() - machine.homes.keys():
                yield Finding(here, "a mode of a class whose parts are in nodes", repr(name))


def _bad(
    scenario: Scenario, machine: Blueprint | None, where: tuple[str, ...], bad: BadSpec, n_changes: float
) -> Iterator[Finding]:
    """The rate of each mode can be raised: it is constant, and the same for all parts."""
    defects = {
        name
        for batch in (scenario.fleet.batches.values() if scenario.fleet else ())
        for name in (batch.defect.modes if batch.defect else ())
    }
    exposed_h = min(bad.found_after.build().mean_h + bad.rollback.build().mean_h, scenario.horizon)
    n_extra = 0.0
    for here, name, mode in mode_names(scenario, (*where, "modes"), bad.modes):
        if isinstance(mode, Finding):
            yield mode
        elif not _is_constant(mode):
            yield Finding(here, "a mode with a `rate`, without frailty and season", repr(name))
        elif name in defects:
            yield Finding(here, "a mode that is no defect of a batch", repr(name))
        else:
            lifetime = mode.build_lifetime()
            n_parts = 0 if machine is None else machine.counts.get(name.partition(".")[0], 0)
            n_extra += 0.0 if lifetime is None else n_parts * (bad.factor - 1.0) * exposed_h / lifetime.mean_h
    yield from too_many(where, n_changes * bad.p * n_extra, "extra faults")


def _is_constant(mode: ModeSpec) -> bool:
    """Whether all parts fail at one rate, whatever their age."""
    constant = mode.rate is not None or isinstance(mode.lifetime, ExponentialSpec)
    return constant and mode.frailty is None and mode.season is None
