"""The same fault in two designs: root causes matched one to one, and where the two parted most.

A root cause is known by its part, its failure mode and its turn among the faults of that part and mode. Designs that
share their histories see first failures on the calendar at the very same hour; later lives, and clocks that only run
while the job does, shift with what was repaired before, but keep their order.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import NamedTuple

from ras_sim.ledger import AttemptRow, IncidentRow, Ledger, new_row
from ras_sim.metrics.measures import is_planned


class Fault(NamedTuple):
    """One root cause in one design, with everything that came of it.

    Args:
        incidents: the incident in which it struck, then its returns.
        attempts: tries of rungs on all of them, in order.
        lost_h: hours of the job that are charged to it, by category; productive time that was lost counts once.
        lost_gpu_h: their sum x GPUs of the job.
    """

    incidents: tuple[IncidentRow, ...]
    attempts: tuple[AttemptRow, ...]
    lost_h: dict[str, float]
    lost_gpu_h: float

    @property
    def first(self) -> IncidentRow:
        """The incident in which the root cause struck."""
        return self.incidents[0]


@dataclass(frozen=True, slots=True)
class Parting:
    """A fault that two designs both met, and paid differently for.

    Args:
        replication: the history.
        base, other: the fault in each design.
    """

    replication: int
    base: Fault
    other: Fault

    @property
    def extra_gpu_h(self) -> float:
        """Lost GPU-hours that it costs more in the other design; negative if less."""
        return self.other.lost_gpu_h - self.base.lost_gpu_h

    @property
    def is_alike(self) -> bool:
        """True if both designs handled it alike: it was only met at another moment, or in another queue."""
        return _same_walk(self.base.attempts, self.other.attempts)


@dataclass(frozen=True, slots=True)
class FaultTotals:
    """What became of the faults of one pair of replications, and which of them the difference comes from.

    Args:
        n_matched: faults that both designs met.
        n_same_hour: those of them that struck at the very same hour.
        n_only_base, n_only_other: faults without a counterpart.
        n_alike: matched faults that were handled alike: the same rungs with the same outcomes.
        alike_gpu_h: lost GPU-hours, other - base, that are charged to those: what differs between designs is not what was
            done to the fault, but what it cost (when it struck, how much work it destroyed, what had to be waited for).
        unlike_gpu_h: likewise, to matched faults that were handled in another way.
        unmatched_gpu_h: likewise, to faults that one design only has met.
        unblamed_gpu_h: likewise, to no fault: checkpoints, the first start, planned stops. The four parts sum to the
            difference of all lost GPU-hours.
    """

    n_matched: int
    n_same_hour: int
    n_only_base: int
    n_only_other: int
    n_alike: int
    alike_gpu_h: float
    unlike_gpu_h: float
    unmatched_gpu_h: float
    unblamed_gpu_h: float


@dataclass(frozen=True, slots=True)
class Matching:
    """Faults of two designs in one replication."""

    pairs: list[tuple[Fault, Fault]]
    only_base: list[Fault]
    only_other: list[Fault]


_Key = tuple[str, str, int]


class Losses(NamedTuple):
    """What one replication lost, and the root causes that are charged with a part of it.

    Args:
        replication: the history.
        faults: every root cause in order of arrival; planned stops are none.
        lost_gpu_h: all GPU-hours of the job that were not productive.
    """

    replication: int
    faults: list[Fault]
    lost_gpu_h: float


def faults_of(ledger: Ledger) -> list[Fault]:
    """Every root cause of a replication, in order of arrival; planned stops are none."""
    return losses_of(ledger).faults


def losses_of(ledger: Ledger) -> Losses:
    """Charge what a replication lost to its root causes."""
    roots: dict[int, _Root] = {}
    of: dict[int, _Root] = {}  # by any incident of it
    for incident in ledger.incidents:  # in order of arrival: a return comes after its root
        if not is_planned(incident):
            root = roots.get(incident.root_id)
            if root is None:
                root = roots[incident.root_id] = ([], [], {})
            root[0].append(incident)
            of[incident.incident_id] = root
    for attempt in ledger.attempts:
        of[attempt.incident_id][1].append(attempt)
    n, all_hours = ledger.n_job_gpus, []
    for _, _, category, hours, incident_id in ledger.job:
        if category != "productive":
            all_hours.append(hours)
            root = of.get(incident_id)
            if root is not None:
                table = root[2]
                table[category] = table.get(category, 0.0) + hours
    faults = [
        new_row(Fault, (tuple(incidents), tuple(attempts), lost, math.fsum(lost.values()) * n))
        for incidents, attempts, lost in roots.values()
    ]
    return Losses(ledger.replication, faults, math.fsum(all_hours) * n)


_Root = tuple[list[IncidentRow], list[AttemptRow], dict[str, float]]
"""Incidents, attempts and lost hours of a root cause, while they are collected."""


def match(base: Iterable[Fault], other: Iterable[Fault], apart: Collection[str] = ()) -> Matching:
    """Pair the faults of two designs, each at most once.

    Faults of one part and mode that struck at the same hour are the same fault; the rest of them are paired in their
    order.

    Args:
        base, other: faults of each design in the same replication.
        apart: failure modes ("class.mode") whose parts are not the same in both designs: none of their faults is paired.
    """
    groups: dict[_Key, tuple[list[Fault], list[Fault]]] = defaultdict(lambda: ([], []))
    for side, faults in enumerate((base, other)):
        for fault in faults:
            row = fault.incidents[0]
            groups[row.component_class, row.mode, row.instance][side].append(fault)
    found = Matching([], [], [])
    for (cls, mode, _), (ours, theirs) in groups.items():
        if apart and f"{cls}.{mode}" in apart:
            found.only_base.extend(ours)
            found.only_other.extend(theirs)
        else:
            _match_group(ours, theirs, found)
    return found


def _match_group(ours: Sequence[Fault], theirs: Sequence[Fault], found: Matching) -> None:
    """Pair the faults of one part and mode."""
    if len(ours) == 1 == len(theirs):  # most often, and it is the same pair either way
        found.pairs.append((ours[0], theirs[0]))
        return
    if not ours or not theirs:
        found.only_base.extend(ours)
        found.only_other.extend(theirs)
        return
    by_hour = {fault.first.arrive_h: fault for fault in theirs}
    left, taken = [], set()
    for fault in ours:
        twin = by_hour.pop(fault.first.arrive_h, None)
        if twin is None:
            left.append(fault)
        else:
            found.pairs.append((fault, twin))
            taken.add(id(twin))
    rest = [fault for fault in theirs if id(fault) not in taken]
    n_pairs = min(len(left), len(rest))
    found.pairs.extend(zip(left[:n_pairs], rest[:n_pairs], strict=True))
    found.only_base.extend(left[n_pairs:])
    found.only_other.extend(rest[n_pairs:])


def partings(
    base: Losses, other: Losses, limit: int, apart: Collection[str] = ()
) -> tuple[FaultTotals, list[Parting]]:
    """Match the faults of one replication in two designs.

    Args:
        base, other: of the same seed and replication.
        limit: how many faults of each kind (see `worst`) to return at most.
        apart: see `match`.

    Returns:
        the totals, and the matched faults in which the designs parted most.
    """
    found = match(base.faults, other.faults, apart)
    unlike: list[_Extra] = []
    alike: list[_Extra] = []
    for a, b in found.pairs:
        (alike if _same_walk(a.attempts, b.attempts) else unlike).append((b.lost_gpu_h - a.lost_gpu_h, a, b))
    unlike_gpu_h, alike_gpu_h, matched_gpu_h = map(_sum, (unlike, alike, [*unlike, *alike]))
    unmatched = math.fsum(
        [*(b.lost_gpu_h for b in found.only_other), *(-a.lost_gpu_h for a in found.only_base)]
    )
    totals = FaultTotals(
        n_matched=len(found.pairs),
        n_same_hour=sum(a.incidents[0].arrive_h == b.incidents[0].arrive_h for a, b in found.pairs),
        n_only_base=len(found.only_base),
        n_only_other=len(found.only_other),
        n_alike=len(alike),
        alike_gpu_h=alike_gpu_h,
        unlike_gpu_h=unlike_gpu_h,
        unmatched_gpu_h=unmatched,
        unblamed_gpu_h=other.lost_gpu_h - base.lost_gpu_h - matched_gpu_h - unmatched,
    )
    largest = (one for kind in (unlike, alike) for one in nlargest(limit, filter(_extra, kind), key=_size))
    return totals, [Parting(base.replication, a, b) for _, a, b in largest]


_Extra = tuple[float, Fault, Fault]
"""Lost GPU-hours that a fault costs more in the other design; the fault in each."""


def _same_walk(ours: Sequence[AttemptRow], theirs: Sequence[AttemptRow]) -> bool:
    """True if two designs tried the same rungs with the same outcomes."""
    if len(ours) != len(theirs):
        return False
    for a, b in zip(ours, theirs, strict=True):  # noqa: SIM110 - half the price of all(...)
        if a.rung != b.rung or a.outcome != b.outcome:
            return False
    return True


def _sum(found: Iterable[_Extra]) -> float:
    return math.fsum(extra for extra, _, _ in found)


def _extra(one: _Extra) -> float:
    return one[0]


def _size(one: _Extra) -> float:
    return abs(one[0])


def worst(found: Iterable[Parting], limit: int) -> list[Parting]:
    """The partings that cost or save most, the largest first; equal ones in their order.

    Args:
        found: all of them.
        limit: how many to keep of those that were handled in another way, which come first, and how many of those that
            were handled alike.
    """
    kinds: tuple[list[Parting], list[Parting]] = ([], [])
    for one in found:
        kinds[one.is_alike].append(one)
    return [one for kind in kinds for one in _largest(kind, limit)]


def _largest(found: Iterable[Parting], limit: int) -> list[Parting]:
    """The largest differences, the largest first; those that are none left out."""
    return nlargest(limit, (one for one in found if one.extra_gpu_h), key=lambda one: abs(one.extra_gpu_h))
