"""What incidents do to the job: stop it, swap its nodes, make it wait for capacity, slow it down, corrupt its work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import simpy

from ras_sim.cluster import Cluster
from ras_sim.engine.arrivals import Arrivals
from ras_sim.engine.capacity import CapacityQueue
from ras_sim.engine.corruption import Corruptions
from ras_sim.engine.elastic import Elastic
from ras_sim.engine.exposure import Exposure
from ras_sim.engine.warm import WarmPool
from ras_sim.job.checkpoints import NODE_LOST, NOTHING_LOST, PROCESSES_LOST
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import NO_INCIDENT
from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import Rung
from ras_sim.scenario.setup import Setup

# Draws of a root cause: its swap time, the time to form the groups anew, the time until its replicas train again.
_SWAP, _RECONFIGURE, _REJOIN = 19, 23, 24


def _nobody_waits() -> None:
    """No repair waits for the job to stop."""


class Impact:
    """The incidents' side of the job.

    Args:
        env: the simulation.
        setup: the scenario.
        cluster: who serves the job.
        arrivals: told who joins and leaves, for parts that age in the job.
        job: the training job.
        warm_key: base key of the draws of warm nodes.
        corruptions: told of silent faults that corrupt by events.

    Attributes:
        exposure: the faults that slow the job or corrupt its work.
    """

    def __init__(
        self,
        env: simpy.Environment,
        setup: Setup,
        cluster: Cluster,
        arrivals: Arrivals,
        job: TrainingJob,
        warm_key: int,
        corruptions: Corruptions,
    ) -> None:
        self._env = env
        self._setup = setup
        self._cluster = cluster
        self._arrivals = arrivals
        self._job = job
        self._is_elastic = setup.elastic is not None
        self._elastic = Elastic(setup.elastic, cluster)
        self.exposure = Exposure(env, setup, cluster, job, self._elastic, corruptions)
        self._stopping: dict[int, Incident] = {}  # those that hold the job
        pool = WarmPool(env, setup.warm, cluster, warm_key)
        self._waiting = CapacityQueue(cluster, pool, self.capacity)
        self.on_stop: Callable[[], None] = _nobody_waits  # the job's processes go down
        self.on_growth: Callable[[], None] = _nobody_waits  # there are nodes for more replicas
        self._has_peers = any(tier.peers is not None for tier in setup.job.plan.tiers)
        self._pausing: set[int] = set()  # incidents for which the job pauses until replicas have dropped out
        if setup.elastic is not None:
            job.before_restart = self._widen

    def stop(
        self, incident: Incident, category: str, level: int, save_first: bool = False, nodes: Sequence[int] = ()
    ) -> None:
        """Take nodes (none given: those of the blast) out of service, and the job if it needs any of them."""
        nodes = nodes or incident.nodes
        self._cluster.hold(nodes)
        self._waiting.refill()
        if not incident.held and nodes:
            incident.held_h = self._env.now
        incident.held.extend(nodes)
        if incident.incident_id not in self._stopping and self._cluster.touches_job(nodes):
            if self._is_elastic and self._elastic.can_drop(incident, self._cluster.of_job(nodes)):
                self._drop_out(incident, self._cluster.of_job(nodes))
            else:
                self._stop_job(incident, category, level, save_first)

    def take_down(self, incident: Incident, nodes: list[int], rung: Rung) -> None:
        """A rung is tried: it takes down the nodes it works on, and destroys state of the job that waits for it."""
        if nodes and nodes != incident.held:
            more = [node for node in nodes if node not in incident.held]
            if more:
                self.stop(incident, "repair", min(rung.loses, PROCESSES_LOST), True, more)
        if rung.loses == NOTHING_LOST or incident.incident_id not in self._stopping:
            return
        if self._has_peers:
            self._lose_in(rung.loses, nodes)
        self.lose(incident, PROCESSES_LOST if self._has_peers else rung.loses)

    def _lose_in(self, level: int, nodes: Iterable[int]) -> None:
        """What some nodes hold of the state of the job, which stands still, is lost up to this level."""
        if self._has_peers:
            self._job.lose_in(level, self._cluster.ranks(self._cluster.of_job(nodes)), self._cluster.n_in_job)
        else:
            self._job.lose(level)

    def lose(self, incident: Incident, level: int) -> None:
        """State of the job is destroyed while it stands still: a pause becomes an interruption."""
        self._job.lose(level)
        if incident.effect == "paused":
            incident.effect, incident.n_interruptions = "interrupted", incident.n_interruptions + 1
            self.on_stop()

    def pause(self, incident: Incident) -> None:
        """The job stands still, and loses nothing, while an alarm is looked into."""
        # A save that is under way for another stop is not cut short by it.
        self._stop_job(incident, "diagnose", NOTHING_LOST, save_first=not self._job.running)

    def accuse(self, incident: Incident, node: int, go_back: bool) -> None:
        """A node is taken out of service on suspicion.

        Args:
            incident: the alarm.
            node: who is accused.
            go_back: the job stops whoever is accused, since its work is suspect; else it stops, after it has saved, only
                for a node of its own.
        """
        self._cluster.hold((node,))
        incident.held.append(node)
        incident.held_h = self._env.now
        if incident.incident_id in self._stopping:
            self.lose(incident, PROCESSES_LOST)
        elif go_back or self._cluster.in_job(node):
            self._stop_job(incident, "diagnose", PROCESSES_LOST, save_first=not go_back)

    def save(self, incident: Incident) -> bool:
        """The job stands still for a caught exception that must climb: it saves first; returns whether it does."""
        if incident.effect != "paused" or incident.incident_id not in self._stopping:
            return False
        return self._job.save_while_held()

    def restart(self, incident: Incident) -> None:
        """The job goes down without a reason, and comes back."""
        self._stop_job(incident, "repair", PROCESSES_LOST, save_first=False)
        self._let_go(incident)

    def do_without(self, incident: Incident) -> None:
        """The job goes on without the accused node, with a spare in its place if it was in the job."""
        if incident.incident_id in self._stopping and not self._cluster.touches_job(incident.held):
            self._let_go(incident)
        else:
            self.meanwhile(incident, swap=True)

    def _stop_job(self, incident: Incident, category: str, level: int, save_first: bool) -> None:
        number = incident.incident_id
        effect = self._job.hold(number, category, level, save_first)
        self._stopping[number] = incident
        if number in self._pausing:  # the pause of its replicas becomes a stop of all
            self._pausing.discard(number)
            effect = "interrupted" if effect == "extended" else effect
        if incident.effect in ("none", "slowed", "extended", "dropped"):
            incident.effect = effect
        if effect in ("interrupted", "drained"):
            incident.n_interruptions += 1
            self.on_stop()

    def recall(self, incident: Incident) -> None:
        """Corrupt work was found: the job stops and goes back, even where the part has left the job since."""
        corrupt = self._job.distrust(incident.incident_id)
        self.stop(incident, "diagnose", PROCESSES_LOST)
        if corrupt and incident.incident_id not in self._stopping:
            self._stop_job(incident, "diagnose", PROCESSES_LOST, save_first=False)
            self._let_go(incident)

    def stage(self, incident: Incident, category: str) -> None:
        """The incident is in another stage; shown where the job waits for it."""
        if incident.incident_id in self._stopping and not incident.swapping and incident not in self._waiting.line:
            self._job.mark(incident.incident_id, category)

    def meanwhile(self, incident: Incident, swap: bool) -> None:
        """What the job does while a rung is tried or a node is checked: wait, go on with spares, or with fewer replicas."""
        is_out = self._is_elastic and self._elastic.is_out(incident)
        if incident.swapping or not (is_out or incident.incident_id in self._stopping):
            return
        nodes = self._cluster.of_job(incident.held) if swap else []
        if not nodes:
            self.stage(incident, "repair")
        elif (newcomers := self._cluster.replacements(nodes)) is not None:
            self._swap(incident, nodes, newcomers)
        elif is_out:
            return  # the others go on without its replicas until it is repaired
        elif self._elastic.can_shrink:
            self._shrink(incident, nodes)
        elif incident not in self._waiting.line:
            self._job.mark(incident.incident_id, "wait_capacity")
            self._waiting.enter(incident)

    def _swap(self, incident: Incident, nodes: list[int], newcomers: list[int] | None = None) -> None:
        """Spares, those found for them, take the places of the nodes; the job waits until they are ready."""
        self._served(incident)
        if not (self._is_elastic and self._elastic.is_out(incident)):
            self._lose_in(NODE_LOST, nodes)
        newcomers = self._cluster.swap_out(nodes, newcomers)
        self._waiting.refill()
        self._changed(nodes, newcomers)
        self._busy(incident, self._setup.swap.draw(incident.root.key, _SWAP))

    def _changed(self, leavers: list[int], newcomers: list[int]) -> None:
        """Nodes left the job, others joined it."""
        self._arrivals.swap(leavers, newcomers)
        self._left(leavers)
        if self.exposure.exposed:
            self.exposure.joined(newcomers)

    def _busy(self, incident: Incident, delay_h: float) -> None:
        """The job waits for a change of its nodes."""
        if delay_h > 0.0:
            if incident.incident_id in self._stopping:
                self._job.mark(incident.incident_id, "swap")
            self._env.timeout(delay_h).callbacks.append(partial(self._swapped, incident))
        else:
            self._swapped(incident)

    def rotate(self, nodes: list[int]) -> None:
        """Spares take the places of good nodes, while somebody else holds the job."""
        self._lose_in(NODE_LOST, nodes)
        newcomers = self._cluster.swap_out(nodes)
        self._waiting.refill()
        self._changed(nodes, newcomers)

    def _swapped(self, incident: Incident, _: simpy.Event | None = None) -> None:
        incident.swapping = False
        if self._is_elastic and self._elastic.is_out(incident):
            self._rejoin_later(incident)
        self._let_go(incident)

    def _let_go(self, incident: Incident) -> None:
        """The job need not wait for this incident any longer."""
        if self._stopping.pop(incident.incident_id, None) is None:
            return
        self._job.release(incident.incident_id)

    # ------------------------------------------------------------------ other widths

    def _shrink(self, incident: Incident, nodes: list[int]) -> None:
        """There are no spares for the nodes: the job goes on with as many replicas as the others can hold."""
        self._served(incident)
        self._cluster.leave(nodes)
        self._job.lose(NODE_LOST)
        self._changed(nodes, [])
        self._refit(incident.incident_id)
        rule = self._setup.elastic
        self._busy(incident, 0.0 if rule is None else rule.reconfigure.draw(incident.root.key, _RECONFIGURE))

    def _served(self, incident: Incident) -> None:
        """Its nodes are changed now: it waits for capacity no longer."""
        incident.swapping = True
        if self._waiting.line:
            self._waiting.leave(incident)

    def _widen(self) -> None:
        """The job is about to start up: it takes the largest width that there are nodes for."""
        if self._elastic.can_grow():
            self._refit(NO_INCIDENT)

    def _refit(self, cause: int) -> None:
        """The job, which is down, takes the largest width that there are nodes for."""
        leavers, newcomers = self._elastic.refit(cause)
        if newcomers:
            self._job.lose(NODE_LOST)
        if leavers or newcomers:
            self._changed(leavers, newcomers)
        self.exposure.set_pace()

    def capacity(self, _: simpy.Event | None = None) -> None:
        """Nodes may serve again: those who wait for them are served, and the job stops to grow if it may."""
        if self._waiting.line:
            self._serve_waiting()
        if self._is_elastic and self._job.running and self._elastic.grows_at_once:
            self.on_growth()

    def job_runs(self) -> None:
        """The job computes: nodes that came back while it started up let it grow, as soon as everybody has heard."""
        if self._elastic.grows_at_once:
            self._env.timeout(0.0).callbacks.append(self.capacity)

    def _drop_out(self, incident: Incident, nodes: list[int]) -> None:
        """The replicas on these nodes drop out of the step; the others pause, and go on."""
        pause_h = self._elastic.drop(incident, nodes)
        if incident.effect in ("none", "slowed"):
            incident.effect = "dropped"
        self.exposure.set_pace()
        if pause_h > 0.0 and self._job.running:
            self._job.hold(incident.incident_id, "detect", NOTHING_LOST)
            self._pausing.add(incident.incident_id)
            self._env.timeout(pause_h).callbacks.append(partial(self._go_on, incident.incident_id))

    def _go_on(self, number: int, _: simpy.Event) -> None:
        """The others go on without the replicas that dropped out, unless the job had to stop meanwhile."""
        if number in self._pausing:
            self._pausing.discard(number)
            self._job.release(number)

    def _rejoin_later(self, incident: Incident) -> None:
        """Its replicas have sound nodes again: they start up, and take the state from the others."""
        delay_h = self._elastic.rejoin_h(incident.root.key, _REJOIN)
        self._env.timeout(delay_h).callbacks.append(partial(self._rejoined, incident))

    def _rejoined(self, incident: Incident, _: simpy.Event) -> None:
        self._elastic.rejoin(incident)
        for other in tuple(self._stopping.values()):
            nodes = [] if other.swapping else self._cluster.of_job(other.held)
            if nodes and self._elastic.can_drop(other, nodes):  # replicas enough are whole again: go on without these
                self._elastic.drop(other, nodes)
                self._waiting.leave(other)
                self._let_go(other)
        self.exposure.set_pace()

    def _left(self, nodes: list[int]) -> None:
        """Nodes left the job: what is wrong with them is no longer its concern."""
        for other in tuple(self._stopping.values()):
            if not other.swapping and other.held and not self._cluster.touches_job(other.held):
                self._waiting.leave(other)
                self._let_go(other)
        if self.exposure.exposed:
            self.exposure.left(nodes)

    def can_replace(self, incident: Incident) -> bool:
        """Whether there is a spare for the one node of the job that a fault slows; a switch narrows too many to drain."""
        nodes = self._cluster.of_job(incident.slowed) if len(incident.slowed) == 1 else []
        return bool(nodes) and self._cluster.replacements(nodes) is not None

    def drain(self, incident: Incident) -> None:
        """Save the work, stop, and put spares in the places of the nodes that a fault slows."""
        nodes = self._cluster.of_job(incident.slowed)
        self.stop(incident, "repair", PROCESSES_LOST, True, nodes)
        self._swap(incident, nodes)

    def holding(self) -> tuple[list[Incident], list[Incident]]:
        """Who holds the job: those whose repair it waits for, and those that wait for capacity."""
        repairs = [one for one in self._stopping.values() if not one.swapping and one not in self._waiting.line]
        return repairs, list(self._waiting.line)

    def lacking(self, incident: Incident) -> tuple[float, int]:
        """What the job lacks of its width, 0..1, and on how many of its nodes this incident keeps replicas out."""
        n_out = len(self._cluster.of_job(incident.held)) if self._elastic.is_out(incident) else 0
        return 1.0 - self._elastic.share, n_out

    def end(self, incident: Incident) -> None:
        """The incident is over: its nodes return to service, the job goes on."""
        if self.exposure.exposed:
            self.exposure.end(incident)
        if self._waiting.line:
            self._waiting.leave(incident)
        self._cluster.release(incident.held)
        if not incident.swapping:
            self._let_go(incident)
            if self._is_elastic and self._elastic.is_out(incident):
                self._rejoin_later(incident)
        if self._waiting.line or self._is_elastic:
            self.capacity()

    def in_job(self, nodes: Iterable[int]) -> bool:
        """Whether any of the nodes serves the job."""
        return self._cluster.touches_job(nodes)

    def take_out(self, nodes: Iterable[int]) -> None:
        """Nodes are out of service for no fault of theirs; the job is stopped by whoever does this."""
        self._cluster.hold(nodes)

    def give_back(self, nodes: Iterable[int]) -> None:
        """They are back."""
        self._cluster.release(nodes)
        self.capacity()

    def admit(self, nodes: Iterable[int]) -> None:
        """Nodes can serve from now on."""
        self._cluster.admit(nodes)
        self.capacity()

    def _serve_waiting(self) -> None:
        """Nodes returned: the first who wait for capacity may swap now, or make the job narrower."""
        for incident, nodes, newcomers in self._waiting.in_turn():
            if newcomers is not None:
                self._swap(incident, nodes, newcomers)
            elif self._elastic.can_shrink:
                self._shrink(incident, nodes)
            else:
                return
