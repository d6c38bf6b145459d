"""Index maps: which instances of one class stand before which instances of another.

A machine is regular, so most maps are arithmetic and hold a few integers however many parts they
join; only an irregular layout (`Explicit`) stores arrays. Every map answers the same questions:

* ``targets_of(i)`` / ``sources_of(t)``: the neighbours of one instance, ascending, without numpy;
* ``targets(ids)`` / ``sources(ids)``: the neighbours of many at once, int64, sorted, each once;
* ``n_sources(t)``: how many sources instance ``t`` has;
* ``fewest_sources``: the smallest number of sources that any target has which has one at all
  (0 when no target has any), so that a wish for more can be refused when the machine is built;
* ``period``: ``(a, b)`` when the map joins source block ``[a*j, a*j + a)`` with target block
  ``[b*j, b*j + b)`` and is the same for every whole block ``j``; ``None`` when it has no such period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


class IndexMap(Protocol):
    """What the walk needs of a map; see the module's docstring for each answer."""

    @property
    def n_source_ids(self) -> int: ...
    @property
    def n_target_ids(self) -> int: ...
    @property
    def fewest_sources(self) -> int: ...
    @property
    def period(self) -> tuple[int, int] | None: ...

    def targets_of(self, source_id: int) -> Sequence[int]: ...
    def sources_of(self, target_id: int) -> Sequence[int]: ...
    def n_sources(self, target_id: int) -> int: ...
    def targets(self, ids: Ids) -> Ids: ...
    def sources(self, ids: Ids) -> Ids: ...


def _spans(blocks: Ids, width: int, n_ids: int) -> Ids:
    """Every id of the given blocks of ``width`` ids, below ``n_ids``; sorted if the blocks are."""
    ids = (blocks[:, None] * width + np.arange(width, dtype=np.int64)).ravel()
    return ids[ids < n_ids]


