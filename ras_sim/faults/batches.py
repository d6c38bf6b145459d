"""Batches of nodes: parts of one delivery have an age, a day on which they come, a burn-in and defects of their own.

A batch is a range of nodes. Its first failures are drawn in order like those of a whole class, from streams of its own, so
the cost follows the faults and a longer burn-in, another age or a worse defect keep every exponential draw.

The own clock of a part of a batch reads, when the part is installed,

    calendar, powered:  the hour at which the batch joins;        in_job:  minus the burn-in

(both in hours of the mode's season, where it has one), so that it reads 0 on the job's clock when the node begins to serve:
a burn-in ages a part as so much time in the job does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ras_sim.distributions import Array
from ras_sim.faults.arrivals import Ageing, Firsts
from ras_sim.faults.modes import FailureMode

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Nodes that were made and delivered together.

    Args:
        name: its name in the scenario.
        first, n_nodes: it is nodes first .. first + n_nodes - 1.
        joins_h: when it is installed, >= 0.
        burn_in_h: how long it runs from then on before it serves, >= 0.
        start_age_h: age of its parts when it is installed; None: what each failure mode says.
        factors: failure mode id -> factor on the hazard of its parts; 1 for modes left out.
    """

    name: str
    first: int
    n_nodes: int
    joins_h: float = 0.0
    burn_in_h: float = 0.0
    start_age_h: float | None = None
    factors: Mapping[int, float] = field(default_factory=dict)

    @property
    def nodes(self) -> range:
        """Ids of its nodes."""
        return range(self.first, self.first + self.n_nodes)

    @property
    def serves_h(self) -> float:
        """When its nodes can serve the job: installed and burnt in."""
        return self.joins_h + self.burn_in_h

    def begins_h(self, mode: FailureMode) -> float:
        """Reading of its parts' own clock when they are installed."""
        joins = mode.passed_h(self.joins_h)
        return joins - mode.passed_h(self.serves_h) if mode.clock == "in_job" else joins

    def age_h(self, mode: FailureMode) -> float:
        """Age of its parts when they are installed."""
        return mode.start_age_h if self.start_age_h is None else self.start_age_h

    def factor(self, mode: FailureMode) -> float:
        """How many times the usual hazard its parts have."""
        return self.factors.get(mode.mode_id, 1.0)

    def ageing(self, mode: FailureMode) -> Ageing | None:
        """The lifetime of its parts, seen from when they are installed."""
        if mode.lifetime is None:
            return None
        factor = self.factor(mode)
        lifetime = mode.lifetime if factor == 1.0 else mode.lifetime.scaled(factor)
        return Ageing(lifetime, self.age_h(mode), mode.frailty)


