"""Incidents on one node: while it is down for one of them, the others wait, and what covers them mends them, too."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

import simpy

from ras_sim.engine.spread import Spread
from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import Rung


@dataclass(slots=True, eq=False)
class Work:
    """A rung that takes nodes down, while it is tried: who waits for it, and the event of its end."""

    rung: Rung
    over: simpy.Event
    waiting: list[Incident] = field(default_factory=list)


class Merging:
    """Work on nodes in one replication.

    Args:
        env: the simulation.
        spread: what a rung takes down.
    """

    def __init__(self, env: simpy.Environment, spread: Spread) -> None:
        self._env = env
        self._spread = spread
        self._at: dict[int, Work] = {}  # node -> what is done with it
        self._last: tuple[Incident, Work] | None = None  # the one that ended last

    def on(self, incident: Incident) -> Work | None:
        """What the node of an incident is down for, if for another one."""
        return None if incident.node is None else self._at.get(incident.node)

    def last_of(self, incident: Incident) -> Work | None:
        """The work that has just ended, if it was for this incident."""
        return self._last[1] if self._last is not None and self._last[0] is incident else None

    def tried(
        self, incident: Incident, rung: Rung, steps: Generator[simpy.Event, None, str]
    ) -> Generator[simpy.Event, None, str]:
        """A try of a rung from its begin to its end, and nobody else touches the nodes that it takes down."""
        if rung.takes_down not in ("node", "unit"):
            outcome = yield from steps
            return outcome
        work = Work(rung, self._env.event())
        nodes = [node for node in self._spread.scope(incident, rung) if node not in self._at]
        self._at.update(dict.fromkeys(nodes, work))
        outcome = yield from steps
        for node in nodes:
            del self._at[node]
        self._last = incident, work
        if work.waiting:
            work.over.succeed()
        return outcome