def _ceil_div(value: int, by: int) -> int:
    return -(-value // by)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Every source of a block with every target of the block of the same number.

    ``targets_of(i) = [b*n_target_block, (b+1)*n_target_block)`` with ``b = i // n_source_block``.
    Blocks (1, k) are one-to-block, (k, 1) block-to-one, (1, 1) the identity. The last block may be
    partial on either side.

    Args:
        n_source_block: sources per block, >= 1.
        n_target_block: targets per block, >= 1.
        n_source_ids: instances of the source class, >= 1.
        n_target_ids: instances of the target class, >= 1.
    Raises:
        ValueError: a size below 1, or a different number of blocks on the two sides.
    """

    n_source_block: int
    n_target_block: int
    n_source_ids: int
    n_target_ids: int

    def __post_init__(self) -> None:
        if min(self.n_source_block, self.n_target_block, self.n_source_ids, self.n_target_ids) < 1:
            raise ValueError(f"block map: got {self}, want every size >= 1")
        n_left = _ceil_div(self.n_source_ids, self.n_source_block)
        n_right = _ceil_div(self.n_target_ids, self.n_target_block)
        if n_left != n_right:
            raise ValueError(f"block map: got {n_left} source and {n_right} target blocks, want as many")

    @property
    def fewest_sources(self) -> int:
        return min(self.n_sources(0), self.n_sources(self.n_target_ids - 1))

    @property
    def period(self) -> tuple[int, int] | None:
        return self.n_source_block, self.n_target_block

    def targets_of(self, source_id: int) -> range:
        start = source_id // self.n_source_block * self.n_target_block
        return range(start, min(start + self.n_target_block, self.n_target_ids))

    def sources_of(self, target_id: int) -> range:
        start = target_id // self.n_target_block * self.n_source_block
        return range(start, min(start + self.n_source_block, self.n_source_ids))

    def n_sources(self, target_id: int) -> int:
        start = target_id // self.n_target_block * self.n_source_block
        return min(self.n_source_block, self.n_source_ids - start)

    def targets(self, ids: Ids) -> Ids:
        return _spans(np.unique(ids // self.n_source_block), self.n_target_block, self.n_target_ids)

    def sources(self, ids: Ids) -> Ids:
        return _spans(np.unique(ids // self.n_target_block), self.n_source_block, self.n_source_ids)


def identity(n_ids: int) -> Blocks:
    """Source ``i`` with target ``i``; ``n_ids`` of each."""
    return Blocks(1, 1, n_ids, n_ids)


@dataclass(frozen=True, slots=True)
class Peers:
    """Every instance of a block with every *other* instance of it (both ends are one class).

    Args:
        n_block: instances per block, >= 1; the last block may be partial.
        n_ids: instances of the class, >= 1.
    Raises:
        ValueError: a size below 1.
    """

    n_block: int
    n_ids: int

    def __post_init__(self) -> None:
        if min(self.n_block, self.n_ids) < 1:
            raise ValueError(f"peer map: got {self}, want every size >= 1")

    @property
    def n_source_ids(self) -> int:
        return self.n_ids

    @property
    def n_target_ids(self) -> int:
        return self.n_ids

    @property
    def fewest_sources(self) -> int:
        sizes = {self.n_sources(0), self.n_sources(self.n_ids - 1)} - {0}
        return min(sizes, default=0)

    @property
    def period(self) -> tuple[int, int] | None:
        return self.n_block, self.n_block

    def targets_of(self, source_id: int) -> tuple[int, ...]:
        start = source_id // self.n_block * self.n_block
        stop = min(start + self.n_block, self.n_ids)
        return (*range(start, source_id), *range(source_id + 1, stop))

    def sources_of(self, target_id: int) -> tuple[int, ...]:
        return self.targets_of(target_id)

    def n_sources(self, target_id: int) -> int:
        start = target_id // self.n_block * self.n_block
        return min(self.n_block, self.n_ids - start) - 1

    def targets(self, ids: Ids) -> Ids:
        once = np.unique(ids)
        blocks, first, n_in_block = np.unique(once // self.n_block, return_index=True, return_counts=True)
        # An instance is reached by its peers alone: one that is the only id given of its block is not.
        alone = once[first[n_in_block == 1]]
        return np.setdiff1d(_spans(blocks, self.n_block, self.n_ids), alone, assume_unique=True)

    def sources(self, ids: Ids) -> Ids:
        return self.targets(ids)


@dataclass(frozen=True, slots=True)
class Rails:
    """One source to every ``n_rails``-th target of its block: the rails of a fat tree.

    With ``p, r = divmod(i, n_rails)``: ``targets_of(i) = {(p*n_deep + j)*n_rails + r : 0 <= j < n_deep}``.
    For leaf ``i`` of pod ``p`` and rail ``r`` these are the links on rail ``r`` of the pod's nodes.

    Args:
        n_rails: sources per block, >= 1.
        n_deep: targets per source, >= 1; fewer in a last block that is partial.
        n_source_ids: instances of the source class: ``n_rails`` times the number of blocks.
        n_target_ids: instances of the target class, >= 1.
    Raises:
        ValueError: a size below 1, or a count of sources that does not fit the targets.
    """

    n_rails: int
    n_deep: int
    n_source_ids: int
    n_target_ids: int

    def __post_init__(self) -> None:
        if min(self.n_rails, self.n_deep, self.n_target_ids) < 1:
            raise ValueError(f"rail map: got {self}, want every size >= 1")
        wanted = self.n_rails * _ceil_div(self.n_target_ids, self.n_rails * self.n_deep)
        if self.n_source_ids != wanted:
            raise ValueError(f"rail map: got {self.n_source_ids} sources, want {wanted}")

    @property
    def fewest_sources(self) -> int:
        return 1

    @property
    def period(self) -> tuple[int, int] | None:
        return self.n_rails, self.n_rails * self.n_deep

    def targets_of(self, source_id: int) -> range:
        pod, rail = divmod(source_id, self.n_rails)
        start = pod * self.n_deep * self.n_rails
        stop = min(start + self.n_deep * self.n_rails, self.n_target_ids)
        return range(start + rail, stop, self.n_rails)

    def sources_of(self, target_id: int) -> tuple[int, ...]:
        pod = target_id // (self.n_rails * self.n_deep)
        return (pod * self.n_rails + target_id % self.n_rails,)

    def n_sources(self, target_id: int) -> int:
        return 1

    def targets(self, ids: Ids) -> Ids:
        pods, rails = np.divmod(np.unique(ids), self.n_rails)
        steps = np.arange(self.n_deep, dtype=np.int64) * self.n_rails
        reached = ((pods * self.n_deep * self.n_rails + rails)[:, None] + steps).ravel()
        return np.sort(reached[reached < self.n_target_ids])

    def sources(self, ids: Ids) -> Ids:
        return np.unique(ids // (self.n_rails * self.n_deep) * self.n_rails + ids % self.n_rails)


@dataclass(frozen=True, slots=True)
class RailPeers:
    """Every target of a `Rails` source with the others of its group: ports that sit side by side in one switch.

    Target ``i`` is in block ``b``, row ``j`` and rail ``r``: ``i = (b*n_deep + j)*n_rails + r``. Its peers are the
    others of block ``b`` and rail ``r`` whose rows are in its group, rows ``g*n_group .. (g+1)*n_group - 1``.

    Args:
        n_rails: rails of a block, >= 1.
        n_deep: rows of a block, >= 1; fewer in a last block that is partial.
        n_group: rows of a group, >= 1; fewer in a last group that is partial. ``n_deep``: the whole switch.
        n_ids: instances of the class, >= 1.
    Raises:
        ValueError: a size below 1.
    """

    n_rails: int
    n_deep: int
    n_group: int
    n_ids: int

    def __post_init__(self) -> None:
        if min(self.n_rails, self.n_deep, self.n_group, self.n_ids) < 1:
            raise ValueError(f"rail peer map: got {self}, want every size >= 1")

    @property
    def n_source_ids(self) -> int:
        return self.n_ids

    @property
    def n_target_ids(self) -> int:
        return self.n_ids

    @property
    def fewest_sources(self) -> int:
        width = self.n_rails * self.n_deep
        seen = {*range(min(width, self.n_ids)), *range(max(0, self.n_ids - width), self.n_ids)}
        return min((n for i in seen if (n := self.n_sources(i)) > 0), default=0)

    @property
    def period(self) -> tuple[int, int] | None:
        return self.n_rails * self.n_deep, self.n_rails * self.n_deep

    def _group(self, part_id: int) -> range:
        """Ids of the group that a part is in, itself among them."""
        row, rail = divmod(part_id, self.n_rails)
        block, deep = divmod(row, self.n_deep)
        first = deep // self.n_group * self.n_group
        last = min(first + self.n_group, self.n_deep)
        start, stop = ((block * self.n_deep + one) * self.n_rails + rail for one in (first, last))
        return range(start, min(stop, self.n_ids), self.n_rails)

    def targets_of(self, source_id: int) -> tuple[int, ...]:
        return tuple(one for one in self._group(source_id) if one != source_id)

    def sources_of(self, target_id: int) -> tuple[int, ...]:
        return self.targets_of(target_id)

    def n_sources(self, target_id: int) -> int:
        return len(self._group(target_id)) - 1

    def targets(self, ids: Ids) -> Ids:
        reached = [self.targets_of(one) for one in np.unique(ids).tolist()]
        return np.unique(np.array([one for row in reached for one in row], np.int64))

    def sources(self, ids: Ids) -> Ids:
        return self.targets(ids)


@dataclass(frozen=True, slots=True, eq=False)
class Explicit:
    """Any map at all, as two compressed rows: 8 bytes per pair and way, and 8 per instance.

    Made by `from_pairs`. ``forward[forward_start[i]:forward_start[i+1]]`` are the targets of ``i``,
    ascending; ``backward`` likewise the sources of a target.
    """

    forward_start: Ids
    forward: Ids
    backward_start: Ids
    backward: Ids

    @classmethod
    def from_pairs(cls, sources: Ids, targets: Ids, n_source_ids: int, n_target_ids: int) -> Explicit:
        """The map that joins ``sources[j]`` with ``targets[j]``.

        Args:
            sources: instance ids, (n,), in [0, n_source_ids).
            targets: instance ids, (n,), in [0, n_target_ids).
            n_source_ids: instances of the source class.
            n_target_ids: instances of the target class.
        Raises:
            ValueError: arrays of different length, an id out of range, or a pair given twice.
        """
        sources, targets = np.asarray(sources, np.int64), np.asarray(targets, np.int64)
        if sources.shape != targets.shape or sources.ndim != 1:
            raise ValueError(f"pairs: got shapes {sources.shape} and {targets.shape}, want two equal rows")
        for name, ids, n_ids in (("source", sources, n_source_ids), ("target", targets, n_target_ids)):
            if ids.size and not (ids.min() >= 0 and ids.max() < n_ids):
                raise ValueError(f"pairs: got {name} ids {ids.min()}..{ids.max()}, want 0..{n_ids - 1}")
        if np.unique(sources * n_target_ids + targets).size != sources.size:
            raise ValueError("pairs: got a pair twice, want each once")
        return cls(*_compressed(sources, targets, n_source_ids), *_compressed(targets, sources, n_target_ids))

    @property
    def n_source_ids(self) -> int:
        return self.forward_start.size - 1

    @property
    def n_target_ids(self) -> int:
        return self.backward_start.size - 1

    @property
    def fewest_sources(self) -> int:
        degrees = np.diff(self.backward_start)
        return int(degrees[degrees > 0].min(initial=self.n_source_ids)) if degrees.any() else 0

    @property
    def period(self) -> tuple[int, int] | None:
        return None

    def targets_of(self, source_id: int) -> tuple[int, ...]:
        start, stop = self.forward_start[source_id], self.forward_start[source_id + 1]
        return tuple(self.forward[start:stop].tolist())

    def sources_of(self, target_id: int) -> tuple[int, ...]:
        start, stop = self.backward_start[target_id], self.backward_start[target_id + 1]
        return tuple(self.backward[start:stop].tolist())

    def n_sources(self, target_id: int) -> int:
        return int(self.backward_start[target_id + 1] - self.backward_start[target_id])

    def targets(self, ids: Ids) -> Ids:
        return _gathered(self.forward_start, self.forward, ids)

    def sources(self, ids: Ids) -> Ids:
        return _gathered(self.backward_start, self.backward, ids)


def _compressed(rows: Ids, values: Ids, n_rows: int) -> tuple[Ids, Ids]:
    """Row starts, (n_rows + 1,), and the values in row order, ascending within a row."""
    start = np.zeros(n_rows + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=n_rows), out=start[1:])
    return start, values[np.lexsort((values, rows))]


def _gathered(start: Ids, values: Ids, ids: Ids) -> Ids:
    """The values of the rows ``ids``, sorted, each once."""
    rows = [values[start[i] : start[i + 1]] for i in np.unique(ids).tolist()]
    return np.unique(np.concatenate(rows)) if rows else np.empty(0, np.int64)
