"""How much to measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure.

    Args:
        rounds: repeats of everything.
        replications: of the run that is split over workers.
        airesim_overrides, xl_overrides: shorten the scenarios where only the harness is tried.
        airesim: a checkout of AIReSim, or None.
    """

    rounds: int = 5
    replications: int = 8
    airesim_overrides: tuple[str, ...] = ()
    xl_overrides: tuple[str, ...] = ()
    airesim: Path | None = None


QUICK = Effort(
    rounds=1,
    replications=2,
    airesim_overrides=("horizon=5d",),
    xl_overrides=("horizon=2d",),
)
"""The harness at its smallest: the figures mean nothing."""
