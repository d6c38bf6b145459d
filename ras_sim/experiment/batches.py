"""Short tasks are handed to a process several at once: a hand-over costs both sides a millisecond, whatever is in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from ras_sim.experiment.executors import unpacked_call

T = TypeVar("T")

BATCH_S = 0.1
"""How long a batch takes, about: its hand-over is then a hundredth of it, and nobody who looks on notices the wait."""

_SHARE = 2
"""A batch is at most this part of what is left for its process, or others would wait for the last one."""

_NO_TIME_S = 1e-6


class Done(NamedTuple, Generic[T]):
    """What became of a batch.

    Args:
        results: of its tasks, in their order.
        took_s: wall time of the work.
    """

    results: list[T]
    took_s: float


class Batches:
    """Tasks in batches, cut when they are asked for: by then it is known how long a task takes. The first go alone.

    Args:
        tasks: arguments, one tuple for each call.
        n_processes: that share them.
        aim_s: how long a batch is to take, 0 for one task in each.
    """

    def __init__(self, tasks: Sequence[tuple[Any, ...]], n_processes: int, aim_s: float) -> None:
        self._tasks, self._n_processes, self._aim_s = tasks, n_processes, aim_s
        self._each_s: float | None = None

    def __iter__(self) -> Iterator[Sequence[tuple[Any, ...]]]:
        begun = 0
        while begun < len(self._tasks):
            n = self._size(len(self._tasks) - begun)
            yield self._tasks[begun : begun + n]
            begun += n

    def _size(self, n_left: int) -> int:
        if self._each_s is None:
            return 1
        return max(1, min(int(self._aim_s / self._each_s), n_left // (_SHARE * self._n_processes)))

    def learn(self, done: Done[Any]) -> None:
        """How long a task takes. The latest batch tells: the first task of a process also loads the program."""
        self._each_s = max(done.took_s / len(done.results), _NO_TIME_S)


def do_batch(work: Callable[..., T], tasks: Sequence[Sequence[Any]]) -> Done[T]:
    """Do the tasks of a batch, as they were sent: what a process is asked to do."""
    began_s = time.perf_counter()
    results = [unpacked_call(work, *task) for task in tasks]
    return Done(results, time.perf_counter() - began_s)
