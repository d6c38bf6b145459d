"""Somebody comes in the end: the way is not longer than the shift."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.repair.roster import merged
from ras_sim.scenario.checks.finding import Finding
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.technicians import TechnicianSpec
from ras_sim.units import format_duration

_HERE = ("repair", "technicians")

_MIN_ARRIVE = 1e-3
"""Of all who set out at the begin of the longest shift, at least this share must arrive before its end."""


def technician_findings(scenario: Scenario) -> Iterator[Finding]:
    """Everything wrong with the technicians."""
    spec = scenario.repair.technicians
    if spec is not None:
        yield from _somebody(spec)
        yield from _arrives(spec)


def _somebody(spec: TechnicianSpec) -> Iterator[Finding]:
    """There is somebody at some time, and what shifts need is stated."""
    if not spec.count and not spec.shifts:
        yield Finding((*_HERE, "count"), "at least 1 where there are no `shifts`: nobody would ever come")
    examples = {"run_begins": "mon 00:00", "at_shift_end": "finish or hand_over"}
    for key, example in examples.items():
        stated = getattr(spec, key) is not None
        if spec.shifts and not stated:
            yield Finding((*_HERE, key), f"this key, as there are shifts: {example}")
        if stated and not spec.shifts:
            yield Finding((*_HERE, key), "it left out, as there are no `shifts`")


def _arrives(spec: TechnicianSpec) -> Iterator[Finding]:
    """The way is not longer than every shift, where it ends with the shift."""
    if spec.at_shift_end != "hand_over" or spec.count or not spec.shifts:
        return
    windows = [window for shift in spec.shifts.values() for window in merged(shift.windows())]
    longest_h = max(end_h - start_h for start_h, end_h in windows)
    if spec.travel.build().quantile(_MIN_ARRIVE) >= longest_h:
        longest = format_duration(longest_h)
        wanted = f"less than the longest shift ({longest}): whoever hands over would never arrive"
        yield Finding((*_HERE, "travel"), wanted)
