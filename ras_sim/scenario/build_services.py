"""From the services that a person wrote to what the engine takes down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ras_sim.distributions import Distribution
from ras_sim.job.phases import Limit
from ras_sim.scenario.services import ServiceSpec

_STATES = {"initialise": "initialise", "restore": "restore", "save": "saving"}
"""What a job needs a service for -> the state that it is in meanwhile."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service: how often it is out, for how long, and what that leaves to the job."""

    name: str
    every: Distribution
    lasts: Distribution
    limit: Limit


def build_services(services: Mapping[str, ServiceSpec], tiers: Iterable[str]) -> tuple[Service, ...]:
    """The services, by name; `tiers` are all checkpoint tiers of the job."""
    every_tier = frozenset(tiers)
    return tuple(
        Service(
            name,
            spec.every.build(),
            spec.lasts.build(),
            Limit(
                tiers=every_tier if spec.tiers is None else frozenset(spec.tiers),
                left={_STATES[phase]: left for phase, left in spec.left.items()},
            ),
        )
        for name, spec in sorted(services.items())
    )
