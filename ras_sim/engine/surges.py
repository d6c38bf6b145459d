"""Hazards that are raised for a while: a bad release, bad firmware.

A mode of constant rate r whose hazard is multiplied by k fails as usual, and besides in a Poisson process of rate (k - 1) r
for each part: a superposition, so no clock is redrawn. An extra fault that finds the clock of its part standing still does
not happen, which thins the process by exactly the time in which the part does not age.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count

import simpy

from ras_sim.engine.arrivals import Arrivals
from ras_sim.engine.course import Steps
from ras_sim.faults.modes import FailureMode
from ras_sim.scenario.setup import BadChange, Setup
from ras_sim.streams import child_key, uniform

_SURGE = 3  # branch of the key of a change; its own draws are 0 to 2
_GAP, _PART, _FAULT = 0, 1, 2


class Surges:
    """The raised hazards of one replication.

    Args:
        env: the simulation.
        setup: the scenario.
        arrivals: takes the extra faults.
    """

    def __init__(self, env: simpy.Environment, setup: Setup, arrivals: Arrivals) -> None:
        self._env = env
        self._setup = setup
        self._arrivals = arrivals

    def raise_all(self, change: BadChange, key: int) -> Callable[[], None]:
        """All parts suffer from a bad change; returns what ends it."""
        return self._raise(change, child_key(key, _SURGE), None)

    def raise_in(self, change: BadChange, nodes: range, key: int) -> Callable[[], None]:
        """The parts of some nodes suffer from a bad change; returns what ends it."""
        return self._raise(change, child_key(key, _SURGE, 1 + nodes.start), nodes)

    def _raise(self, change: BadChange, key: int, nodes: range | None) -> Callable[[], None]:
        goes_on = [True]
        for mode_id in change.mode_ids:
            mode = self._setup.modes[mode_id]
            parts = self._parts(mode, nodes)
            rate_per_h = (change.factor - 1.0) * mode.rate_per_h * len(parts)
            if rate_per_h > 0.0:
                self._env.process(self._extra(mode, parts, rate_per_h, child_key(key, mode_id), goes_on))
        return goes_on.clear

    def _parts(self, mode: FailureMode, nodes: range | None) -> range:
        """Ids of the parts of those nodes, or of all."""
        blueprint = self._setup.blueprint
        if nodes is None:
            return range(blueprint.counts[mode.component_class])
        per_node = blueprint.homes[mode.component_class].per_node
        return range(nodes.start * per_node, nodes.stop * per_node)

    def _extra(
        self, mode: FailureMode, parts: range, rate_per_h: float, key: int, goes_on: list[bool]
    ) -> Steps:
        """Fault after fault until the hazard is as usual again."""
        for ordinal in count():
            fault = child_key(key, ordinal)
            yield self._env.timeout(-math.log(uniform(fault, _GAP)) / rate_per_h)
            if not goes_on:
                return
            part = parts[int(uniform(fault, _PART) * len(parts))]
            if self._arrivals.ages(mode, part):
                self._arrivals.strike_extra([(mode, part, child_key(fault, _FAULT))])
