"""The dispatcher: which rung is tried first on an incident, and which one next."""

from __future__ import annotations

from collections.abc import Callable

import simpy

from ras_sim.engine.consulting import Consultant
from ras_sim.faults.modes import FailureMode
from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import Rung, next_level
from ras_sim.repair.policy import LemonWatch, Policy

_ROUNDING_H = 1e-9  # a wait that ends at an hour must be over at it


class Dispatcher:
    """The policy at work in one replication.

    Args:
        env: the simulation.
        policy: of the scenario.
        has_room: whether one more part may be taken out of use on a rung.
        consultant: asks the policy function, if there is one.

    Attributes:
        notes_tries: whether it must be told of the tries of rungs.
    """

    def __init__(
        self,
        env: simpy.Environment,
        policy: Policy,
        has_room: Callable[[Incident, Rung], bool],
        consultant: Consultant | None,
    ) -> None:
        self._env = env
        self._policy = policy
        self._has_room = has_room
        self._consultant = consultant
        self._lemons = LemonWatch(policy.lemon)
        self._disables = any(rung.disables for rung in policy.ladder)
        self.notes_tries = consultant is not None or any(rung.cool_down_h > 0.0 for rung in policy.ladder)
        self._ended: dict[tuple[int, int], float] = {}  # root cause and rung -> end of the last try
        self._start: dict[tuple[int, str], int] = {}  # mode and symptom -> the policy's first rung
        self._above: dict[tuple[int, str], int] = {}  # rung and class -> the next rung that applies to it

    def first_level(self, incident: Incident, mode: FailureMode) -> int:
        """The first rung to try: of a part that was taken out of use the first above the rung that did it."""
        if incident.disabled:
            return self._next(incident.root.tries[-1][0], incident.component_class)
        return self.start_level(incident, mode)

    def start_level(self, incident: Incident, mode: FailureMode) -> int:
        """The first rung to try; notes an incident of the node, which may be a lemon by it."""
        policy, cls = self._policy, incident.component_class
        if self._consultant is not None:
            self._consultant.begins(incident.node)
        level = self._start.get((mode.mode_id, incident.symptom))
        if level is None:
            level = policy.start_level(cls, mode.key, incident.symptom)
            self._start[mode.mode_id, incident.symptom] = level
        if incident.at_least > level and policy.ladder[incident.at_least].applies(cls):
            level = incident.at_least
        if policy.lemon is None:
            return level
        lemon = self._lemons.level(incident.node, self._env.now)
        return lemon if lemon > level and policy.ladder[lemon].applies(cls) else level

    def suspects_level(self, suspect: Incident, mode: FailureMode) -> int:
        """The first rung to try on what is taken for the fault by mistake: nobody knows, so the choice is the same."""
        level = self.start_level(suspect, mode)
        return level if self._consultant is None else self._consultant.level(suspect, level)

    def next_level(self, incident: Incident, level: int) -> int:
        """The rung to try now, where this one is proposed.

        A higher one if time, or the tries of this one, are used up, or no more parts may be taken out of use. The policy
        function may choose any other, of which the same holds but for the time: so its choices come to an end, too.
        """
        rule = self._policy.escalate
        if rule is not None and rule.level > level and self._policy.ladder[rule.level].applies(incident.component_class):
            open_h = self._env.now - incident.detected_h
            level = rule.level if open_h >= rule.after_h - _ROUNDING_H else level
        if incident.root.tries:
            level = self._within_budget(incident, level)
        if self._disables:
            level = self._with_room(incident, level)
        if self._consultant is None:
            return level
        chosen = self._consultant.level(incident, level)
        if chosen == level:
            return level
        return self._with_room(incident, self._within_budget(incident, chosen), once=True)

    def _with_room(self, incident: Incident, level: int, once: bool = False) -> int:
        """This rung, or the first higher one with tries and room; `once`: what is out of use is not taken out again."""
        while (rung := self._policy.ladder[level]).disables and (
            (once and incident.disabled) or not self._has_room(incident, rung)
        ):
            level = self._within_budget(incident, self._next(level, incident.component_class))
        return level

    def rest_h(self, incident: Incident, rung: Rung) -> float:
        """Hours until the rung may be tried on this root cause again."""
        ended_h = self._ended.get((incident.root.key, rung.level))
        if ended_h is None:
            return 0.0
        left_h = ended_h + rung.cool_down_h - self._env.now
        return left_h if left_h > _ROUNDING_H else 0.0

    def tried(self, incident: Incident, rung: Rung, outcome: str) -> None:
        """A try of a rung has ended."""
        if rung.cool_down_h > 0.0:
            self._ended[incident.root.key, rung.level] = self._env.now
        if self._consultant is not None:
            self.rode(incident, rung, outcome)

    def rode(self, incident: Incident, rung: Rung, outcome: str) -> None:
        """A rung that was tried for this incident, or for another one of the node, has ended; "" if it did nothing."""
        if self._consultant is not None:
            self._consultant.tried(incident, rung, outcome)

    def is_new(self, node: int | None) -> None:
        """What was wrong in the node was replaced: its record is clean."""
        self._lemons.forget(node)
        if self._consultant is not None:
            self._consultant.is_new(node)

    def _within_budget(self, incident: Incident, level: int) -> int:
        """This rung, or the first higher one that has tries left; the highest one never runs out."""
        policy = self._policy
        since_h = self._env.now - policy.tries_window_h
        while incident.root.recent_tries(level, since_h) >= policy.ladder[level].tries:
            higher = self._next(level, incident.component_class)
            if higher <= level:
                return level
            level = higher
        return level

    def _next(self, level: int, component_class: str) -> int:
        """The next rung above this one that applies to a class, or its highest one."""
        above = self._above.get((level, component_class))
        if above is None:
            above = self._above[level, component_class] = next_level(self._policy.ladder, level, component_class)
        return above
