"""The dispatcher: which rung is tried first on an incident, and which one next."""

from __future__ import annotations

import simpy

from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import Rung, next_level
from ras_sim.repair.policy import LemonWatch, Policy, RootCause

_ROUNDING_H = 1e-9  # a wait that ends at an hour must be over at it


class Dispatcher:
    """The policy at work in one replication.

    Args:
        env: the simulation.
        policy: of the scenario.
    """

    def __init__(self, env: simpy.Environment, policy: Policy) -> None:
        self._env = env
        self._policy = policy
        self._lemons = LemonWatch(policy.lemon)
        self._ended: dict[tuple[int, int], float] = {}  # root cause and rung -> end of the last try
        self._start: dict[tuple[str, str], int] = {}  # mode and symptom -> the policy's first rung

    def first_level(self, incident: Incident, mode_key: str) -> int:
        """The first rung to try: of a part that was taken out of use the first above the rung that did it."""
        if incident.disabled:
            return next_level(self._policy.ladder, incident.root.tries[-1][0], incident.component_class)
        return self.start_level(incident, mode_key)

    def start_level(self, incident: Incident, mode_key: str) -> int:
        """The first rung to try; notes an incident of the node, which may be a lemon by it."""
        policy, cls = self._policy, incident.component_class
        level = self._start.get((mode_key, incident.symptom))
        if level is None:
            level = policy.start_level(cls, mode_key, incident.symptom)
            self._start[mode_key, incident.symptom] = level
        if incident.at_least > level and policy.ladder[incident.at_least].applies(cls):
            level = incident.at_least
        if policy.lemon is None:
            return level
        lemon = self._lemons.level(incident.node, self._env.now)
        return lemon if lemon > level and policy.ladder[lemon].applies(cls) else level

    def next_level(self, incident: Incident, level: int) -> int:
        """The rung to try now, where this one is proposed: a higher one if time, or the tries of this one, are used up."""
        rule, cls = self._policy.escalate, incident.component_class
        if rule is not None and rule.level > level and self._policy.ladder[rule.level].applies(cls):
            open_h = self._env.now - incident.detected_h
            level = rule.level if open_h >= rule.after_h - _ROUNDING_H else level
        return self._within_budget(incident.root, level, cls)

    def rest_h(self, incident: Incident, rung: Rung) -> float:
        """Hours until the rung may be tried on this root cause again."""
        ended_h = self._ended.get((incident.root.key, rung.level))
        if ended_h is None:
            return 0.0
        left_h = ended_h + rung.cool_down_h - self._env.now
        return left_h if left_h > _ROUNDING_H else 0.0

    def tried(self, incident: Incident, rung: Rung) -> None:
        """A try of a rung has ended."""
        if rung.cool_down_h > 0.0:
            self._ended[incident.root.key, rung.level] = self._env.now

    def is_new(self, node: int | None) -> None:
        """What was wrong in the node was replaced: its record is clean."""
        self._lemons.forget(node)

    def _within_budget(self, root: RootCause, level: int, component_class: str) -> int:
        """This rung, or the first higher one that has tries left; the highest one never runs out."""
        if not root.tries:
            return level
        policy = self._policy
        since_h = self._env.now - policy.tries_window_h
        while root.recent_tries(level, since_h) >= policy.ladder[level].tries:
            higher = next_level(policy.ladder, level, component_class)
            if higher <= level:
                return level
            level = higher
        return level
