"""Changes of all nodes in waves: firmware that goes over the machine, bricks some nodes, and may be bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import simpy

from ras_sim.engine.arrivals import Arrivals
from ras_sim.engine.course import Steps
from ras_sim.engine.impact import Impact
from ras_sim.engine.planned import PlannedStops
from ras_sim.engine.surges import Surges
from ras_sim.scenario.setup import Setup, Wave
from ras_sim.streams import base_key, child_key, stream, uniform

_P, _FOUND, _ROLLBACK = 0, 1, 2  # draws of a change, as in planned.py; its surge is branch 3
_EVERY, _WAVE, _BRICK = 4, 5, 6


class Waves:
    """The changes of one kind in one replication.

    Args:
        env: the simulation.
        setup: the scenario.
        wave: what kind of change.
        impact: the nodes that are taken out.
        stops: the stops of the job.
        arrivals: takes the nodes that do not come up again.
        surges: takes what is bad.
        seed, replication: the random history.
    """

    def __init__(
        self,
        env: simpy.Environment,
        setup: Setup,
        wave: Wave,
        impact: Impact,
        stops: PlannedStops,
        arrivals: Arrivals,
        surges: Surges,
        seed: int,
        replication: int,
    ) -> None:
        self._env = env
        self._setup = setup
        self._wave = wave
        self._impact = impact
        self._stops = stops
        self._arrivals = arrivals
        self._surges = surges
        self._seed, self._replication = seed, replication
        self._key = base_key(seed, replication, "wave", wave.name)

    def run(self) -> Steps:
        """Change after change."""
        for ordinal in count():
            key = child_key(self._key, ordinal)
            yield self._env.timeout(self._wave.every.draw(key, _EVERY))
            yield from self._change(ordinal, key)

    def _change(self, ordinal: int, key: int) -> Steps:
        """Wave after wave over all nodes, until they are done or the change is found to be bad."""
        bad = self._wave.bad
        is_bad = bad is not None and uniform(key, _P) < bad.p
        closers: list[Callable[[], None]] = []
        found: simpy.Event | None = None
        for number, nodes in enumerate(self._nodes()):
            draws = child_key(key, _WAVE, number)
            if number:
                gap = self._env.timeout(self._wave.gap.draw(draws, 0))
                yield gap if found is None else gap | found
            if found is not None and found.processed:
                break
            yield from self._update(nodes, self._wave.duration.draw(draws, 1), ordinal)
            if bad is not None and is_bad:
                closers.append(self._surges.raise_in(bad, nodes, key))
                if found is None:
                    found = self._env.timeout(bad.found_after.draw(key, _FOUND))
        if bad is not None and found is not None:
            if not found.processed:
                yield found
            rollback_h = bad.rollback.draw(key, _ROLLBACK)
            yield from self._stops.stop(f"{self._wave.name}_rollback", rollback_h, urgent=True)
            for close in closers:
                close()

    def _nodes(self) -> Iterator[range]:
        """The nodes of each wave."""
        first, n_nodes, sizes = 0, self._setup.blueprint.n_nodes, iter(self._wave.sizes)
        size = 0
        while first < n_nodes:
            size = next(sizes, size)
            yield range(first, min(first + size, n_nodes))
            first += size

    def _update(self, nodes: range, duration_h: float, ordinal: int) -> Steps:
        """One wave: its nodes are out for a while, and the job with them if it uses any."""
        number = None
        if self._impact.in_job(nodes):
            number = yield from self._stops.begin(self._wave.name)
            duration_h += self._setup.job.save_h
        self._impact.take_out(nodes)
        yield self._env.timeout(duration_h)
        self._brick(nodes, ordinal)
        self._impact.give_back(nodes)
        if number is not None:
            self._stops.end(number)

    def _brick(self, nodes: range, ordinal: int) -> None:
        """Some of the nodes do not come up again; draw i belongs to node i."""
        mode_id = self._wave.bricks
        if mode_id is None:
            return
        mode = self._setup.modes[mode_id]
        rng = stream(self._seed, self._replication, "bricked", self._wave.name, ordinal=ordinal)
        hit = rng.random(self._setup.blueprint.n_nodes)[nodes.start : nodes.stop] < self._wave.p_bricks
        key = child_key(self._key, ordinal, _BRICK)
        per_node = self._setup.blueprint.homes[mode.component_class].per_node
        parts = [(nodes.start + place) * per_node for place in hit.nonzero()[0].tolist()]
        struck = [(mode, part, child_key(key, part)) for part in parts if self._arrivals.installed(mode, part)]
        self._arrivals.strike_extra(struck)
