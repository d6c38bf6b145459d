"""Services that the whole machine shares, in the words of a scenario: control plane, storage, and their outages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic import Strict as StrictType

from ras_sim.scenario.failures import Name
from ras_sim.scenario.fields import Duration, Fraction, Source, Strict

Phase = Literal["initialise", "restore", "save"]
"""What a job needs a service for."""


class ServiceSpec(Strict):
    """One thing that all jobs share, with outages or with hours in which others use most of it. A job that runs goes on."""

    every: Duration | None = Field(None, description="From the end of one outage to the next; or `after`.")
    after: Annotated[tuple[Name, ...], StrictType(False)] | None = Field(
        None,
        min_length=1,
        description="In place of `every`: begins with each strike of these shocks, and at the end of each outage of these "
        "services. A storm of repairs: all jobs come back at once, and read their checkpoints from one storage.",
    )
    lasts: Duration = Field(description="How long it lasts.")
    left: dict[Phase, Fraction] = Field(
        min_length=1,
        description="Share of its speed that is left, by what the job needs it for: the start-up, reading a checkpoint, "
        "writing one; 0 in an outage.",
    )
    tiers: Annotated[tuple[Name, ...], StrictType(False)] | None = Field(
        None, description="Checkpoint tiers that are kept there; all of them if left out."
    )
    source: Source
