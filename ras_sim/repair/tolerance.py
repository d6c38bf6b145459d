"""Tolerance: a fault that goes away by itself is sat out, a repeated one repaired; damping holds the part down longer."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from ras_sim.distributions import Distribution


@dataclass(frozen=True, slots=True)
class HoldDown:
    """Flap damping: after a fault the part is kept out for a while, for longer after each one.

    After the n-th fault in a row that is sat out, n = 1, 2 ...: min(`first_h` x `factor`^(n-1), `most_h`).

    Args:
        first_h: after the first one, hours, > 0.
        factor: >= 1.
        most_h: the longest, hours, >= first_h.
    """

    first_h: float
    factor: float
    most_h: float

    def hours(self, n_before: int) -> float:
        """How long after a fault that `n_before` others came before, within the window."""
        # In logarithms, so that a power of many faults does not overflow.
        growth = n_before * math.log(self.factor)
        return self.most_h if growth >= math.log(self.most_h / self.first_h) else self.first_h * math.exp(growth)


@dataclass(frozen=True, slots=True)
class ToleranceRule:
    """`times` faults of one part within `window_h` are sat out; one more is repaired.

    Args:
        times: >= 1.
        window_h: hours, > 0.
        outage: how long a fault lasts that is sat out.
        hold_down: what damping adds to that; None: nothing.
        heals: a fault that needs at most this rung, as its position on the ladder, is over then; any other comes back.
    """

    times: int
    window_h: float
    outage: Distribution
    hold_down: HoldDown | None
    heals: int


class ToleranceWatch:
    """Remembers the faults that were sat out, for each failure mode of each part."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], deque[float]] = {}

    def sits_out(self, rule: ToleranceRule, mode_id: int, instance: int, now_h: float) -> int | None:
        """Note a fault of a part.

        Returns:
            How many before it were sat out within the window; None if it is one too many: it is to be repaired, and the
            part begins with a clean record.
        """
        seen = self._seen.setdefault((mode_id, instance), deque())
        while seen and seen[0] < now_h - rule.window_h:
            seen.popleft()
        n_before = len(seen)
        if n_before >= rule.times:
            del self._seen[mode_id, instance]
            return None
        seen.append(now_h)
        return n_before
