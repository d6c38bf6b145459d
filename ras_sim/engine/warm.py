"""Warm nodes: they are made ready when a hot spare was taken."""

from __future__ import annotations

from collections.abc import Callable

import simpy

from ras_sim.cluster import Cluster
from ras_sim.scenario.setup import Warm
from ras_sim.streams import uniform


class WarmPool:
    """The warm nodes of one replication.

    Args:
        env: the simulation.
        warm: how long they take, or None if there are none.
        cluster: where they are.
        key: base key of their draws; the n-th node that is called uses the n-th.
    """

    def __init__(self, env: simpy.Environment, warm: Warm | None, cluster: Cluster, key: int) -> None:
        self._env = env
        self._warm = warm
        self._cluster = cluster
        self._key = key
        self._n_called = 0

    @property
    def is_used(self) -> bool:
        """Whether there are such nodes in this scenario."""
        return self._warm is not None

    def refill(self, on_ready: Callable[[], None], n_wanted: int = 0) -> None:
        """Call warm nodes until the hot spares will be full again; `on_ready` is called when one has become a spare.

        Args:
            n_wanted: spares that somebody waits for, beside those that are to be hot.
        """
        if self._warm is None:
            return
        while (node := self._cluster.call_warm(n_wanted)) is not None:
            delay_h = self._warm.provision.quantile(uniform(self._key, self._n_called))
            self._n_called += 1
            self._env.timeout(delay_h).callbacks.append(self._ready(node, on_ready))

    def _ready(self, node: int, on_ready: Callable[[], None]) -> Callable[[simpy.Event], None]:
        def arrive(_: simpy.Event) -> None:
            if self._cluster.warmed(node):
                on_ready()
            self.refill(on_ready)

        return arrive
