"""How trouble spreads from part to part: one walk over a blueprint, and what it finds.

The rule, for every edge ``e`` and target ``t`` with ``n`` sources over it: ``lost`` is the number of these
sources that are down and whose trouble crosses. If ``n - lost < needs`` (None: n), ``t`` is down too and
the walk goes on from it. Otherwise, over a ``connects`` edge, ``t`` runs on with ``(n - lost)/n`` of its
bandwidth. Whether trouble crosses ``e`` to ``t`` is drawn once per fault, from a uniform that belongs to the
pair: a higher probability therefore takes down a superset.

What is down is the smallest set that obeys the rule: the order of the walk does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from ras_sim.topology.blueprint import ID_BITS, Edge

Draw = Callable[[int], float]
Cause = tuple[str, int, str, str, int]

_WIDE = 64  # ids from which numpy sets up faster than python walks


@dataclass(frozen=True, slots=True)
class Blast:
    """What one fault takes down and what it only narrows.

    Args:
        down: class -> ids that are down, ascending, the origin among them.
        capacity: class -> id -> bandwidth that is left, in (0, 1); the narrowest edge counts. Only
            targets of ``connects`` edges that lost some sources and are up.
        why: for each id that is down, in the order found, except the origin: (source class, source id,
            edge name, class, id). Empty unless asked for.
    """

    down: dict[str, tuple[int, ...]]
    capacity: dict[str, dict[int, float]]
    why: tuple[Cause, ...] = ()


class Trouble:
    """One walk in progress.

    Args:
        out: class -> its edges, with their numbers.
        spreads, draw, already, explain: as for `BlastWalk.walk`.
    """

    __slots__ = ("_already", "_crossed", "_down", "_draw", "_explain", "_lost", "_out", "_spreads", "_why")

    def __init__(
        self,
        out: Mapping[str, list[tuple[int, Edge]]],
        spreads: Mapping[str, float],
        draw: Draw | None,
        already: Mapping[str, AbstractSet[int]],
        explain: bool,
    ) -> None:
        self._out, self._spreads, self._draw, self._already = out, spreads, draw, already
        self._explain = explain
        self._down: dict[str, set[int]] = {}
        self._lost: dict[str, tuple[Edge, dict[int, int]]] = {}
        self._crossed: dict[int, bool] = {}
        self._why: list[Cause] = []

    def run(self, cls: str, instance: int) -> None:
        """Carry the trouble on, class by class, until nothing new goes down."""
        self._down[cls] = {instance}
        frontier: dict[str, list[int]] = {cls: [instance]}
        while frontier:
            source = next(iter(frontier))
            ids = frontier.pop(source)
            for number, edge in self._out[source]:
                p_cross = self._p_cross(edge)
                if p_cross <= 0.0:
                    continue
                hit = self._hit(number, edge, p_cross, ids)
                if hit:
                    frontier.setdefault(edge.target, []).extend(hit)

    def blast(self) -> Blast:
        """What was found."""
        down = {cls: tuple(sorted(ids)) for cls, ids in self._down.items() if ids}
        capacity: dict[str, dict[int, float]] = {}
        for edge, lost in self._lost.values():
            gone = self._down[edge.target]
            for target, n_lost in sorted(lost.items()):
                if edge.relation == "connects" and target not in gone:
                    n_sources = edge.index.n_sources(target)
                    left = capacity.setdefault(edge.target, {})
                    left[target] = min(left.get(target, 1.0), (n_sources - n_lost) / n_sources)
        return Blast(down, capacity, tuple(self._why))

    def _p_cross(self, edge: Edge) -> float:
        if not self._spreads:
            return edge.p_cross
        return self._spreads.get(edge.name, self._spreads.get(edge.relation, edge.p_cross))

    def _hit(self, number: int, edge: Edge, p_cross: float, ids: list[int]) -> Iterable[int]:
        """The targets that the newly lost sources ``ids`` take down; they are marked down."""
        down = self._down.setdefault(edge.target, set())
        if p_cross >= 1.0 and edge.needs is None and not self._explain:
            new = _all_targets(edge, ids) - down
            down |= new
            return new
        hit = []
        for source in ids:
            for target in edge.index.targets_of(source):
                if target in down or not self._crosses(number, target, p_cross):
                    continue
                if edge.needs is None or self._too_few(edge, edge.needs, source, target):
                    down.add(target)
                    hit.append(target)
                    if self._explain:
                        self._why.append((edge.source, source, edge.name, edge.target, target))
        return hit

    def _crosses(self, number: int, target: int, p_cross: float) -> bool:
        if p_cross >= 1.0:
            return True
        ordinal = number << ID_BITS | target
        crossed = self._crossed.get(ordinal)
        if crossed is None:
            if self._draw is None:
                raise ValueError(f"draw: got None, want a function: an edge crosses with p = {p_cross}")
            crossed = self._crossed[ordinal] = self._draw(ordinal) < p_cross
        return crossed

    def _too_few(self, edge: Edge, needs: int, source: int, target: int) -> bool:
        """Count one more lost source of the target; whether those left are too few."""
        lost = self._lost.setdefault(edge.name, (edge, {}))[1]
        already = self._already.get(edge.source, ())
        n_lost = lost.get(target)
        if n_lost is None:
            n_lost = sum(other in already for other in edge.index.sources_of(target)) if already else 0
        # Each source comes here once per target; one that was down before is counted above.
        if source not in already:
            n_lost += 1
        lost[target] = n_lost
        return edge.index.n_sources(target) - n_lost < needs


def _all_targets(edge: Edge, ids: list[int]) -> set[int]:
    if len(ids) >= _WIDE:
        return set(edge.index.targets(np.array(ids, np.int64)).tolist())
    return set().union(*[edge.index.targets_of(source) for source in ids])
