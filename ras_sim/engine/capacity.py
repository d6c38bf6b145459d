"""The queue for capacity: incidents whose nodes the job cannot replace yet, first come first served."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ras_sim.cluster import Cluster
from ras_sim.engine.warm import WarmPool
from ras_sim.repair.incident import Incident


class CapacityQueue:
    """Who waits for spare nodes, in one replication.

    Args:
        cluster: which nodes serve the job, and which could.
        pool: warm nodes, called for hot spares that are lacking and for those who wait.
        come: called when a warm node has come.

    Attributes:
        line: those who wait, the first one first.
    """

    def __init__(self, cluster: Cluster, pool: WarmPool, come: Callable[[], None]) -> None:
        self._cluster = cluster
        self._pool = pool if pool.is_used else None
        self._come = come
        self.line: list[Incident] = []

    def enter(self, incident: Incident) -> None:
        """It waits from now on."""
        self.line.append(incident)
        self.refill()

    def leave(self, incident: Incident) -> None:
        """It waits no longer, if it did."""
        if incident in self.line:
            self.line.remove(incident)

    def refill(self) -> None:
        """Warm nodes are called for hot spares that are lacking, and for those who wait."""
        if self._pool is not None:
            self._pool.refill(self._come, sum(len(self._cluster.of_job(one.held)) for one in self.line))

    def in_turn(self) -> Iterator[tuple[Incident, list[int], list[int] | None]]:
        """Who is first, its nodes of the job, and spares for all of them if there are, until nobody waits; whoever asks for
        the next one has served this one."""
        while self.line:
            incident = self.line[0]
            nodes = self._cluster.of_job(incident.held)
            yield incident, nodes, self._cluster.replacements(nodes)
