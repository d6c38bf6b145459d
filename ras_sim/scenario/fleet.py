"""The nodes as a fleet, in the words of a scenario: batches in which they came, and waves in which they are changed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic import Strict as StrictType

from ras_sim.scenario.changes import BadSpec, ModeNames
from ras_sim.scenario.failures import Name
from ras_sim.scenario.fields import Duration, Fraction, Hours, Source, Strict

Sizes = Annotated[tuple[Annotated[int, Field(ge=1)], ...], StrictType(False)]
"""Numbers of nodes."""


class DefectSpec(Strict):
    """What the parts of one batch have in common: they fail more often."""

    modes: ModeNames = Field(min_length=1, description="Failure modes of parts in nodes, as class.mode.")
    factor: float = Field(gt=0.0, le=1e6, description="How many times the usual hazard.")
    source: Source


class BatchSpec(Strict):
    """Nodes that were made and delivered together: nodes `first` to `first + count - 1` of the machine."""

    first: int = Field(0, ge=0, description="Number of its first node; the job has the nodes from 0 on, then the spares.")
    count: int = Field(ge=1, description="How many nodes.")
    joins: Hours = Field(0.0, description="When it is installed; it counts, and ages, from then on.")
    burn_in: Hours = Field(
        0.0, description="How long it runs from then on before it serves: it ages as in the job, and is repaired."
    )
    start_age: Hours | None = Field(
        None, description="Age of its parts when it is installed; what the failure modes say if left out."
    )
    defect: DefectSpec | None = Field(None, description="What its parts have in common.")
    source: Source


class WaveSpec(Strict):
    """A change of all nodes (firmware, an operating system), some of them at a time, in the order of their numbers."""

    every: Duration = Field(description="From the end of one change of all nodes to the next; the first from the start.")
    sizes: Sizes = Field(
        min_length=1,
        description="Nodes of each wave; the last number again until all are done. One at least as large as the machine "
        "is all at once.",
    )
    duration: Duration = Field(
        description="Of one wave: its nodes are out for so long. A wave with nodes of the job is a planned stop."
    )
    gap: Duration = Field(description="From the end of one wave to the request of the next.")
    p_bricks: Fraction = Field(0.0, description="Probability of each node not to come up again.")
    bricks: str | None = Field(None, description="The failure mode that such a node suffers, as class.mode.")
    bad: BadSpec | None = Field(None, description="What if the change is bad: in the nodes that have it.")
    source: Source

    @model_validator(mode="after")
    def _both_or_none(self) -> WaveSpec:
        if (self.bricks is not None) != (self.p_bricks > 0.0):
            raise ValueError("bricks: want it exactly where p_bricks is more than 0")
        return self


class FleetSpec(Strict):
    """Where the nodes come from. Nodes in no batch are there from the start, with the age that the modes say."""

    batches: dict[Name, BatchSpec] = Field(default_factory=dict, description="Batches of nodes by name.")
    waves: dict[Name, WaveSpec] = Field(default_factory=dict, description="Changes of all nodes by name.")
