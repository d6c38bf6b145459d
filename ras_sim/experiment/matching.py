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

from ras_sim.ledger import AttemptRow, IncidentRow, Ledger
from ras_sim.metrics.measures import is_planned


@dataclass(frozen=True, slots=True)
class Fault:
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

    @property
    def walk(self) -> tuple[tuple[str, str], ...]:
        """How it was handled: every try of a rung, (rung, outcome), in order."""
        return tuple((one.rung, one.outcome) for one in self.attempts)


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
        return self.base.walk == self.other.walk


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


def faults_of(ledger: Ledger) -> list[Fault]:
    """Every root cause of a replication, in order of arrival; planned stops are none."""
    families: dict[int, list[IncidentRow]] = {}
    roots: dict[int, int] = {}
    for incident in ledger.incidents:  # in order of arrival: a return comes after its root
        if not is_planned(incident):
            roots[incident.incident_id] = incident.root_id
            families.setdefault(incident.root_id, []).append(incident)
    attempts: dict[int, list[AttemptRow]] = {root: [] for root in families}
    for attempt in ledger.attempts:
        attempts[roots[attempt.incident_id]].append(attempt)
    lost: dict[int, dict[str, float]] = {root: {} for root in families}
    for _, _, category, hours, incident_id in ledger.job:
        if category != "productive" and incident_id in roots:
            table = lost[roots[incident_id]]
            table[category] = table.get(category, 0.0) + hours
    n = ledger.n_job_gpus
    return [
        Fault(tuple(rows), tuple(attempts[root]), lost[root], math.fsum(lost[root].values()) * n)
        for root, rows in families.items()
    ]


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
            groups[_key(fault.first)][side].append(fault)
    found = Matching([], [], [])
    for (cls, mode, _), (ours, theirs) in groups.items():
        if apart and f"{cls}.{mode}" in apart:
            found.only_base.extend(ours)
            found.only_other.extend(theirs)
        else:
            _match_group(ours, theirs, found)
    return found


def _key(row: IncidentRow) -> _Key:
    return row.component_class, row.mode, row.instance


def _match_group(ours: Sequence[Fault], theirs: Sequence[Fault], found: Matching) -> None:
    """Pair the faults of one part and mode."""
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
    base: Ledger, other: Ledger, limit: int, apart: Collection[str] = ()
) -> tuple[FaultTotals, list[Parting]]:
    """Match the faults of one replication in two designs.

    Args:
        base, other: ledgers of the same seed and replication.
        limit: how many faults of each kind (see `worst`) to return at most.
        apart: see `match`.

    Returns:
        the totals, and the matched faults in which the designs parted most.
    """
    found = match(faults_of(base), faults_of(other), apart)
    alike: list[tuple[Fault, Fault]] = []
    unlike: list[tuple[Fault, Fault]] = []
    for a, b in found.pairs:
        (alike if a.walk == b.walk else unlike).append((a, b))
    unmatched = math.fsum(
        [*(b.lost_gpu_h for b in found.only_other), *(-a.lost_gpu_h for a in found.only_base)]
    )
    totals = FaultTotals(
        n_matched=len(found.pairs),
        n_same_hour=sum(a.first.arrive_h == b.first.arrive_h for a, b in found.pairs),
        n_only_base=len(found.only_base),
        n_only_other=len(found.only_other),
        n_alike=len(alike),
        alike_gpu_h=_extra_gpu_h(alike),
        unlike_gpu_h=_extra_gpu_h(unlike),
        unmatched_gpu_h=unmatched,
        unblamed_gpu_h=_lost_gpu_h(other) - _lost_gpu_h(base) - _extra_gpu_h(found.pairs) - unmatched,
    )
    kinds = ([Parting(base.replication, a, b) for a, b in kind] for kind in (unlike, alike))
    return totals, [one for kind in kinds for one in _largest(kind, limit)]


def _extra_gpu_h(pairs: Iterable[tuple[Fault, Fault]]) -> float:
    """Lost GPU-hours that faults cost more in the other design."""
    return math.fsum(b.lost_gpu_h - a.lost_gpu_h for a, b in pairs)


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


def _lost_gpu_h(ledger: Ledger) -> float:
    """All GPU-hours of the job that were not productive."""
    return math.fsum(row.hours for row in ledger.job if row.category != "productive") * ledger.n_job_gpus
