"""A defect that corrupts now and then: how often while its part computes, and under which condition."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """A condition that holds for a while in each period: the hot hours of a day.

    Args:
        every_h: length of a period, > 0.
        lasts_h: how long the condition holds in each, 0 < lasts_h <= every_h.
        begins_h: hour of the run at which it first begins to hold.
    """

    every_h: float
    lasts_h: float
    begins_h: float = 0.0

    def open_h(self, at_h: float) -> float:
        """Hours for which it has held up to an instant, counted from `begins_h`; negative before."""
        periods = math.floor((at_h - self.begins_h) / self.every_h)
        return periods * self.lasts_h + min(at_h - self.begins_h - periods * self.every_h, self.lasts_h)

    def reached_h(self, from_h: float, open_for_h: float) -> float:
        """The instant at which it has held for so long since `from_h`.

        >>> Window(24.0, 6.0, 12.0).reached_h(17.0, 2.0)
        37.0
        """
        total_h = self.open_h(from_h) + open_for_h
        periods = math.floor(total_h / self.lasts_h)
        return max(from_h, self.begins_h + periods * self.every_h + (total_h - periods * self.lasts_h))


@dataclass(frozen=True, slots=True)
class Corruption:
    """Corruption events of one defect: a Poisson process while its part computes for the job and the condition holds.

    Args:
        rate_per_h: events in an hour, > 0.
        window: the condition, None for always.
        p_reproducible: probability that tests and replays can make this defect show at all.
        from_load: and while its node computes at this share of full speed or more, 0 for always.
    """

    rate_per_h: float
    window: Window | None
    p_reproducible: float
    from_load: float = 0.0
