"""From the changes that a person wrote (planned stops, waves) to what the engine does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ras_sim.distributions import Distribution
from ras_sim.scenario.changes import BadSpec
from ras_sim.scenario.fleet import FleetSpec
from ras_sim.scenario.job import PlannedSpec, PreemptionSpec


@dataclass(frozen=True, slots=True)
class BadChange:
    """A change that may be bad.

    Args:
        p: probability of that.
        mode_ids: failure modes that then come more often.
        factor: how many times as often, > 1.
        found_after: until it is found.
        rollback: length of the stop in which it is undone.
    """

    p: float
    mode_ids: tuple[int, ...]
    factor: float
    found_after: Distribution
    rollback: Distribution


@dataclass(frozen=True, slots=True)
class PlannedStop:
    """A stop that is planned: how often, for how long, and what if the change that it brings is bad."""

    name: str
    every: Distribution
    duration: Distribution
    bad: BadChange | None


@dataclass(frozen=True, slots=True)
class Preemption:
    """Others take all nodes of the job: how often, for how long, and how long before that is said."""

    name: str
    every: Distribution
    lasts: Distribution
    notice_h: float


@dataclass(frozen=True, slots=True)
class Wave:
    """A change of all nodes, some of them at a time.

    Args:
        name: its name in the scenario.
        every: from the end of one change to the next.
        sizes: nodes of each wave, the last one repeated.
        duration: of one wave.
        gap: from the end of one wave to the next.
        p_bricks: probability of each node not to come up again.
        bricks: id of the failure mode that such a node suffers, or None.
        bad: what if the change is bad.
    """

    name: str
    every: Distribution
    sizes: tuple[int, ...]
    duration: Distribution
    gap: Distribution
    p_bricks: float
    bricks: int | None
    bad: BadChange | None


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
