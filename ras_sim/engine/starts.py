"""Parts that fail when the job starts: all GPUs begin to compute at once, and power and heat swing."""

from __future__ import annotations

import math
from collections.abc import Iterator

import simpy

from ras_sim.cluster import Cluster
from ras_sim.engine.arrivals import Arrivals
from ras_sim.faults.modes import FailureMode
from ras_sim.scenario.setup import Setup
from ras_sim.streams import base_key, child_key, uniform
from ras_sim.topology import BlastWalk

_FAULT = 1  # branch of a start's key from which the keys of its faults descend; 0 is that of who is struck


class Starts:
    """The faults that come with the starts of the job.

    Args:
        env: the simulation.
        setup: the scenario.
        walk: the machine's topology.
        cluster: which nodes serve the job.
        arrivals: takes the faults.
        seed, replication: the random history.

    Attributes:
        may_strike: whether there are such faults in this scenario.
    """

    def __init__(
        self,
        env: simpy.Environment,
        setup: Setup,
        walk: BlastWalk,
        cluster: Cluster,
        arrivals: Arrivals,
        seed: int,
        replication: int,
    ) -> None:
        self._env = env
        self._counts = setup.blueprint.counts
        self._walk = walk
        self._cluster = cluster
        self._arrivals = arrivals
        self._ordinal = 0  # of the start, for the addresses of its draws
        self._modes = [
            (mode, base_key(seed, replication, "start", mode.component_class, mode.name))
            for mode in setup.modes
            if mode.p_start > 0.0
        ]
        self.may_strike = bool(self._modes)

    def job_starts(self) -> None:
        """The job begins to compute after a start-up: faults strike in this instant, when it runs."""
        faults: list[tuple[FailureMode, int, int]] = []
        for mode, root in self._modes:
            n_parts = self._counts[mode.component_class]
            for part in chosen(n_parts, mode.p_start, child_key(root, self._ordinal, 0)):
                if self._serves(mode, part):
                    faults.append((mode, part, child_key(root, self._ordinal, _FAULT, part)))
        self._ordinal += 1
        if faults:
            self._env.timeout(0.0).callbacks.append(lambda _: self._arrivals.strike_extra(faults))

    def _serves(self, mode: FailureMode, part: int) -> bool:
        """Whether a part is in the job: in one of its nodes, or outside of nodes."""
        node = self._walk.home_node(mode.component_class, part)
        return node is None or self._cluster.in_job(node)


def chosen(n: int, p: float, key: int) -> Iterator[int]:
    """Those of 0 .. n-1 that are chosen with probability p each, independently, ascending; the cost is that of the chosen.

    The gap to the next one is geometric: floor(ln U / ln(1 - p)) are passed over.

    Args:
        n: how many there are.
        p: 0 < p <= 1.
        key: of the draws.

    >>> list(chosen(3, 1.0, 7))
    [0, 1, 2]
    """
    log_q = math.log1p(-p) if p < 1.0 else -math.inf
    place, ordinal = -1, 0
    while True:
        place += 1 + int(min(n, math.log(uniform(key, ordinal)) / log_q))
        if place >= n:
            return
        yield place
        ordinal += 1
