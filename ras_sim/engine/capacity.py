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
    """

    def __init__(self, cluster: Cluster, pool: WarmPool, come: Callable[[], None]) -> None:
        self._cluster = cluster
        self._pool = pool
        self._come = come
        self._line: list[Incident] = []

    def __contains__(self, incident: Incident) -> bool:
        return incident in self._line

    def __iter__(self) -> Iterator[Incident]:
        return iter(self._line)

    def enter(self, incident: Incident) -> None:
        """It waits from now on."""
        self._line.append(incident)
        self.refill()

    def leave(self, incident: Incident) -> None:
        """It waits no longer, if it did."""
        if incident in self._line:
            self._line.remove(incident)

    def refill(self) -> None:
        """Warm nodes are called for hot spares that are lacking, and for those who wait."""
        self._pool.refill(self._come, sum(len(self._cluster.of_job(one.held)) for one in self._line))

    def in_turn(self) -> Iterator[tuple[Incident, list[int], bool]]:
        """Who is first, its nodes of the job, and whether there are spares for all of them, until nobody waits; whoever asks
        for the next one has served this one."""
        while self._line:
            incident = self._line[0]
            nodes = self._cluster.of_job(incident.held)
            yield incident, nodes, self._cluster.replacements(nodes) is not None
