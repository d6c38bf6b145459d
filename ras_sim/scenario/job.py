"""The training job, in the words of a scenario."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from ras_sim.scenario.changes import BadSpec
from ras_sim.scenario.failures import Name
from ras_sim.scenario.fields import (
    Bytes,
    BytesPerHour,
    Duration,
    Fraction,
    Hours,
    PositiveHours,
    Source,
    Strict,
)
from ras_sim.scenario.habits import GivesUpSpec


class ParallelSpec(Strict):
    """How the job is cut: `tensor` x `pipeline` GPUs hold one model, the rest is data-parallel width."""

    tensor: int = Field(ge=1, description="Tensor-parallel width.")
    pipeline: int = Field(ge=1, description="Pipeline stages.")
    expert: int = Field(1, ge=1, description="Expert-parallel width; divides the data-parallel width.")
    exposed: dict[Literal["tensor", "pipeline", "data", "expert", "memory"], Fraction] = Field(
        description="Share of a step spent waiting for the communication of each kind of group, or for second-tier memory."
    )
    source: Source

    @model_validator(mode="after")
    def _shares(self) -> ParallelSpec:
        if sum(self.exposed.values()) >= 1.0:
            raise ValueError(
                f"exposed: got shares that sum to {sum(self.exposed.values()):g}, want less than 1"
            )
        return self


class TransferSpec(Strict):
    """A time that follows from bytes: latency + bytes / bandwidth."""

    bandwidth: BytesPerHour = Field(gt=0.0, description="Of the whole job together.")
    latency: Hours = Field(0.0, description="Time that does not depend on the bytes.")
    copies: Literal["one", "each_replica", "each_peer"] = Field(
        "one",
        description="Bytes moved: one copy of the state, one for each data-parallel replica, or one for each of the "
        "`copies` on other nodes.",
    )


def _stated_or_computed(value: Any) -> str:
    return "computed" if isinstance(value, dict | TransferSpec) else "stated"


TransferTime = Annotated[
    Annotated[Hours, Tag("stated")] | Annotated[TransferSpec, Tag("computed")],
    Discriminator(_stated_or_computed),
]
"""A time, stated as such or following from bytes."""


class KeepSpec(Strict):
    """Which checkpoints of a tier are kept; ages are counted in hours of work, as intervals are."""

    last: int = Field(ge=1, le=1_000_000, description="The newest so many.")
    every: PositiveHours | None = Field(
        None, description="The first checkpoint at or after each multiple of this much work is kept longer ..."
    )
    age: PositiveHours | None = Field(None, description="... until it is this old; for ever if left out.")

    @model_validator(mode="after")
    def _age_of_something(self) -> KeepSpec:
        if self.age is not None and self.every is None:
            raise ValueError("age: got one without `every`, want both: the last ones have no age")
        return self


class PeersSpec(Strict):
    """Copies of the part of a checkpoint that a node holds, in the memory of other nodes of the job."""

    copies: int = Field(ge=1, le=1000, description="Nodes that hold a copy, beside the node itself.")
    placement: Literal["ring", "group"] = Field(
        description="`ring`: the next nodes around the job. `group`: nodes in groups hold the parts of one another."
    )
    offset: int | None = Field(None, ge=1, description="Nodes from one holder to the next; 1 if left out.")
    apart: Name | None = Field(
        None,
        description="In place of `offset`: as many nodes as one instance of this class has (rack, pod, ...), so that no "
        "two holders are under the same one.",
    )
    source: Source

    @model_validator(mode="after")
    def _one_distance(self) -> PeersSpec:
        if self.offset is not None and self.apart is not None:
            raise ValueError("got both `offset` and `apart`, want one of them: each says how far holders are apart")
        return self


class TierSpec(Strict):
    """One place to keep checkpoints. Intervals of the tiers are whole multiples of the shortest one."""

    interval: PositiveHours = Field(description="Work at full speed between two saves.")
    blocking: Hours = Field(description="Time that a save stops the job.")
    valid_after: TransferTime = Field(
        description="From the end of blocking until the checkpoint can be used."
    )
    restore: TransferTime = Field(description="Time to read the state back.")
    survives: Name = Field(
        description="A rung that leaves these checkpoints intact, as does every rung that takes down no more. "
        "A swap takes down a unit."
    )
    keep: KeepSpec | None = Field(None, description="Which checkpoints are kept; all of them if left out.")
    peers: PeersSpec | None = Field(
        None,
        description="Copies on other nodes: the tier survives the loss of what a rung beyond `survives` takes down, and a "
        "swap, as long as each part has a holder left. None if left out.",
    )
    source: Source


class InitialiseSpec(Strict):
    """Start-up: base + at_1000_gpus x (GPUs / 1000) ** exponent."""

    base: Hours = Field(description="Part that does not grow with the job.")
    at_1000_gpus: Hours = Field(description="Part that grows, at 1,000 GPUs.")
    exponent: float = Field(ge=0.0, le=3.0, description="How it grows: 0 not at all, 1 in proportion.")
    source: Source


class PlannedSpec(Strict):
    """A stop that is planned: the job saves its work first."""

    every: Duration = Field(description="From the end of one to the request of the next.")
    duration: Duration = Field(description="Of the stop itself, before start-up and restore.")
    bad: BadSpec | None = Field(None, description="What if the change that it brings is bad: in all parts.")
    source: Source


class PreemptionSpec(Strict):
    """Others take all nodes of the job for a while."""

    every: Duration = Field(description="From the end of one to the notice of the next.")
    lasts: Duration = Field(description="How long the nodes are gone.")
    notice: Hours = Field(
        0.0, description="How long before it is said; the job works on, and saves last if there is time for a save."
    )
    source: Source


class WarmSpec(Strict):
    """Nodes that fill up the hot spares when one was taken: they are there, but not ready."""

    nodes: int = Field(ge=1, description="Number of warm nodes.")
    provision: Duration = Field(description="From the call until the node is a hot spare.")
    source: Source


class SparesSpec(Strict):
    """Nodes that wait beside the job; nodes beyond job and spares belong to others."""

    nodes: int = Field(ge=0, description="Number of spare nodes.")
    swap: Duration = Field(description="Time to put a spare node in the place of another.")
    within: Name | None = Field(
        None,
        description="A spare takes the place of a node under the same instance of this class only (rack, pod, ...); the "
        "spares are spread evenly over them. Anywhere if left out.",
    )
    warm: WarmSpec | None = Field(None, description="A pool behind the hot spares.")
    source: Source


class InStepSpec(Strict):
    """Fault tolerance inside the step: a failing replica drops out, the others go on without a stop."""

    drop: Hours = Field(description="Pause of the others until they go on without it.")
    rejoin: Duration = Field(
        description="From its repair, or the swap, until it trains again: start-up, state from its peers."
    )
    source: Source


class ElasticSpec(Strict):
    """Training on at a smaller data-parallel width when nodes are lacking."""

    min_replicas: int = Field(ge=1, description="Replicas below which the job waits for capacity, or stops.")
    reconfigure: Duration = Field(description="Time to form the groups anew at another width, before start-up.")
    grow: Literal["at_once", "next_stop"] = Field(
        description="When nodes are back: stop the job to grow, or grow when it stops anyway."
    )
    in_step: InStepSpec | None = Field(
        None, description="A failing replica drops out of the step; no width is given up for want of spares then."
    )
    source: Source


class JobSpec(Strict):
    """A synchronous training job: one lost rank stops all, a slow one slows all."""

    gpus: int = Field(ge=1, description="GPUs of the job: whole nodes.")
    work: PositiveHours | None = Field(None, description="Work at full speed after which the job is done.")
    parallel: ParallelSpec = Field(description="How the job is cut.")
    state: Bytes = Field(description="Bytes of one copy of the training state.")
    initialise: InitialiseSpec = Field(description="Time to start up.")
    checkpoints: dict[Name, TierSpec] = Field(
        default_factory=dict, description="Tiers of checkpoints by name."
    )
    spares: SparesSpec = Field(description="Spare nodes.")
    elastic: ElasticSpec | None = Field(None, description="Smaller widths; the width is fixed if left out.")
    gives_up: GivesUpSpec | None = Field(None, description="When it waits for a person; it restarts for ever if left out.")
    planned: dict[Name, PlannedSpec] = Field(default_factory=dict, description="Planned stops by name.")
    preemptions: dict[Name, PreemptionSpec] | None = Field(None, description="Who takes the nodes of the job, by name.")
