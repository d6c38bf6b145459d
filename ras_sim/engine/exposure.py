"""Exposure: slow and silent faults matter, and can be detected, while the nodes that they are in serve the job."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import simpy

from ras_sim.cluster import Cluster
from ras_sim.engine.corruption import Corruptions
from ras_sim.engine.elastic import Elastic
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import NO_INCIDENT
from ras_sim.repair.incident import Incident
from ras_sim.scenario.setup import Setup


def _nobody_cares(_: Incident) -> None:
    """No repair waits for its node to leave the job."""


class Exposure:
    """The faults that slow the job or corrupt its work, in one replication.

    Args:
        env: the simulation.
        setup: the scenario.
        cluster: who serves the job.
        job: the training job, told of its pace and of corrupt work.
        elastic: how wide the job is.
        corruptions: told of silent faults that corrupt by events.

    Attributes:
        exposed: such a fault that is there now -> all its nodes.
        on_leave: called with a fault whose nodes have left the job.
    """

    def __init__(
        self,
        env: simpy.Environment,
        setup: Setup,
        cluster: Cluster,
        job: TrainingJob,
        elastic: Elastic,
        corruptions: Corruptions,
    ) -> None:
        self._env = env
        self._setup = setup
        self._cluster = cluster
        self._job = job
        self._elastic = elastic
        self._corruptions = corruptions
        self._pace: dict[int, float] = {}  # relative speed that each slow incident allows
        self._slowest = 1.0  # of them
        self._hidden: dict[int, list[Incident]] = {}  # node -> faults that slow or corrupt it
        self.exposed: dict[int, tuple[int, ...]] = {}
        self._shown: dict[int, simpy.Event] = {}  # incident -> waits until its node is in the job
        self.on_leave: Callable[[Incident], None] = _nobody_cares

    # ------------------------------------------------------------------ from its onset to its end

    def hide(self, incident: Incident) -> None:
        """A slow or silent fault begins; it matters, and can be detected, once its node is in the job."""
        if not self._expose(incident, incident.nodes or incident.slowed):
            self._shown[incident.incident_id] = self._env.event()

    def narrow(self, incident: Incident) -> None:
        """A fault that shows at once leaves some nodes with less bandwidth: they slow the job while they are in it."""
        self._expose(incident, incident.slowed)

    def _expose(self, incident: Incident, nodes: tuple[int, ...]) -> bool:
        """Remember which nodes a fault slows or corrupts; returns whether any of them is in the job."""
        self.exposed[incident.incident_id] = nodes
        for node in nodes:
            self._hidden.setdefault(node, []).append(incident)
        in_job = self._cluster.touches_job(nodes)
        if in_job:
            self._show(incident)
        return in_job

    def shown(self, incident: Incident) -> simpy.Event | None:
        """The event that a fault hidden outside the job waits for, None for any other."""
        return self._shown.get(incident.incident_id)

    def _show(self, incident: Incident) -> None:
        waiting = self._shown.pop(incident.incident_id, None)
        if waiting is not None:
            waiting.succeed()
        if incident.symptom != "silent":
            self._slow_down(incident)
            return
        corruption = self._setup.modes[incident.mode_id].corruption
        if corruption is None:
            self._job.taint(incident.incident_id)
        else:
            self._corruptions.begin(incident, corruption)

    def _cleanse(self, incident: Incident) -> None:
        """What the fault is in has left the job: it corrupts no work from now on."""
        if incident.symptom == "silent":
            self._job.cleanse(incident.incident_id)
            self._corruptions.end(incident)

    def end(self, incident: Incident) -> None:
        """The fault, if it was one of these, slows or corrupts its nodes no longer."""
        nodes = self.exposed.pop(incident.incident_id, None)
        if nodes is None:
            return
        self._drop_pace(incident)
        self._cleanse(incident)
        self._shown.pop(incident.incident_id, None)
        for node in nodes:
            at_node = self._hidden[node]
            at_node.remove(incident)
            if not at_node:
                del self._hidden[node]

    # ------------------------------------------------------------------ nodes leave the job and join it

    def hidden_in(self, nodes: Iterable[int]) -> list[Incident]:
        """The slow and silent faults in these nodes, each once, in however many of them it is."""
        hidden = self._hidden
        found = [one for node in nodes if node in hidden for one in hidden[node]]
        return list(dict.fromkeys(found)) if len(found) > 1 else found

    def left(self, nodes: list[int]) -> None:
        """Nodes left the job: faults that are in none of its nodes now are no longer its concern."""
        for incident in self.hidden_in(nodes):
            if not self._cluster.touches_job(self.exposed[incident.incident_id]):
                self._drop_pace(incident)
                self._cleanse(incident)
                self.on_leave(incident)

    def joined(self, nodes: list[int]) -> None:
        """Nodes joined the job: slow and silent faults in them begin to matter."""
        for incident in self.hidden_in(nodes):
            self._show(incident)

    # ------------------------------------------------------------------ the pace of the job

    def slows_job(self, incident: Incident) -> bool:
        """Whether the job runs slower for this fault, or would if no slower one were in it."""
        return incident.incident_id in self._pace

    def speed_gained(self, incident: Incident) -> float:
        """By how much the job would be faster without this incident, 0..1 of full speed."""
        if self._pace.get(incident.incident_id, 1.0) > self._slowest:
            return 0.0
        others = [speed for number, speed in self._pace.items() if number != incident.incident_id]
        return (min(others, default=1.0) - self._slowest) * self._elastic.share

    def change_speed(self, incident: Incident, speed: float) -> None:
        """A fault slows its node more, or less, than before."""
        incident.speed = speed
        if self.slows_job(incident):
            self._pace[incident.incident_id] = speed
            self.set_pace()

    def set_pace(self) -> None:
        """The job runs at the pace of its slowest part, at the width that it has."""
        slowest = min(self._pace, key=self._pace.__getitem__, default=NO_INCIDENT)
        self._slowest = pace = self._pace.get(slowest, 1.0)
        share = self._elastic.share
        self._corruptions.change_load(pace)
        self._job.set_speed(pace * share, slowest if pace <= share else self._elastic.cause)

    def _slow_down(self, incident: Incident) -> None:
        if incident.speed < 1.0:
            self._pace[incident.incident_id] = incident.speed
            if incident.effect == "none":
                incident.effect = "slowed"
            self.set_pace()

    def _drop_pace(self, incident: Incident) -> None:
        if self._pace.pop(incident.incident_id, None) is not None:
            self.set_pace()
