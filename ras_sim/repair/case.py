"""A case: what a dispatcher knows of an incident at the moment when a rung is chosen. A policy in Python is given one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ras_sim.repair.ladder import Ladder, Rung, Scope

SEEN_AS: Mapping[str, str] = {
    "failed": "failed",
    "caught": "rejected",
    "false_alarm": "rejected",
    "seems_fixed": "came_back",
    "disabled": "disabled",
}
"""What a dispatcher makes of an outcome of `AttemptRow`, once another rung must be chosen. Whether the test that rejects a
repair is right is not known, and a fault that seemed to be fixed is before the dispatcher again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of the ladder, as far as it can be known beforehand.

    Args:
        name: e.g. "gpu_reset".
        mean_h: of one try, without ways and waiting, in hours.
        takes_down: operation, job, reset_domain, node or unit.
        swaps: the job swaps in spare nodes meanwhile, instead of waiting.
        tries: of one root cause, before the next rung up is taken in its place.
        technician, part: what it needs.
        replaces: the whole replaceable unit is new afterwards.
        disables: the part is taken out of use instead of mended.
    """

    name: str
    mean_h: float
    takes_down: Scope
    swaps: bool
    tries: int
    technician: bool
    part: bool
    replaces: bool
    disables: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """One try of a rung on this root cause: when it ended, and what was seen of it, a value of `SEEN_AS`."""

    rung: str
    ended_h: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Case:
    """An incident as the dispatcher sees it; neither what is truly wrong nor what is to come is in it.

    Args:
        now_h: time since the start of the run.
        detected_h: when the incident was detected.
        component_class, mode: what failed and how, as it was diagnosed.
        node: the node that holds the part, or that is taken for it; None for parts outside nodes.
        symptom: exception, crash, hang, slow or silent.
        disabled: the part is out of use already, and this is about its repair.
        tried: what was tried on this root cause, oldest first, also before it came back.
        proposal: the rung that the policy of the scenario would take without the function.
        ladder: the rungs that apply to the class, lowest first.
        incidents_h: when repairs of the node began since something in it was replaced, this one last; () without a node.
        n_spares: hot spares that stand ready.
        n_waiting: orders for which no technician has set out yet.
        job_runs: whether the job computes at this moment.

    >>> case = Case(200.0, 199.5, "gpu", "xid", 1, "crash", False, (), "gpu_reset", (), (10.0, 150.0, 200.0), 2, 0, False)
    >>> case.open_h, case.incidents_within(100.0), case.tries_of("gpu_reset")
    (0.5, 2, 0)
    """

    now_h: float
    detected_h: float
    component_class: str
    mode: str
    node: int | None
    symptom: str
    disabled: bool
    tried: tuple[Tried, ...]
    proposal: str
    ladder: tuple[Step, ...]
    incidents_h: tuple[float, ...]
    n_spares: int
    n_waiting: int
    job_runs: bool

    @property
    def open_h(self) -> float:
        """Hours since it was detected."""
        return self.now_h - self.detected_h

    def incidents_within(self, hours: float) -> int:
        """Repairs that began on the node within the last hours, this one among them."""
        return sum(begun_h >= self.now_h - hours for begun_h in self.incidents_h)

    def tries_of(self, rung: str) -> int:
        """How often a rung was tried on this root cause."""
        return sum(one.rung == rung for one in self.tried)


def steps_of(ladder: Ladder, component_class: str) -> tuple[Step, ...]:
    """The rungs that apply to a class, lowest first."""
    return tuple(_step(rung) for rung in ladder if rung.applies(component_class))


def _step(rung: Rung) -> Step:
    return Step(
        name=rung.name,
        mean_h=rung.duration.mean_h,
        takes_down=rung.takes_down,
        swaps=rung.swap,
        tries=rung.tries,
        technician=rung.technician,
        part=rung.part,
        replaces=rung.replaces,
        disables=rung.disables,
    )
