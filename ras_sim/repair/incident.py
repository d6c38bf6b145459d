"""One incident: a fault's life from arrival to the return to service, or the return of a fault that was not fixed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ras_sim.ledger import IncidentRow, new_row
from ras_sim.repair.policy import RootCause

QUIET = frozenset({"slow", "silent"})
"""Symptoms of which nobody knows until they are detected."""


@dataclass(slots=True, eq=False)
class Incident:
    """What is known of an incident while it goes on; at the end it becomes a row of the ledger.

    Args:
        incident_id: its number, in order of arrival.
        root: what is truly wrong.
        mode_id, component_class, mode: the failure mode.
        instance: the part.
        node: the node that holds the part, None for parts outside nodes.
        symptom: how the fault shows.
        arrive_h: when it struck.
        nodes: nodes that its blast takes down.
        slowed: nodes that it only slows.
        n_gpus: GPUs that its blast takes down.
        speed: relative speed of the job while it is in the job and not repaired.
        held: nodes that are kept out of service for it.
        held_h: when the first of them was taken out of service.
        deferred: its repair waits for a stop of the job.
        disabled: its part was taken out of use.
    """

    incident_id: int
    root: RootCause
    mode_id: int
    component_class: str
    mode: str
    instance: int
    node: int | None
    symptom: str
    arrive_h: float
    nodes: tuple[int, ...]
    slowed: tuple[int, ...]
    n_gpus: int
    speed: float
    held: list[int] = field(default_factory=list)
    detected_h: float = math.nan
    located_h: float = math.nan
    closed_h: float = math.nan
    final_rung: str = ""
    n_attempts: int = 0
    outcome: str = "open"
    effect: str = "none"
    swapping: bool = False
    deferred: bool = False
    disabled: bool = False
    held_h: float = math.nan
    n_interruptions: int = 0
    at_least: int = 0  # the rung on which a repair starts at the lowest

    @property
    def undiscovered(self) -> bool:
        """Whether it slows or corrupts the job, or would, and nobody has noticed."""
        return self.symptom in QUIET and math.isnan(self.detected_h) and math.isnan(self.closed_h)

    @property
    def unattended(self) -> bool:
        """Whether nobody repairs it: it slows or corrupts the job unfound, is tolerated, or its repair waits."""
        is_quiet = self.symptom in QUIET
        return self.deferred or (is_quiet and (math.isnan(self.detected_h) or self.outcome == "tolerated"))

    def row(self, needs_rung: str, gpus_per_node: int) -> IncidentRow:
        """The incident as a row of the ledger."""
        row = (
            self.incident_id,
            self.root.incident_id,
            self.component_class,
            self.mode,
            self.instance,
            -1 if self.node is None else self.node,
            self.symptom,
            self.arrive_h,
            self.detected_h,
            self.located_h,
            self.closed_h,
            needs_rung,
            self.final_rung,
            self.n_attempts,
            "deferred" if self.deferred else self.outcome,
            self.effect,
            len(self.nodes),
            self.n_gpus,
            self.speed,
            self.n_interruptions,
            len(self.held) * gpus_per_node,
            self.held_h,
        )
        return new_row(IncidentRow, row)
