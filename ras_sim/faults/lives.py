"""The lives of single parts after their first fault: age, frailty, and when the next fault comes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ras_sim.faults.modes import FailureMode
from ras_sim.streams import child_key, uniform

_LIFE, _FRAILTY, _BURST = (
    0,
    1,
    2,
)  # purposes of the draws that belong to a life; incident.py numbers its own from 16

_LIFE_BITS = 24  # a part may have 16 million lives before its keys meet those of the next part


@dataclass(slots=True)
class Life:
    """Where one part stands with one failure mode.

    Args:
        number: which life, counted from 0; a new one begins at each repair.
        born_h: reading of the part's own clock at which its (virtual) age was 0.
        frailty: multiplier of its hazard, that of a defect of its batch included.
        key: of all draws about this life and the fault that ends it.
    """

    number: int
    born_h: float
    frailty: float
    key: int


class Lives:
    """The parts of one failure mode that have failed at least once, or have been replaced.

    Args:
        mode: the failure mode.
        key: base key of its scalar draws.
        origin: part -> (reading of its own clock at which the age of its first life was 0, factor on its hazard); None
            where all parts are alike.
    """

    __slots__ = ("_key", "_lives", "_mode", "_origin")

    def __init__(
        self, mode: FailureMode, key: int, origin: Callable[[int], tuple[float, float]] | None = None
    ) -> None:
        self._mode = mode
        self._key = key
        self._origin = origin
        self._lives: dict[int, Life] = {}

    def number(self, instance: int) -> int:
        """The number of the life a part is in: 0 until something was repaired."""
        life = self._lives.get(instance)
        return 0 if life is None else life.number

    def fault_key(self, instance: int, life: int) -> int | None:
        """The key of all draws about the fault that ends this life; None if the part is in another one now."""
        now = self._lives.get(instance)
        if now is None:
            return None if life else child_key(self._key, instance << _LIFE_BITS)
        return now.key if now.number == life else None

    def first_key(self, instance: int) -> int:
        """The key of the fault that ends the first life of a part."""
        return child_key(self._key, instance << _LIFE_BITS)

    def n_followers(self, key: int) -> tuple[int, list[float]]:
        """How many faults follow in a burst after the one with this key, and the gap before each, hours."""
        burst = self._mode.burst
        if burst is None:
            return 0, []
        key = child_key(key, _BURST)
        n = burst.n_followers(uniform(key))
        return n, [burst.gap.quantile(uniform(key, 1 + k)) for k in range(n)]

    def after_repair(
        self, instance: int, failed_h: float, now_h: float, age_kept: float, key: int
    ) -> tuple[int, float]:
        """The part goes on with virtual age `age_kept` x age.

        Args:
            instance: the part that failed and was repaired.
            failed_h, now_h: readings of its own clock at the failure and now.
            age_kept: 0 (as good as new) to 1 (as bad as old); Kijima (1989), type II.
            key: of the draws about the fault.

        Returns:
            (number of the new life, reading of its own clock at which it will fail).
        """
        life = self._lives.get(instance)
        if life is None:
            born_h, factor = (-self._mode.start_age_h, 1.0) if self._origin is None else self._origin(instance)
            frailty = factor * self._first_frailty(key, failed_h - born_h, factor)
            life = self._lives[instance] = Life(0, born_h, frailty, 0)
        life.number += 1
        life.key = child_key(self._key, instance << _LIFE_BITS | life.number)
        virtual_h = age_kept * (now_h - life.born_h)
        life.born_h = now_h - virtual_h
        return life.number, now_h + self._residual_h(life, virtual_h)

    def replaced(self, instance: int, now_h: float) -> tuple[int, float]:
        """A new part takes the place: age 0, a frailty of its own. Returns as `after_repair`."""
        number = self.number(instance) + 1
        key = child_key(self._key, instance << _LIFE_BITS | number)
        frailty = self._mode.frailty
        draw = 1.0 if frailty is None else frailty.prior(uniform(key, _FRAILTY))
        life = self._lives[instance] = Life(number, now_h, draw, key)
        return number, now_h + self._residual_h(life, 0.0)

    def _residual_h(self, life: Life, age_h: float) -> float:
        if self._mode.lifetime is None:
            return math.inf
        exp1 = -math.log(uniform(life.key, _LIFE))
        return self._mode.lifetime.residual_h(age_h, exp1 / life.frailty)

    def _first_frailty(self, key: int, age_h: float, factor: float) -> float:
        """Of a part that has failed once: the posterior given the age at that failure, and its batch's hazard."""
        frailty, lifetime = self._mode.frailty, self._mode.lifetime
        if frailty is None or lifetime is None:
            return 1.0
        return frailty.posterior(uniform(key, _FRAILTY), factor * lifetime.cumulative_at(age_h))
