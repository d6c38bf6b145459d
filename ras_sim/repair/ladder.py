"""The repair ladder: an ordered list of rungs, from the catchable exception to the replacement of the part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ras_sim.distributions import Distribution

Scope = Literal["operation", "job", "reset_domain", "node", "unit"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to repair.

    Args:
        level: position on the ladder, 0 is the lowest; a rung covers all lower ones.
        name: e.g. "gpu_reset".
        takes_down: the failing operation, the job's processes, the GPUs that reset together, the node, or the
            replaceable unit that holds the part.
        loses: how much state of the job it destroys, a level of `job.checkpoints`.
        duration: of one attempt.
        swap: the job swaps in spare nodes meanwhile, instead of waiting.
        tries: attempts for one root cause before climbing.
        p_works: probability that an attempt that is strong enough succeeds.
        p_seen: probability that an attempt that did not fix is seen to have failed.
        age_kept: virtual age after a fix, as a fraction of age.
        technician, part: what it needs.
        replaces: the whole replaceable unit is new afterwards.
        powers_off: nodes taken down do not age on the powered clock.
        disables: the part is taken out of use instead of mended.
        at_most: disabled parts of one class in one node, None for all but one.
        applies_to: component classes, or None for all.
        tested: a validation test follows.
        cool_down_h: from the end of a try to the next one of this rung on the same root cause.
        drains: a job that stands still, and has lost nothing, saves its work first.
    """

    level: int
    name: str
    takes_down: Scope
    loses: int
    duration: Distribution
    swap: bool
    tries: int
    p_works: float
    p_seen: float
    age_kept: float
    technician: bool
    part: bool
    replaces: bool
    powers_off: bool
    applies_to: frozenset[str] | None
    tested: bool
    disables: bool = False
    at_most: int | None = None
    cool_down_h: float = 0.0
    drains: bool = False

    def applies(self, component_class: str) -> bool:
        """Whether this rung can be tried on a part of that class."""
        return self.applies_to is None or component_class in self.applies_to


Ladder = tuple[Rung, ...]


def next_level(ladder: Ladder, level: int, component_class: str) -> int:
    """The next rung above `level` that applies to a class; the highest applicable one if there is none above."""
    above = [rung.level for rung in ladder if rung.level > level and rung.applies(component_class)]
    return above[0] if above else max(rung.level for rung in ladder if rung.applies(component_class))
