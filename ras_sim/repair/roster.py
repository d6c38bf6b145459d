"""Who is on duty when: groups of people with hours that repeat every week."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

WEEK_H = 168.0
EARLY_H = 1e-9  # a clock that is set to ring at an hour may ring this early, by rounding

Window = tuple[float, float]
"""Hours of a week from Monday 00:00: when it begins, in [0, 168), and when it ends, up to 168 h later."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A group of people with the same hours.

    Args:
        count: how many there are.
        windows: when they are on duty, in order, apart from each other, as `merged` makes them.
        begins_h: hour of the week at which the run begins, in [0, 168).
    """

    count: int
    windows: tuple[Window, ...]
    begins_h: float = 0.0

    def off_h(self, now_h: float) -> float | None:
        """When those who are on duty at an instant go home, inf for never; None if nobody is on duty."""
        now_h += EARLY_H
        for start_h, end_h in self.windows:
            if end_h - start_h >= WEEK_H:
                return math.inf
            since_h = self._last(start_h, now_h)
            if now_h < since_h + (end_h - start_h):
                return since_h + (end_h - start_h)
        return None

    def next_on_h(self, now_h: float) -> float:
        """When the next window begins after an instant; inf if none ever does."""
        starts = [start_h for start_h, end_h in self.windows if end_h - start_h < WEEK_H]
        return min((self._last(one, now_h + EARLY_H) + WEEK_H for one in starts), default=math.inf)

    def on_duty_h(self, until_h: float) -> float:
        """Hours that each of them is on duty from the start of the run until an hour, on the calendar of the run."""
        n_weeks, rest_h = divmod(until_h, WEEK_H)
        whole_h = n_weeks * math.fsum(end_h - start_h for start_h, end_h in self.windows)
        # A window that began in the week before the run may reach into it, and past the next end of the week.
        shifts_h = [week * WEEK_H - self.begins_h for week in (-1, 0, 1)]
        parts = [
            min(end_h + by_h, rest_h) - max(start_h + by_h, 0.0)
            for start_h, end_h in self.windows
            for by_h in shifts_h
        ]
        return whole_h + math.fsum(part for part in parts if part > 0.0)

    def _last(self, week_h: float, now_h: float) -> float:
        """The last time, not after an instant, at which it was that hour of the week."""
        first_h = week_h - self.begins_h
        n = math.floor((now_h - first_h) / WEEK_H)
        # The quotient may have been rounded across a whole number.
        while first_h + n * WEEK_H > now_h:
            n -= 1
        while first_h + (n + 1) * WEEK_H <= now_h:
            n += 1
        return first_h + n * WEEK_H


ALWAYS: tuple[Window, ...] = ((0.0, WEEK_H),)
"""Round the clock."""


def merged(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Windows that overlap or touch, made one; across the end of the week too.

    Args:
        windows: hours of the week, each beginning in [0, 168) and lasting up to a week.

    >>> merged([(0.0, 24.0), (24.0, 48.0), (160.0, 168.0)])
    ((160.0, 216.0),)
    >>> merged([(24.0 * day, 24.0 * (day + 1)) for day in range(7)]) == ALWAYS
    True
    """
    found: list[Window] = []
    for start_h, end_h in sorted(windows):
        if found and start_h <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end_h))
        else:
            found.append((start_h, end_h))
    while len(found) > 1 and found[-1][1] >= found[0][0] + WEEK_H:
        first = found.pop(0)
        found[-1] = (found[-1][0], max(found[-1][1], first[1] + WEEK_H))
    whole = any(end_h - start_h >= WEEK_H for start_h, end_h in found)
    return ALWAYS if whole else tuple(found)


def others(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The rest of the week.

    >>> others([(8.0, 18.0)])
    ((18.0, 176.0),)
    >>> others([]), others(ALWAYS)
    (((0.0, 168.0),), ())
    """
    taken = merged(windows)
    if not taken or taken == ALWAYS:
        return () if taken else ALWAYS
    starts = [*(start_h for start_h, _ in taken[1:]), taken[0][0] + WEEK_H]
    gaps = [(end_h, start_h) for (_, end_h), start_h in zip(taken, starts, strict=True)]
    return merged((end_h % WEEK_H, end_h % WEEK_H + start_h - end_h) for end_h, start_h in gaps)
