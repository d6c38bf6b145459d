"""Who does the work: this process, several of this machine, or a Dask cluster. The results do not depend on it."""

from __future__ import annotations

import os
import pickle
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from ras_sim.garbage import rare_garbage_collection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Dask cluster that does the work.

    Args:
        address: of its scheduler, e.g. tcp://scheduler:8786.
        tls: folder with ca.pem, cert.pem, key.pem; None takes what Dask's own configuration says.
    """

    address: str
    tls: Path | None = None


Workers = int | Cluster | None
"""Who does the work: so many processes, >= 1 (1 runs no parallel code), a cluster, or None for one process per core that
this process may use, if the first task shows that the rest is long enough."""

_START_UP_S = 1.0
"""Wall time that starting processes costs, roughly (assumed; half a second was measured): work that several
processes would shorten by less stays in one. It decides about speed only."""


def spread(
    work: Callable[..., T], tasks: Sequence[tuple[Any, ...]], workers: Workers, *, at_once: bool = True
) -> Generator[T, None, None]:
    """Results as they are finished: in order from one process, in any order from several.

    Closing the generator ends the processes, and on a cluster the tasks.

    Args:
        work: called with the items of each task; picklable unless workers is 1.
        tasks: arguments, one tuple for each call.
        workers: who does it.
        at_once: each result is wanted as soon as there is one, to be kept; else processes of this machine hand over
            several short ones together.

    Raises:
        InputError: the cluster cannot be used.
        LostWorkersError: a process of this machine died, or the cluster is gone.
    """
    if workers is None:
        return _as_it_pays(work, tasks, at_once)
    if isinstance(workers, Cluster):
        from ras_sim.experiment.cluster import on_cluster

        return on_cluster(workers, work, tasks)
    workers = min(workers, len(tasks))
    if workers <= 1:
        return (done(work, *task) for task in tasks)
    from ras_sim.experiment.processes import in_processes

    return in_processes(workers, work, tasks, at_once=at_once)


def _as_it_pays(
    work: Callable[..., T], tasks: Sequence[tuple[Any, ...]], at_once: bool
) -> Generator[T, None, None]:
    """The first task here; the others in several processes if that saves more than starting them costs."""
    rest, cores, each_s = tasks[1:], usable_cores(), 0.0
    for task in tasks[:1]:
        began_s = time.perf_counter()
        first = done(work, *task)
        each_s = time.perf_counter() - began_s
        yield first
    saved_s = each_s * len(rest) * (1.0 - 1.0 / cores)
    yield from spread(work, rest, cores if saved_s > _START_UP_S else 1, at_once=at_once)


def usable_cores() -> int:
    """Cores that this process may use: a container is often given fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class FutureOf(Protocol):
    """What both kinds of pool return for a task that was handed to them."""

    def add_done_callback(self, fn: Callable[[Any], object], /) -> object:
        """Call fn with this future when the task is finished, has failed or was cancelled."""

    def result(self) -> Any:
        """What the task returned; raises what it raised."""


def as_finished(
    submit: Callable[..., FutureOf], tasks: Iterable[Sequence[Any]], window: Callable[[], int]
) -> Generator[FutureOf, None, None]:
    """The futures of tasks as they are finished; each is let go of before the next is waited for.

    Args:
        submit: hands the items of a task to a pool.
        tasks: asked for one by one, when there is room.
        window: tasks that may be in the hands of the pool at once, >= 1; asked before each refill.
    """
    waiting, finished, n_open = iter(tasks), SimpleQueue[FutureOf](), 0
    while True:
        for task in islice(waiting, max(0, window() - n_open)):
            submit(*task).add_done_callback(finished.put)
            n_open += 1
        if n_open == 0:
            return
        yield finished.get()
        n_open -= 1


def failed(error: BaseException) -> FutureOf:
    """The future of a task that no pool would take."""
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


class Packing:
    """Arguments that many tasks have in common are pickled once, not once for each task.

    Args:
        send: makes of the pickled bytes what a task carries in place of the argument; None lets it carry the bytes.
    """

    _PLAIN = (int, float, str, bytes, bool, type(None), frozenset)
    _N_KEPT = 64

    def __init__(self, send: Callable[[bytes], Any] | None = None) -> None:
        self._send = send or Packed
        self._sent: OrderedDict[int, tuple[object, Any]] = OrderedDict()

    def __call__(self, task: Sequence[Any]) -> list[Any]:
        """The items of a task as they are sent."""
        return [item if isinstance(item, self._PLAIN) or callable(item) else self._of(item) for item in task]

    def _of(self, item: object) -> Any:
        # The item is kept beside what was sent of it, or another one could come to have its id.
        if id(item) not in self._sent:
            data = _pickled(item)
            self._sent[id(item)] = item, item if data is None else self._send(data)
            if len(self._sent) > self._N_KEPT:
                self._sent.popitem(last=False)
        self._sent.move_to_end(id(item))
        return self._sent[id(item)][1]


def _pickled(item: object) -> bytes | None:
    """The item as bytes; None if only cloudpickle, which the pools use, can do it (a class of a notebook)."""
    try:
        return pickle.dumps(item, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Packed:
    """A pickled argument on its way to a worker."""

    data: bytes

    def unpacked(self) -> Any:
        """The argument, the same object in all tasks of this process that follow each other."""
        if self.data not in _UNPACKED:
            while len(_UNPACKED) >= Packing._N_KEPT:
                _UNPACKED.pop(next(iter(_UNPACKED)))
            _UNPACKED[self.data] = pickle.loads(self.data)
        return _UNPACKED[self.data]


_UNPACKED: dict[bytes, Any] = {}


def done(work: Callable[..., T], *items: Any) -> T:
    """Do a task."""
    with rare_garbage_collection():
        return work(*items)


def unpacked_call(work: Callable[..., T], *items: Any) -> T:
    """Do a task as it was sent: what a worker is asked to do."""
    return done(work, *(item.unpacked() if isinstance(item, Packed) else item for item in items))
