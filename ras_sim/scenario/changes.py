"""A change of software or firmware that may make things worse, in the words of a scenario."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic import Strict as StrictType

from ras_sim.scenario.fields import Duration, Fraction, Source, Strict

ModeNames = Annotated[tuple[str, ...], StrictType(False)]
"""Failure modes, each as class.mode."""


class BadSpec(Strict):
    """A change that turns out bad: some failures come more often until it is found and rolled back."""

    p: Fraction = Field(description="Probability of a change to be bad.")
    modes: ModeNames = Field(min_length=1, description="Failure modes of constant rate, as class.mode.")
    factor: float = Field(gt=1.0, le=1e6, description="How many times the usual rate.")
    found_after: Duration = Field(description="From the end of the change (its first wave) until it is found to be bad.")
    rollback: Duration = Field(description="Length of the planned stop in which it is undone.")
    source: Source
