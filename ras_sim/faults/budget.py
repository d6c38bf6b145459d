"""Budgets: spare rows, pages and lanes take in so many faults of a part; the next one wants a new part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ras_sim.faults.modes import FailureMode, Symptom


@dataclass(frozen=True, slots=True)
class Budget:
    """How many faults of one part are taken in, and what happens to those beyond.

    The k-th fault of a part since it was new needs the rung d that was drawn for it if k <= `faults`, else max(d, `then`).

    Args:
        faults: that are taken in, >= 0.
        then: position on the ladder of the rung that any further fault needs at least.
        shows: how a further fault shows; None: as it would have shown otherwise.
    """

    faults: int
    then: int
    shows: Symptom | None


class Budgets:
    """How much of its budget each part has used: only parts that failed are remembered."""

    __slots__ = ("_used",)

    def __init__(self) -> None:
        self._used: dict[int, dict[int, int]] = {}  # mode -> part -> faults since it was new

    def overdraws(self, mode: FailureMode, instance: int) -> bool:
        """Count a fault of a part; whether it is beyond the budget."""
        if mode.absorbs is None:
            return False
        used = self._used.setdefault(mode.mode_id, {})
        used[instance] = n_faults = used.get(instance, 0) + 1
        return n_faults > mode.absorbs.faults

    def renew(self, mode: FailureMode, instances: Iterable[int]) -> None:
        """Parts are new: their whole budget is left."""
        used = self._used.get(mode.mode_id)
        if used is not None:
            for instance in instances:
                used.pop(instance, None)
