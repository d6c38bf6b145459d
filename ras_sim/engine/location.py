"""Location at work: the right node is repaired, another one, or a whole group leaves the job."""

from __future__ import annotations

from dataclasses import replace

from ras_sim.engine.course import Course, Steps
from ras_sim.engine.innocents import Innocents
from ras_sim.engine.scene import Scene
from ras_sim.faults.modes import FailureMode
from ras_sim.job.checkpoints import NOTHING_LOST, PROCESSES_LOST
from ras_sim.repair.detection import LocationRule
from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import next_level
from ras_sim.streams import child_key, uniform

_LOCATION = 32  # branch of a root cause's key, from which what follows an error of diagnosis descends
_VERDICT, _NODE, _REPAIR, _TESTS = range(4)


class Location:
    """The errors of diagnosis in one replication.

    Args:
        scene: where incidents are looked into.
        rule: how often that errs.
    """

    def __init__(self, scene: Scene, rule: LocationRule) -> None:
        self._setup, self._cluster, self._incidents = scene.setup, scene.cluster, scene.incidents
        self._rule = rule
        self._innocents = Innocents(scene)

    def settle(self, incident: Incident, mode: FailureMode) -> bool:
        """Diagnosis is over: returns whether the fault itself is repaired now.

        Only nodes of the job are taken for each other: what is outside nodes, or in a spare, is found at once.
        """
        node, root = incident.node, incident.root
        if node is None or not self._cluster.in_job(node):
            return True
        draws = child_key(root.key, _LOCATION, root.n_returns)
        verdict = self._rule.verdict(uniform(draws, _VERDICT))
        if verdict == "wrong":
            return not self._blame_another(incident, mode, node, draws)
        if verdict == "group":
            self._evict(incident, node, draws)
        return True

    def _blame_another(self, incident: Incident, mode: FailureMode, guilty: int, draws: int) -> bool:
        """An innocent node of the job is repaired in place of the guilty one; returns False if there is no other."""
        node = self._cluster.one_of_job(uniform(draws, _NODE), but=guilty)
        if node is None:
            return False
        level = self._level(replace(incident, node=node), mode)
        root_id, key = incident.root.incident_id, child_key(draws, _REPAIR)
        if incident.effect == "paused":
            self._incidents.impact.lose(incident, PROCESSES_LOST)
        Course(self._innocents.repair(root_id, key, node, incident.component_class, level)).go_on()
        self._incidents.endings.mistake(incident, mode)
        return True

    def _level(self, suspect: Incident, mode: FailureMode) -> int:
        """The rung for the suspect: that on which the fault would be repaired first, in a node that has to be found."""
        level, ladder = self._incidents.dispatcher.suspects_level(suspect, mode), self._setup.ladder
        while ladder[level].loses == NOTHING_LOST or ladder[level].disables or ladder[level].p_works <= 0.0:
            level = next_level(ladder, level, suspect.component_class)  # the highest one can end a repair
        return level

    def _evict(self, incident: Incident, guilty: int, draws: int) -> None:
        """The neighbours of the guilty node leave the job with it, are tested, and return."""
        cluster = self._cluster
        if incident.effect == "paused":
            self._incidents.impact.lose(incident, PROCESSES_LOST)
        for number, node in enumerate(cluster.block(guilty, self._rule.group_nodes)):
            if node != guilty and cluster.serves(node):
                Course(self._tested(incident, node, child_key(draws, _TESTS, number))).go_on()

    def _tested(self, incident: Incident, node: int, key: int) -> Steps:
        suspect = self._innocents.accused(incident.root.incident_id, key, node, incident.component_class)
        yield from self._innocents.test(suspect, key)
