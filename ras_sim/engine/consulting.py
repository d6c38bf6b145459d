"""Asking the policy function: what the dispatcher knows is put into a case, and the answer is a rung."""

from __future__ import annotations

import simpy

from ras_sim.cluster import Cluster
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import Ledger
from ras_sim.repair.case import SEEN_AS, Case, Step, Tried, steps_of
from ras_sim.repair.function import PolicyFunction
from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import Ladder, Rung
from ras_sim.repair.workshop import Workshop


class Consultant:
    """The policy function in one replication, and the notes of what it is told.

    Args:
        env: the simulation.
        function: of the scenario.
        ladder: its rungs.
        cluster: how many spares there are.
        workshop: how much waits for technicians.
        job: whether it runs.
        ledger: which replication this is, for messages.
    """

    def __init__(
        self,
        env: simpy.Environment,
        function: PolicyFunction,
        ladder: Ladder,
        cluster: Cluster,
        workshop: Workshop,
        job: TrainingJob,
        ledger: Ledger,
    ) -> None:
        self._env = env
        self._function = function
        self._ask = function.fresh()
        self._ladder = ladder
        self._levels = {rung.name: rung.level for rung in ladder}
        self._steps: dict[str, tuple[Step, ...]] = {}  # by class
        self._cluster = cluster
        self._workshop = workshop
        self._job = job
        self._ledger = ledger
        self._begun_h: dict[int, list[float]] = {}  # node -> when its repairs began
        self._tried: dict[int, list[Tried]] = {}  # key of a root cause -> what was tried on it

    def level(self, incident: Incident, proposal: int) -> int:
        """The rung that the function chooses where the rest of the policy would take `proposal`.

        Raises: InputError if the function fails or answers no rung.
        """
        case = self._case(incident, proposal)
        answer = self._function.answer(self._ask, case, lambda: self._words(incident))
        return proposal if answer is None else self._levels[answer]

    def _words(self, incident: Incident) -> str:
        """Which incident of which history, for messages."""
        return (
            f"incident {incident.incident_id}, {incident.component_class}.{incident.mode}, at {self._env.now:.6g} h of "
            f"replication {self._ledger.replication}, seed {self._ledger.seed}"
        )

    def _case(self, incident: Incident, proposal: int) -> Case:
        """What the dispatcher knows; not `incident.root.needs`, which nobody knows."""
        cls, node = incident.component_class, incident.node
        steps = self._steps.get(cls)
        if steps is None:
            steps = self._steps[cls] = steps_of(self._ladder, cls)
        return Case(
            now_h=self._env.now,
            detected_h=incident.detected_h,
            component_class=cls,
            mode=incident.mode,
            node=node,
            symptom=incident.symptom,
            disabled=incident.disabled,
            tried=tuple(self._tried.get(incident.root.key, ())),
            proposal=self._ladder[proposal].name,
            ladder=steps,
            incidents_h=() if node is None else tuple(self._begun_h.get(node, ())),
            n_spares=self._cluster.n_spares,
            n_waiting=self._workshop.n_waiting,
            job_runs=self._job.running,
        )

    def begins(self, node: int | None) -> None:
        """The repair of a node begins."""
        if node is not None:
            self._begun_h.setdefault(node, []).append(self._env.now)

    def tried(self, incident: Incident, rung: Rung, outcome: str) -> None:
        """A try has ended. What is fixed needs no record any more."""
        if outcome == "fixed":
            self._tried.pop(incident.root.key, None)
        elif outcome:
            tried = Tried(rung.name, self._env.now, SEEN_AS[outcome])
            self._tried.setdefault(incident.root.key, []).append(tried)

    def is_new(self, node: int | None) -> None:
        """What was wrong in the node was replaced: its record is clean."""
        if node is not None:
            self._begun_h.pop(node, None)