class Fleet:
    """Which batch each part came with.

    Args:
        batches: disjoint ranges of nodes, in any order; () for a machine of one kind.
        per_node: failure mode id -> parts of its class in each node, 0 for parts outside nodes, which are in no batch.

    Attributes:
        all_there_h: from then on every batch is installed.
        all_serve_h: from then on every batch is burnt in, too.
    """

    __slots__ = ("_firsts", "_known", "_per_node", "all_serve_h", "all_there_h", "batches")

    def __init__(self, batches: Sequence[Batch], per_node: Sequence[int]) -> None:
        self.batches = tuple(sorted(batches, key=lambda batch: batch.first))
        self._firsts = [batch.first for batch in self.batches]
        self.all_there_h = max((batch.joins_h for batch in self.batches), default=0.0)
        self.all_serve_h = max((batch.serves_h for batch in self.batches), default=0.0)
        self._per_node = per_node
        self._known: dict[tuple[int, int, float], tuple[Firsts, ...]] = {}  # by mode, its parts, and the horizon

    def of_node(self, node: int) -> Batch | None:
        """The batch of a node, None for one of those in no batch."""
        place = bisect_right(self._firsts, node) - 1
        if place < 0:
            return None
        batch = self.batches[place]
        return batch if node < batch.first + batch.n_nodes else None

    def of_part(self, mode: FailureMode, instance: int) -> Batch | None:
        """The batch of a part: that of the node it belongs to."""
        per_node = self._per_node[mode.mode_id]
        return self.of_node(instance // per_node) if per_node else None

    def is_usual(self, mode: FailureMode, batch: Batch | None) -> bool:
        """Whether new parts have the same future as those of a batch (None: of none), whatever the age of these."""
        return mode.is_constant and (batch is None or batch.factor(mode) == 1.0)

    def origin(self, mode: FailureMode, instance: int) -> tuple[float, float]:
        """(reading of the part's own clock at which its age was 0, factor on its hazard) of its first life."""
        batch = self.of_part(mode, instance) if self.batches else None
        if batch is None:
            return -mode.start_age_h, 1.0
        return batch.begins_h(mode) - batch.age_h(mode), batch.factor(mode)

    def installed(self, mode: FailureMode, instance: int, now_h: float) -> bool:
        """Whether a part is there yet."""
        batch = self.of_part(mode, instance) if now_h < self.all_there_h else None
        return batch is None or batch.joins_h <= now_h

    def there(self, nodes: list[int], now_h: float) -> list[int]:
        """Those of the nodes that are installed."""
        if now_h >= self.all_there_h:
            return nodes
        batches = [(node, self.of_node(node)) for node in nodes]
        return [node for node, batch in batches if batch is None or batch.joins_h <= now_h]

    def first_failures(
        self, mode: FailureMode, n: int, horizon_h: float, seed: int, replication: int
    ) -> Iterator[tuple[Batch | None, Array, Ids]]:
        """First failures of the parts of one class, batch by batch; those in no batch first.

        Args:
            mode: the failure mode.
            n: parts of its class.
            horizon_h: length of the run.
            seed, replication: the random history.

        Yields:
            batch (or None), times_h (k,) rising readings of the parts' own clock, instances (k,).
        """
        per_node = self._per_node[mode.mode_id]
        batches = self.batches if per_node else ()
        firsts = self._firsts_of(mode, n, horizon_h)
        times_h, instances = firsts[0].draw(seed, replication)
        for batch in batches:  # in the order of their nodes: leave out the range of each
            behind = instances >= batch.first * per_node
            instances = instances + behind * (batch.n_nodes * per_node)
        yield None, times_h, instances
        for batch, first in zip(batches, firsts[1:], strict=True):
            ages_h, places = first.draw(seed, replication)
            yield batch, batch.begins_h(mode) + ages_h, places + batch.first * per_node

    def _firsts_of(self, mode: FailureMode, n: int, horizon_h: float) -> tuple[Firsts, ...]:
        """The first failures of parts in no batch, and of each batch: found once for all histories."""
        known = self._known.get((mode.mode_id, n, horizon_h))
        if known is None:
            per_node, horizon = self._per_node[mode.mode_id], mode.passed_h(horizon_h)
            batches = self.batches if per_node else ()
            rest = Firsts(mode, n - sum(batch.n_nodes for batch in batches) * per_node, horizon)
            exposed_h = [max(0.0, horizon - mode.passed_h(batch.joins_h)) for batch in batches]
            known = self._known[mode.mode_id, n, horizon_h] = rest, *(
                Firsts(mode, batch.n_nodes * per_node, hours, batch.ageing(mode), batch.name)
                for batch, hours in zip(batches, exposed_h, strict=True)
            )
        return known

    def extra_part_hours(self, mode: FailureMode, now_h: float) -> float:
        """How much more the parts of one class aged by now than parts that are there, and wait, from the start.

        In burn-in they age on the job's clock, too; before they are installed, on none.
        """
        per_node = self._per_node[mode.mode_id]
        hours = 0.0
        for batch in self.batches:
            absent = mode.passed_h(min(batch.joins_h, now_h))
            burnt = mode.passed_h(min(batch.serves_h, now_h)) - absent
            hours += batch.n_nodes * (burnt if mode.clock == "in_job" else -absent)
        return per_node * hours
