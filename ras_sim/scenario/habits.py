"""What layers above the repair do, in the words of a scenario."""

from __future__ import annotations

from pydantic import Field

from ras_sim.scenario.fields import Duration, Fraction, Source, Strict


class DoubleSpec(Strict):
    """Another layer handles a fault that stopped the job, too: it restarts the job once more."""

    probability: Fraction = Field(description="For each fault that stops the job, each time that it is detected.")
    after: Duration = Field(
        description="From detection until the other layer restarts the job; nothing happens if it is still down then."
    )
    source: Source


class GivesUpSpec(Strict):
    """A job that makes no progress waits for a person."""

    restarts: int = Field(
        ge=1, le=1_000_000, description="Restarts in a row that begin with no more work in hand than the one before."
    )
    intervention: Duration = Field(description="Until a person has looked at it and starts it again.")
    source: Source
