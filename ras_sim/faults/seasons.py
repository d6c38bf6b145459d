"""Hazards that swing with the time of day: a time change, exact for every lifetime and every clock.

A part whose hazard is multiplied by m(t) = 1 + A cos(2 pi (t - peak) / P) ages m(t) hours in an hour, so its age is

    W(t) = t + A P / (2 pi) (sin(2 pi (t - peak) / P) + sin(2 pi peak / P))

in place of t: of a constant rate this is the inhomogeneous Poisson process of rate r m(t).

Source: Cox & Oakes, "Analysis of Survival Data" (1984), section 5.2 (accelerated life); Cinlar (1975), section 4.7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

_STEPS, _ULPS = 100, 2.0


@dataclass(frozen=True, slots=True)
class Season:
    """A period with a peak.

    Args:
        amplitude: A, 0 < A <= 1.
        period_h: P, > 0.
        peak_h: an hour of the run at which the hazard is highest.
    """

    amplitude: float
    period_h: float
    peak_h: float
    _turn: float = field(init=False, repr=False, compare=False)  # 2 pi / P
    _swing: float = field(init=False, repr=False, compare=False)  # A P / (2 pi)
    _at_start: float = field(init=False, repr=False, compare=False)  # sin(2 pi peak / P)

    def __post_init__(self) -> None:
        turn = 2.0 * math.pi / self.period_h
        object.__setattr__(self, "_turn", turn)
        object.__setattr__(self, "_swing", self.amplitude / turn)
        object.__setattr__(self, "_at_start", math.sin(turn * self.peak_h))

    def passed_h(self, t_h: float) -> float:
        """W(t): how much a part ages from 0 to t_h >= 0."""
        return t_h + self._swing * (math.sin(self._turn * (t_h - self.peak_h)) + self._at_start)

    def soonest_h(self, aged_h: float) -> float:
        """A bound on the inverse of W from below: W(t) is never further than A P / pi from t."""
        return max(0.0, aged_h - 2.0 * self._swing)

    def when_h(self, aged_h: float) -> float:
        """The inverse of W to rounding, from above: W(when_h(w)) >= w.

        Newton's method; halving instead where that would leave the bracket, since W may stand still at an instant (A = 1).
        """
        if aged_h <= 0.0:
            return 0.0
        reach_h = self.amplitude * self.period_h / math.pi
        low, high, t_h, near_h = max(0.0, aged_h - reach_h), aged_h + reach_h, aged_h, _ULPS * math.ulp(aged_h)
        for _ in range(_STEPS):
            ahead_h = self.passed_h(t_h) - aged_h
            if abs(ahead_h) <= near_h:
                break
            low, high = (low, t_h) if ahead_h >= 0.0 else (t_h, high)
            slope = 1.0 + self.amplitude * math.cos(self._turn * (t_h - self.peak_h))
            step_h = ahead_h / slope if slope > 0.0 else math.inf
            t_h = t_h - step_h if low < t_h - step_h < high else 0.5 * (low + high)
        else:
            ahead_h = self.passed_h(t_h) - aged_h
        if ahead_h >= 0.0:
            return t_h
        low = t_h
        while low < (t_h := 0.5 * (low + high)) < high:
            low, high = (t_h, high) if self.passed_h(t_h) < aged_h else (low, t_h)
        return high
