"""Copies of a checkpoint in the memory of other nodes: where they are, and whether the loss of some nodes leaves all of it.

Each node of the job holds its own part of a checkpoint and a copy of the parts of some others. A checkpoint is whole as
long as no part has lost all of its holders (docs/model.md, "Copies in the memory of other nodes"). Nodes are numbered
by their places in the job, 0 .. n - 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

_ROUNDING = 1e-12  # relative: the position of one checkpoint is a sum of floats, in one order or another

Arrangement: TypeAlias = Callable[[int, int, int, int], tuple[int, ...]]
"""(node, number of nodes, holders of each part, step) -> the holders of its part; with -step, those whose parts it holds."""


def ring(node: int, n_nodes: int, n_holders: int, step: int) -> tuple[int, ...]:
    """The node itself, the one `step` further on, and so on around the job.

    >>> ring(6, 8, 3, 2)
    (6, 0, 2)
    """
    return tuple((node + k * step) % n_nodes for k in range(n_holders))


def group(node: int, n_nodes: int, n_holders: int, step: int) -> tuple[int, ...]:
    """Groups of nodes that hold the parts of one another, `step` apart; what fills no groups is a ring.

    Source: GEMINI (SOSP 2023), algorithm 1: groups where they divide the nodes, else the last nodes form a ring.

    >>> group(3, 8, 2, 1), group(3, 8, 2, 2), group(6, 7, 2, 1)
    ((2, 3), (1, 3), (6, 4))
    """
    stride = abs(step)
    size = n_holders * stride
    n_grouped = n_nodes if n_nodes % size == 0 else (n_nodes // size - 1) * size
    if node >= n_grouped:
        return tuple(n_grouped + one for one in ring(node - n_grouped, n_nodes - n_grouped, n_holders, step))
    first = node - node % size + node % stride
    return tuple(range(first, first + size, stride))


PLACEMENTS: Mapping[str, Arrangement] = {"ring": ring, "group": group}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the copies of a tier are.

    Args:
        arrange: one of `PLACEMENTS`.
        copies: of each part, beside the one in its own node, >= 1.
        offset: places between two holders of one part, >= 1; (copies + 1) x offset <= nodes of the job.
    """

    arrange: Arrangement
    copies: int
    offset: int

    def holders(self, node: int, n_nodes: int) -> tuple[int, ...]:
        """The nodes that hold the part of a node, itself among them."""
        return self.arrange(node, n_nodes, self.copies + 1, self.offset)

    def parts_in(self, node: int, n_nodes: int) -> tuple[int, ...]:
        """The nodes whose parts a node holds, itself among them."""
        return self.arrange(node, n_nodes, self.copies + 1, -self.offset)

    def breaks(self, node: int, lost: set[int], n_nodes: int) -> bool:
        """Whether a part has lost all of its holders, now that this node is the last one that was added to `lost`."""
        return any(lost.issuperset(self.holders(part, n_nodes)) for part in self.parts_in(node, n_nodes))

    def survives(self, lost: Iterable[int], n_nodes: int) -> bool:
        """Whether every part has a holder that is not among the lost nodes.

        >>> Placement(ring, copies=1, offset=1).survives([2, 4, 6], 8), Placement(ring, 1, 1).survives([7, 0], 8)
        (True, False)
        """
        gone: set[int] = set()
        for node in lost:
            gone.add(node)
            if self.breaks(node, gone, n_nodes):
                return False
        return True


class Losses:
    """What nodes have lost of the checkpoints of one tier since those were made.

    A checkpoint that is made later is whole again; nothing is copied anew of one that exists.

    Args:
        placement: of the tier.
    """

    __slots__ = ("_lost", "_n_nodes", "_placement")

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self._n_nodes = 0
        self._lost: list[
            tuple[float, frozenset[int]]
        ] = []  # (of checkpoints up to this work, in these nodes), ascending

    def lose(self, nodes: Iterable[int], n_nodes: int, position_h: float) -> None:
        """These of the job's nodes lose what they hold of all checkpoints of work up to here."""
        self._n_nodes = n_nodes
        self._lost.append((position_h, frozenset(nodes)))

    def broken_to_h(self, from_h: float) -> float:
        """Checkpoints of work up to here are not whole any more; -inf if those of `from_h` and more are.

        What only older ones have lost is not looked at: after many stops that is much, and seldom asked for.
        """
        lost: set[int] = set()
        for place in range(len(self._lost) - 1, -1, -1):
            position_h, nodes = self._lost[place]
            if position_h < from_h * (1.0 - _ROUNDING):
                break
            for node in nodes - lost:
                lost.add(node)
                if self._placement.breaks(node, lost, self._n_nodes):
                    del self._lost[: place + 1]  # what they were lost of is gone
                    return position_h
        return -math.inf

    def went_back(self, position_h: float) -> None:
        """Work after this is thrown away, and will be saved anew."""
        for place in range(len(self._lost) - 1, -1, -1):
            upto_h, nodes = self._lost[place]
            if upto_h <= position_h:
                break
            self._lost[place] = position_h, nodes

    def clear(self) -> None:
        """There is no checkpoint left of which anything could be lost."""
        self._lost.clear()
