"""The ladder can be climbed to an end for every failure; rungs, classes and failures named are there."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.faults.modes import STOPPING
from ras_sim.scenario.checks.finding import MACHINE_NAMES, MODE_NAMES, RUNG_NAMES, Finding, unknown_name
from ras_sim.scenario.checks.machine import is_held_by
from ras_sim.scenario.failures import SHOWN
from ras_sim.scenario.model import Scenario
from ras_sim.topology import Blueprint

_DEFAULT = "default"
_MIN_WORKS = 1e-3
"""Of the last rung: a root cause takes 1 / works tries of it, and each of them is a row of the ledger."""


def repair_findings(scenario: Scenario, machine: Blueprint | None) -> Iterator[Finding]:
    """Everything wrong with the repair of what goes wrong."""
    yield from _exception_first(scenario)
    yield from _ends(scenario)
    yield from _passes(scenario)
    yield from _start(scenario)
    yield from _tolerate(scenario)
    yield from _named_rungs(scenario)
    yield from _stocked(scenario)
    yield from _disabling(scenario)
    yield from _draining(scenario)
    if machine is not None:
        yield from _can_be_disabled(scenario, machine)
        yield from _classes(scenario, machine)
        yield from _units(scenario, machine)


def _exception_first(scenario: Scenario) -> Iterator[Finding]:
    for level, (name, rung) in enumerate(scenario.repair.ladder.items()):
        if rung.takes_down == "operation" and level > 0:
            wanted = "it to be the first one: it takes down one operation only"
            yield Finding(("repair", "ladder", name), wanted, f"rung {level + 1} of the ladder", at_key=True)


def _classes(scenario: Scenario, machine: Blueprint) -> Iterator[Finding]:
    """Names of component classes on rungs and shelves."""
    known, what = machine.counts, "a component class of the machine"
    for name, rung in scenario.repair.ladder.items():
        for position, cls in enumerate(rung.applies_to or ()):
            if cls not in known:
                here = ("repair", "ladder", name, "applies_to", str(position))
                yield unknown_name(here, cls, known, what, among=MACHINE_NAMES)
    replaced = {scenario.repair.units.get(cls, cls) for cls in scenario.failures}
    for cls in scenario.repair.parts:
        if cls not in known:
            where = ("repair", "parts", cls)
            yield unknown_name(where, cls, known, what, at_key=True, among=MACHINE_NAMES)
        elif cls not in replaced:
            wanted = f"a class that is replaced when something fails: {', '.join(sorted(replaced))}"
            yield Finding(("repair", "parts", cls), wanted, "a shelf that nothing is taken from", at_key=True)


def _ends(scenario: Scenario) -> Iterator[Finding]:
    """The highest rung that applies to a class must succeed now and then, or the climb would have no end."""
    ladder = scenario.repair.ladder
    hopeless: dict[str, list[str]] = {}
    for cls, modes in scenario.failures.items():
        applying = _applying(scenario, cls)
        if not applying:
            if any(mode.needs_repair for mode in modes.values()):
                yield Finding(
                    ("failures", cls), "a rung that applies to it", "no rung for this class", at_key=True
                )
        elif ladder[applying[-1]].works < _MIN_WORKS:
            hopeless.setdefault(applying[-1], []).append(cls)
    for name, classes in hopeless.items():
        yield Finding(
            ("repair", "ladder", name, "works"),
            f"at least {_MIN_WORKS:g}: it is the last rung for {', '.join(classes)}",
        )


def _passes(scenario: Scenario) -> Iterator[Finding]:
    """The test must let good nodes pass now and then, or the climb would have no end either."""
    validation = scenario.repair.validation
    if validation is not None and validation.false_alarm > 1.0 - _MIN_WORKS:
        wanted = f"at most {1.0 - _MIN_WORKS:g}: no good node would return to service"
        yield Finding(("repair", "validation", "false_alarm"), wanted)


def _stocked(scenario: Scenario) -> Iterator[Finding]:
    """Orders are stated whole and make sense; parts work now and then."""
    for cls, part in scenario.repair.parts.items():
        where = ("repair", "parts", cls)
        if (part.reorder_point is None) != (part.order_quantity is None):
            key = "reorder_point" if part.reorder_point is None else "order_quantity"
            other = "order_quantity" if key == "reorder_point" else "reorder_point"
            yield Finding((*where, key), f"this key, as `{other}` is stated")
        if part.reorder_point is not None and part.reorder_point >= part.stock:
            yield Finding((*where, "reorder_point"), f"less than the stock at the start, {part.stock:,}")
        if part.doa > 1.0 - _MIN_WORKS:
            yield Finding((*where, "doa"), f"at most {1.0 - _MIN_WORKS:g}: no repair would succeed")
        if part.returns is not None and part.returns.no_fault_found > 1.0 - _MIN_WORKS:
            wanted = f"at most {1.0 - _MIN_WORKS:g}: only bad parts would be left"
            yield Finding((*where, "returns", "no_fault_found"), wanted)


def _start(scenario: Scenario) -> Iterator[Finding]:
    start, ladder = scenario.repair.policy.start, scenario.repair.ladder
    where = ("repair", "policy", "start")
    if _DEFAULT not in start:
        yield Finding((*where, _DEFAULT), "this key: the rung where nothing else matches")
    classes = list(scenario.failures)
    modes = [f"{cls}.{mode}" for cls, named in scenario.failures.items() for mode in named]
    for key, rung in start.items():
        if key not in (_DEFAULT, *classes, *modes, *SHOWN):
            known = [_DEFAULT, *SHOWN, *classes, *modes]
            what = "a failure mode, a class that fails, a symptom that is noticed or `default`"
            yield unknown_name((*where, key), key, known, what, at_key=True, among=MODE_NAMES)
        if rung not in ladder:
            yield unknown_name((*where, key), rung, ladder, "a rung of the ladder", among=RUNG_NAMES)
            continue
        cls, applies_to = key.partition(".")[0], ladder[rung].applies_to
        if cls in classes and applies_to is not None and cls not in applies_to:
            yield Finding((*where, key), f"a rung that applies to {cls}")


def _tolerate(scenario: Scenario) -> Iterator[Finding]:
    """Rules for faults that are sat out are for faults that stop the job, and none is for nothing."""
    stopping = {
        f"{cls}.{name}" for cls, named in scenario.failures.items() for name, mode in named.items()
        if mode.seen_as & STOPPING
    }  # fmt: skip
    classes = {mode.partition(".")[0] for mode in stopping}
    for key, rule in scenario.repair.policy.tolerate.items():
        where = ("repair", "policy", "tolerate", key)
        if key not in stopping | classes:
            what = "a failure mode, or a class, with faults that stop the job (exception, crash, hang)"
            known = [*sorted(stopping), *sorted(classes)]
            yield unknown_name(where, key, known, what, at_key=True, among=MODE_NAMES)
        if rule.heals not in scenario.repair.ladder:
            here, ladder = (*where, "heals"), scenario.repair.ladder
            yield unknown_name(here, rule.heals, ladder, "a rung of the ladder", among=RUNG_NAMES)


def _named_rungs(scenario: Scenario) -> Iterator[Finding]:
    repair = scenario.repair
    named: list[tuple[tuple[str, ...], str]] = []
    if repair.validation is not None:
        named += [(("validation", "after", str(i)), rung) for i, rung in enumerate(repair.validation.after)]
    if repair.policy.lemon is not None:
        named.append((("policy", "lemon", "rung"), repair.policy.lemon.rung))
    if repair.policy.escalate is not None:
        named.append((("policy", "escalate", "rung"), repair.policy.escalate.rung))
    if repair.policy.probation is not None:
        named += [(("policy", "probation", "after", str(i)), rung) for i, rung in enumerate(repair.policy.probation.after)]
    for path, rung in named:
        if rung not in repair.ladder:
            what = "a rung of the ladder"
            yield unknown_name(("repair", *path), rung, repair.ladder, what, among=RUNG_NAMES)


def _draining(scenario: Scenario) -> Iterator[Finding]:
    """Only what destroys state need save before, and only where there is something to save to."""
    for name, rung in scenario.repair.ladder.items():
        if rung.drains and rung.takes_down == "operation":
            wanted = "it left out: the rung takes down nothing that could be saved"
            yield Finding(("repair", "ladder", name, "drains"), wanted)


def _disabling(scenario: Scenario) -> Iterator[Finding]:
    """A part that is out of use must be mended one day, by a rule and by a rung."""
    ladder = scenario.repair.ladder
    for name in (name for name, rung in ladder.items() if rung.disables):
        where = ("repair", "ladder", name, "disables")
        if scenario.repair.policy.degraded is None:
            yield Finding(where, "`repair.policy.degraded` to say how long the part stays out of use")
        ends = [cls for cls in scenario.failures if _applying(scenario, cls)[-1:] == [name]]
        if ends:
            yield Finding(where, f"a higher rung for {', '.join(ends)}, to mend what is out of use")


def _applying(scenario: Scenario, cls: str) -> list[str]:
    """The rungs that can be tried on a class, lowest first."""
    ladder = scenario.repair.ladder
    return [name for name, rung in ladder.items() if rung.applies_to is None or cls in rung.applies_to]


def _can_be_disabled(scenario: Scenario, machine: Blueprint) -> Iterator[Finding]:
    """Only one of several parts in a node can be taken out of use."""
    for name, rung in scenario.repair.ladder.items():
        for cls in scenario.failures if rung.disables else ():
            home = machine.homes.get(cls)
            if (rung.applies_to is None or cls in rung.applies_to) and (
                home is None or home.per_node // home.every < 2
            ):
                wanted = f"classes of which each node has several; not {cls}"
                yield Finding(("repair", "ladder", name, "applies_to"), wanted)


def _units(scenario: Scenario, machine: Blueprint) -> Iterator[Finding]:
    for cls, unit in scenario.repair.units.items():
        where = ("repair", "units", cls)
        unknown = [name for name in (cls, unit) if name not in machine.counts]
        for name in unknown:
            what = "a component class of the machine"
            yield unknown_name(where, name, machine.counts, what, at_key=name == cls, among=MACHINE_NAMES)
        if not unknown and not is_held_by(machine, cls, unit):
            yield Finding(where, f"a class that contains {cls}")
