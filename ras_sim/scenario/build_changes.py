"""From the changes that a person wrote (planned stops, waves) to what the engine does."""

from __future__ import annotations

from collections.abc import Mapping

from ras_sim.scenario.changes import BadSpec
from ras_sim.scenario.fleet import FleetSpec
from ras_sim.scenario.job import PlannedSpec, PreemptionSpec
from ras_sim.scenario.setup import BadChange, PlannedStop, Preemption, Wave


def build_bad(spec: BadSpec | None, ids: Mapping[str, int]) -> BadChange | None:
    """What if a change is bad; `ids` are those of the modes by class.mode."""
    if spec is None:
        return None
    mode_ids = tuple(sorted(ids[name] for name in spec.modes))
    return BadChange(spec.p, mode_ids, spec.factor, spec.found_after.build(), spec.rollback.build())


def build_planned(stops: Mapping[str, PlannedSpec], ids: Mapping[str, int]) -> tuple[PlannedStop, ...]:
    """The planned stops, by name."""
    return tuple(
        PlannedStop(name, stop.every.build(), stop.duration.build(), build_bad(stop.bad, ids))
        for name, stop in sorted(stops.items())
    )


def build_preemptions(preemptions: Mapping[str, PreemptionSpec]) -> tuple[Preemption, ...]:
    """Who takes the nodes, by name."""
    return tuple(
        Preemption(name, spec.every.build(), spec.lasts.build(), spec.notice)
        for name, spec in sorted(preemptions.items())
    )


def build_waves(fleet: FleetSpec | None, ids: Mapping[str, int]) -> tuple[Wave, ...]:
    """The changes in waves, by name."""
    return tuple(
        Wave(
            name=name,
            every=spec.every.build(),
            sizes=spec.sizes,
            duration=spec.duration.build(),
            gap=spec.gap.build(),
            p_bricks=spec.p_bricks,
            bricks=None if spec.bricks is None else ids[spec.bricks],
            bad=build_bad(spec.bad, ids),
        )
        for name, spec in (sorted(fleet.waves.items()) if fleet else ())
    )
