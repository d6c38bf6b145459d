"""What layers above the repair do, from what a person wrote to what the engine computes with."""

from __future__ import annotations

from ras_sim.repair.habits import DoubleHandling, GivingUp
from ras_sim.scenario.habits import DoubleSpec, GivesUpSpec


def build_double(spec: DoubleSpec | None) -> DoubleHandling | None:
    """Second restarts, None if there are none."""
    return None if spec is None else DoubleHandling(spec.probability, spec.after.build())


def build_giving_up(spec: GivesUpSpec | None) -> GivingUp | None:
    """When the job gives up, None for never."""
    return None if spec is None else GivingUp(spec.restarts, spec.intervention.build())
