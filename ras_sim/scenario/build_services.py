"""From the services that a person wrote to what the engine takes down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ras_sim.job.phases import Limit
from ras_sim.scenario.services import ServiceSpec
from ras_sim.scenario.setup import Service

_STATES = {"initialise": "initialise", "restore": "restore", "save": "saving"}
"""What a job needs a service for -> the state that it is in meanwhile."""


def build_services(services: Mapping[str, ServiceSpec], tiers: Iterable[str]) -> tuple[Service, ...]:
    """The services, by name; `tiers` are all checkpoint tiers of the job."""
    every_tier = frozenset(tiers)
    return tuple(
        Service(
            name,
            None if spec.every is None else spec.every.build(),
            frozenset(spec.after or ()),
            spec.lasts.build(),
            Limit(
                tiers=every_tier if spec.tiers is None else frozenset(spec.tiers),
                left={_STATES[phase]: left for phase, left in spec.left.items()},
            ),
        )
        for name, spec in sorted(services.items())
    )
