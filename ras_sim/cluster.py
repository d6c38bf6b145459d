"""Which node is in which state, and why: the only writer of that state.

A node serves the job, waits as a spare, belongs to others, or is out (held by at least one incident and not in the job).
A node of the job that is held still has its place there until it is swapped out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Literal

from ras_sim.errors import ModelError
from ras_sim.ledger import ResourceRow, new_row

NodeState = Literal["in_job", "spare", "out", "other"]


class Cluster:
    """The nodes of one replication.

    Args:
        n_nodes: of the machine.
        n_job_nodes: the first so many serve the job at the start.
        n_spares: the next so many are its spares; nodes after them belong to others.
        rows: the resources table of the ledger.
        clock: returns the present hour.
    """

    __slots__ = ("_clock", "_holds", "_job", "_limit", "_rows", "_spares")

    def __init__(
        self,
        n_nodes: int,
        n_job_nodes: int,
        n_spares: int,
        rows: list[ResourceRow],
        clock: Callable[[], float],
    ) -> None:
        if n_job_nodes + n_spares > n_nodes:
            raise ModelError(f"{n_job_nodes} job nodes and {n_spares} spares in {n_nodes} nodes", 0.0, "node")
        self._limit = n_job_nodes + n_spares
        self._job = set(range(n_job_nodes))
        self._spares = dict.fromkeys(range(n_job_nodes, self._limit))  # in the order in which they came
        self._holds: dict[int, int] = {}
        self._rows = rows
        self._clock = clock
        rows.append(ResourceRow(0.0, "spare_nodes", n_spares))

    @property
    def n_spares(self) -> int:
        """Spares that could serve now."""
        return len(self._spares)

    def in_job(self, node: int) -> bool:
        """Whether the node serves the job."""
        return node in self._job

    def of_job(self, nodes: Iterable[int]) -> list[int]:
        """Those of the nodes that serve the job."""
        return [node for node in nodes if node in self._job]

    def touches_job(self, nodes: Iterable[int]) -> bool:
        """Whether any of the nodes serves the job."""
        return not self._job.isdisjoint(nodes)

    def state(self, node: int) -> NodeState:
        """The one state of a node."""
        if node in self._job:
            return "in_job"
        if node in self._spares:
            return "spare"
        return "out" if node in self._holds and node < self._limit else "other"

    def hold(self, nodes: Iterable[int]) -> None:
        """An incident makes the nodes unusable; each needs as many releases as holds."""
        for node in nodes:
            self._holds[node] = self._holds.get(node, 0) + 1
            if node in self._spares:
                del self._spares[node]
                self._note(-1)

    def release(self, nodes: Iterable[int]) -> int:
        """An incident gives the nodes back; returns how many became spares by it."""
        n_new = 0
        for node in nodes:
            left = self._holds[node] - 1
            if left:
                self._holds[node] = left
                continue
            del self._holds[node]
            if node not in self._job and node < self._limit:
                self._spares[node] = None
                self._note(1)
                n_new += 1
        return n_new

    def swap_out(self, nodes: list[int]) -> list[int]:
        """Put spares in the places of nodes of the job; returns the newcomers.

        Raises:
            ModelError: a node is not in the job, or there are too few spares.
        """
        if len(nodes) > len(self._spares) or not self._job.issuperset(nodes):
            raise ModelError(f"swap with {len(self._spares)} spares", self._clock(), f"node:{nodes[:8]}")
        newcomers = list(islice(self._spares, len(nodes)))
        for node in newcomers:
            del self._spares[node]
        self._job.difference_update(nodes)
        self._job.update(newcomers)
        self._note(-len(nodes))
        healthy = [node for node in nodes if node not in self._holds]
        for node in healthy:
            self._spares[node] = None
        if healthy:
            self._note(len(healthy))
        return newcomers

    def _note(self, change: int) -> None:
        self._rows.append(new_row(ResourceRow, (self._clock(), "spare_nodes", change)))
