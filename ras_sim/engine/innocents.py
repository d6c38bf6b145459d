"""Healthy nodes that are taken out of service by mistake: what it costs until they are back."""

from __future__ import annotations

import math

from ras_sim.engine.course import Steps
from ras_sim.engine.scene import Scene
from ras_sim.faults.clocks import EXTRA
from ras_sim.repair.incident import Incident
from ras_sim.repair.policy import RootCause
from ras_sim.streams import uniform


class Innocents:
    """The healthy nodes that somebody repairs or tests, in one replication.

    Args:
        scene: where they are.
    """

    def __init__(self, scene: Scene) -> None:
        self._env = scene.env
        self._setup = scene.setup
        self._incidents = scene.incidents

    def repair(self, root_id: int, key: int, node: int, component_class: str, level: int) -> Steps:
        """One of the parts of a good node is repaired, which costs what it costs.

        Args:
            root_id: the incident to blame.
            key: of the draws of the repair.
            node: which.
            component_class: of the part.
            level: the rung.
        """
        incidents, rung = self._incidents, self._setup.ladder[level]
        incident = self.accused(root_id, key, node, component_class)
        outcome = ""
        while outcome != "fixed":  # a new part that does not work either is noticed here, whatever `seen` says
            outcome = yield from incidents.attempts.one(incident, rung)
        if rung.replaces:
            incidents.endings.replace_unit(incident)
        incidents.endings.close_alarm(incident, "in_vain")

    def test(self, incident: Incident, key: int) -> Steps:
        """A good node that is out of service is tested until it passes, and returns; the job goes on without it.

        Args:
            incident: the one that took it out.
            key: of the draws of the tests.
        """
        self._incidents.impact.do_without(incident)
        test, number = self._setup.validation, 0
        while test is not None:
            yield self._env.timeout(test.duration.draw(key, 2 * number))
            if uniform(key, 2 * number + 1) >= test.p_false_alarm:
                break
            number += 1
        self._incidents.endings.close_alarm(incident, "acquitted")

    def accused(self, root_id: int, key: int, node: int, component_class: str) -> Incident:
        """A good node leaves service."""
        incidents, now_h = self._incidents, self._env.now
        root = RootCause(root_id, key, 0, math.nan, EXTRA)
        part = int(incidents.spread.parts_in("node", node, component_class)[0])
        incident = Incident(
            incidents.register.next_id(),
            root,
            -1,
            component_class,
            "healthy",
            part,
            node,
            "healthy",
            now_h,
            (),
            (),
            0,
            1.0,
        )
        incident.detected_h = incident.located_h = now_h
        incidents.register.open_alarm(incident)
        incidents.impact.accuse(incident, node, go_back=False)
        return incident
