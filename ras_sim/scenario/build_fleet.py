"""From the batches that a person wrote to those that the engine draws the faults of."""

from __future__ import annotations

from collections.abc import Sequence

from ras_sim.faults.batches import Batch, Fleet
from ras_sim.faults.modes import FailureMode
from ras_sim.scenario.fleet import FleetSpec
from ras_sim.topology import Blueprint


def defects_of(fleet: FleetSpec | None) -> set[str]:
    """Failure modes ("class.mode") whose hazard differs between batches."""
    defects = [batch.defect for batch in fleet.batches.values()] if fleet else []
    return {mode for defect in defects if defect and defect.factor != 1.0 for mode in defect.modes}


def build_fleet(fleet: FleetSpec | None, modes: Sequence[FailureMode], blueprint: Blueprint) -> Fleet:
    """The batches of nodes."""
    ids = {mode.key: mode.mode_id for mode in modes}
    homes = [blueprint.homes.get(mode.component_class) for mode in modes]
    batches = [
        Batch(
            name=name,
            first=spec.first,
            n_nodes=spec.count,
            joins_h=spec.joins,
            burn_in_h=spec.burn_in,
            start_age_h=spec.start_age,
            factors={ids[mode]: spec.defect.factor for mode in spec.defect.modes} if spec.defect else {},
        )
        for name, spec in (fleet.batches.items() if fleet else ())
    ]
    return Fleet(batches, [home.per_node if home else 0 for home in homes])
