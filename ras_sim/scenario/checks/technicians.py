"""Somebody comes in the end: each class has a crew, and the way is not longer than the shift."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.formats import format_duration
from ras_sim.repair.roster import merged
from ras_sim.scenario.checks.finding import MACHINE_NAMES, Finding, unknown_name
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.technicians import CrewSpec, TechnicianSpec
from ras_sim.topology import Blueprint

_HERE = ("repair", "technicians")
_MIN_ARRIVE = 1e-3
"""Of all who set out at the begin of the longest shift, at least this share must arrive before its end."""


def technician_findings(scenario: Scenario, machine: Blueprint | None) -> Iterator[Finding]:
    """Everything wrong with the technicians."""
    spec = scenario.repair.technicians
    if spec is None:
        return
    named = [(("crews", name), crew) for name, crew in spec.crews.items()]
    crews: list[tuple[tuple[str, ...], TechnicianSpec | CrewSpec]] = [((), spec), *named]
    yield from _stated(spec, any(crew.shifts for _, crew in crews))
    yield from _served(scenario, spec)
    for path, crew in crews:
        yield from _somebody((*_HERE, *path, "count"), crew, not path and bool(spec.crews))
        yield from _arrives(spec, crew)
    if machine is not None:
        yield from _classes(spec, machine)


def _stated(spec: TechnicianSpec, has_shifts: bool) -> Iterator[Finding]:
    """What shifts need is stated with them, and only with them."""
    needed = {
        "run_begins": "the day and the time at which the run begins, e.g. mon 00:00: shifts are by day of the week",
        "at_shift_end": "finish or hand_over: what becomes of work in hand when a shift ends",
    }
    for key, wanted in needed.items():
        stated = getattr(spec, key) is not None
        if has_shifts and not stated:
            yield Finding((*_HERE, key), wanted)
        if stated and not has_shifts:
            yield Finding((*_HERE, key), "it left out, as there are no `shifts`")


def _somebody(
    where: tuple[str, ...], crew: TechnicianSpec | CrewSpec, may_be_empty: bool
) -> Iterator[Finding]:
    """There is somebody at some time."""
    if not crew.count and not crew.shifts and not may_be_empty:
        yield Finding(where, "at least 1 where there are no `shifts`: nobody would ever come")


def _served(scenario: Scenario, spec: TechnicianSpec) -> Iterator[Finding]:
    """Each class that needs hands has one crew."""
    crew_of: dict[str, str] = {}
    for name, crew in spec.crews.items():
        for position, cls in enumerate(crew.serves):
            if cls in crew_of:
                other = f"the crew `{crew_of[cls]}`" if crew_of[cls] != name else "this crew already"
                where = (*_HERE, "crews", name, "serves", str(position))
                yield Finding(where, f"a class that no crew serves yet: {cls} is served by {other}")
            crew_of.setdefault(cls, name)
    if spec.count or spec.shifts or not spec.crews:
        return
    rungs = [rung for rung in scenario.repair.ladder.values() if rung.technician]
    needing = {
        cls for cls in scenario.failures for one in rungs if one.applies_to is None or cls in one.applies_to
    }
    lacking = [cls for cls in scenario.failures if cls in needing and cls not in crew_of]
    if lacking:
        wanted = (
            f"at least 1, or a crew that serves {', '.join(lacking)}: rungs with `technician` apply to them"
        )
        yield Finding((*_HERE, "count"), wanted)


def _arrives(spec: TechnicianSpec, crew: TechnicianSpec | CrewSpec) -> Iterator[Finding]:
    """The way is not longer than every shift, where it ends with the shift."""
    if spec.at_shift_end != "hand_over" or crew.count or not crew.shifts:
        return
    windows = [window for shift in crew.shifts.values() for window in merged(shift.windows())]
    longest_h = max(end_h - start_h for start_h, end_h in windows)
    if spec.travel.build().quantile(_MIN_ARRIVE) >= longest_h:
        longest = format_duration(longest_h)
        wanted = f"less than the longest shift ({longest}): whoever hands over would never arrive"
        yield Finding((*_HERE, "travel"), wanted)


def _classes(spec: TechnicianSpec, machine: Blueprint) -> Iterator[Finding]:
    """Names of component classes."""
    known, what = machine.counts, "a component class of the machine"
    for name, crew in spec.crews.items():
        for position, cls in enumerate(crew.serves):
            if cls not in known:
                where = (*_HERE, "crews", name, "serves", str(position))
                yield unknown_name(where, cls, known, what, among=MACHINE_NAMES)
    names = ["class", *known]
    if spec.batch is not None and spec.batch.by not in names:
        here = (*_HERE, "batch", "by")
        yield unknown_name(here, spec.batch.by, names, f"`class` or {what}", among=MACHINE_NAMES)
