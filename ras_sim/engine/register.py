"""The register: open incidents, and defects that nobody has noticed yet. What is over becomes a row of the ledger."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

import simpy

from ras_sim.engine.arrivals import Arrivals
from ras_sim.faults.modes import FailureMode
from ras_sim.ledger import Ledger
from ras_sim.repair.incident import QUIET, Incident
from ras_sim.repair.policy import RootCause
from ras_sim.scenario.setup import Setup


class Hidden(NamedTuple):
    """A defect that nobody has noticed.

    Args:
        mode, instance, node: what is defective, and the node that holds it.
        root: what is truly wrong.
        incident: in which it slows or corrupts already; None of one that will show later, as `symptom`.
    """

    mode: FailureMode
    instance: int
    node: int | None
    root: RootCause
    symptom: str
    incident: Incident | None = None


class Register:
    """What is wrong with the machine now, in one replication, by number and by part.

    Args:
        env: the simulation.
        setup: the scenario.
        arrivals: the faults, told when a defect is to show.
        ledger: where rows go.
    """

    def __init__(self, env: simpy.Environment, setup: Setup, arrivals: Arrivals, ledger: Ledger) -> None:
        self._env = env
        self._setup = setup
        self._arrivals = arrivals
        self._ledger = ledger
        self._open: dict[int, Incident] = {}
        self._quiet: dict[int, Incident] = {}  # those of them of which nobody may know
        self._at: dict[tuple[int, int], Incident] = {}  # mode and part -> the incident that further faults join
        self._latent: dict[int, Hidden] = {}  # by key: what does not show yet, or only seems to be fixed
        self._n_numbers = 0
        self._reserved: set[int] = set()  # numbers of incidents to come

    # ------------------------------------------------------------------ numbers

    def next_id(self) -> int:
        """The number of the next incident, which is taken by it."""
        self._n_numbers += 1
        return self._n_numbers - 1

    def new_root(self, key: int, needs: int, failed_h: float, life: int) -> RootCause:
        """The root cause of a fault that strikes now: blamed under the number of the next incident."""
        return RootCause(self._n_numbers, key, needs, failed_h, life)

    def reserve_id(self, root: RootCause) -> None:
        """Keep a number for the incident in which the defect will show, or be found."""
        root.incident_id = self.next_id()
        self._reserved.add(root.incident_id)

    def id_for(self, root: RootCause) -> int:
        """The number that was kept for the first incident of a defect that did not show at once, or a new one."""
        if root.incident_id in self._reserved:
            self._reserved.discard(root.incident_id)
            return root.incident_id
        self._n_numbers += 1
        return self._n_numbers - 1

    # ------------------------------------------------------------------ open incidents

    def open(self, incident: Incident) -> None:
        """An incident begins; further faults of its mode in its part join it."""
        self._open[incident.incident_id] = self._at[incident.mode_id, incident.instance] = incident
        if incident.symptom in QUIET:
            self._quiet[incident.incident_id] = incident

    def open_alarm(self, incident: Incident) -> None:
        """An alarm is an incident, too, until it is closed; no fault joins it."""
        self._open[incident.incident_id] = incident

    def at(self, mode: FailureMode, instance: int) -> Incident | None:
        """The incident that a further fault of this mode in this part joins, if there is one."""
        return self._at.get((mode.mode_id, instance))

    def close(self, incident: Incident, outcome: str) -> None:
        """The incident is open no more."""
        incident.closed_h, incident.outcome = self._env.now, outcome
        del self._open[incident.incident_id]
        if self._quiet:
            self._quiet.pop(incident.incident_id, None)
        place = incident.mode_id, incident.instance
        if self._at.get(place) is incident:
            del self._at[place]

    def write(self, incident: Incident) -> None:
        """The incident becomes a row of the ledger."""
        setup = self._setup
        needs_rung = setup.ladder[incident.root.needs].name if incident.mode_id >= 0 else ""
        self._ledger.incidents.append(incident.row(needs_rung, setup.gpus_per_node))

    def close_books(self) -> None:
        """The run ends: what is still open becomes rows too, in the order of arrival."""
        for incident in self._open.values():
            self.write(incident)
        self._ledger.incidents.sort(key=attrgetter("incident_id"))

    def count_by_node(self, since_h: float) -> Counter[int]:
        """Incidents and accusations of each node since an instant; planned ones and hidden ones are none."""
        rows = ((row.node, row.arrive_h, row.symptom, row.detected_h) for row in self._ledger.incidents)
        now_open = ((one.node, one.arrive_h, one.symptom, one.detected_h) for one in self._open.values())
        return Counter(
            node
            for node, arrive_h, symptom, detected_h in (*rows, *now_open)
            if node is not None
            and node >= 0
            and arrive_h >= since_h
            and symptom not in ("planned", "healthy")
            and not math.isnan(detected_h)
        )

    # ------------------------------------------------------------------ defects that nobody has noticed

    def lurk(self, latent: Hidden, for_h: float) -> None:
        """A defect shows after a while, unless it is found before."""
        self._latent[latent.root.key] = latent
        self._arrivals.push_return(self._env.now + for_h, latent.mode.mode_id, latent.instance, latent.root)

    def pop_latent(self, root: RootCause) -> Hidden | None:
        """The defect lurks no longer; None if it did not: it was found, or its part was replaced."""
        return self._latent.pop(root.key, None)

    @property
    def has_latent(self) -> bool:
        """Whether any defect lurks."""
        return bool(self._latent)

    def pop_latent_in(self, holds: Callable[[str, int], bool]) -> list[Hidden]:
        """Defects that lurk no longer, the oldest first: those in parts (class, instance) that something holds."""
        found = [one for one in self._latent.values() if holds(one.mode.component_class, one.instance)]
        for one in found:
            del self._latent[one.root.key]
        return found

    def hidden(self, within: Callable[[int], bool]) -> list[Hidden]:
        """Defects that nobody has noticed, in nodes of which `within` holds, the oldest first."""
        found = []
        for one in self._quiet.values():
            if one.node is not None and math.isnan(one.detected_h) and within(one.node):
                mode = self._setup.modes[one.mode_id]
                found.append(Hidden(mode, one.instance, one.node, one.root, one.symptom, one))
        for latent in self._latent.values():
            if latent.node is not None and within(latent.node):
                found.append(latent)
        return found

    def is_hidden(self, defect: Hidden) -> bool:
        """Whether still nobody has noticed the defect."""
        if defect.incident is None:
            return defect.root.key in self._latent
        return defect.incident.undiscovered
