"""Tests, and what follows an accusation, in the words of a scenario."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic import Strict as StrictType

from ras_sim.scenario.failures import Name
from ras_sim.scenario.fields import Duration, Fraction, PositiveHours, Source, Strict

Names = Annotated[tuple[Name, ...], StrictType(False)]
"""A list of names."""

CoverageOf = Annotated[
    dict[str, Fraction] | None,
    Field(
        description="Coverage of single failure modes (gpu.sdc) and component classes (gpu), where it differs from "
        "`coverage`; a mode goes before its class."
    ),
]


class ValidationSpec(Strict):
    """The test before a node returns to service."""

    after: Names = Field(min_length=1, description="Rungs that are followed by the test.")
    duration: Duration = Field(description="Of one test.")
    coverage: Fraction = Field(description="Probability to find a fault that was not fixed.")
    coverage_of: CoverageOf = None
    false_alarm: Fraction = Field(description="Probability to reject a good node.")
    source: Source


class RiskSpec(Strict):
    """Nodes at risk: those that had incidents, or were accused, more often than others."""

    incidents: int = Field(ge=1, description="Incidents or accusations on one node ...")
    window: PositiveHours = Field(description="... within this time before the test.")


class TestSpec(Strict):
    """A test that looks for faults nobody has noticed yet. It has at least one of `every`, `at_start`, `on_accusation`."""

    __test__ = False  # pytest: this is none

    duration: Duration = Field(description="Of one test of one node.")
    coverage: Fraction = Field(description="Probability to find a fault that is there.")
    coverage_of: CoverageOf = None
    false_alarm: Fraction = Field(description="Probability to accuse a good node, in each test of it.")
    every: PositiveHours | None = Field(
        None, description="Time between two tests of a node; with `takes: pause` hours in which the job computes."
    )
    takes: Literal["pause", "stop", "spares"] | None = Field(
        None,
        description="What a periodic test takes: a pause of all nodes of the job between two steps (in production), a stop "
        "of the job that saves first, or spares in the place of the nodes that are tested (out of production).",
    )
    at_once: int = Field(1, ge=1, le=100_000, description="Nodes that `takes: spares` tests together.")
    only_after: RiskSpec | None = Field(
        None, description="With `takes: spares`: only nodes at risk are tested; all if left out."
    )
    at_start: bool = Field(False, description="All nodes of the job are tested before each start of the job.")
    on_accusation: bool = Field(False, description="The in-depth check of a node that was accused.")
    source: Source

    @model_validator(mode="after")
    def _scheduled(self) -> TestSpec:
        if self.every is None and not self.at_start and not self.on_accusation:
            raise ValueError("got a test that is never run, want `every`, `at_start` or `on_accusation`")
        if (self.every is None) != (self.takes is None):
            raise ValueError("every, takes: got one of them, want both or none")
        if self.takes != "spares" and (self.only_after is not None or self.at_once != 1):
            raise ValueError("at_once, only_after: got one of them, want them with `takes: spares` only")
        return self


class ReplaySpec(Strict):
    """A suspect step is computed once more on other hardware, and the results are compared; the job waits."""

    duration: Duration = Field(description="Of the replay.")
    reproduces: Fraction = Field(
        description="Probability that a true corruption shows as a difference; it never does where nothing was corrupted."
    )
    source: Source


class QuarantineSpec(Strict):
    """A node that is accused again and again is not tested any more."""

    accusations: int = Field(ge=1, description="Accusations of one node ...")
    window: PositiveHours = Field(description="... within this time ...")
    rung: Name | None = Field(
        None, description="... send it to this rung; left out: it leaves the machine for good."
    )


class AccusationSpec(Strict):
    """What is done when a monitor or a test suspects a node."""

    locates: Fraction = Field(
        1.0, description="Probability that an alarm of a monitor leads to the right node; else to another one of the job."
    )
    replay: ReplaySpec | None = Field(
        None, description="Decides whether an alarm of a monitor is true; left out: every alarm accuses."
    )
    quarantine: QuarantineSpec | None = Field(None, description="Rule for nodes that are accused again and again.")
    part: Name = Field(description="Component class of what is replaced in a good node that is convicted.")
    rung: Name = Field(description="Rung on which that is done. What is truly broken is repaired as its failure mode says.")
    source: Source
