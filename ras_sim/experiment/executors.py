"""Who does the work: this process, or several of this machine. The results do not depend on it."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


_START_UP_S = 1.0
"""Wall time that starting processes costs, roughly (assumed; half a second was measured): work that several
processes would shorten by less stays in one. It decides about speed only."""


def spread(
    work: Callable[..., T], tasks: Sequence[tuple[Any, ...]], workers: int | None
) -> Generator[T, None, None]:
    """Results as they are finished: in order from one process, in any order from several.

    Closing the generator ends the processes.

    Args:
        work: called with the items of each task; picklable if workers > 1.
        tasks: arguments, one tuple for each call.
        workers: processes, >= 1; 1 runs no parallel code. None takes one per core that this process may use, if
            the first task shows that the rest is long enough.
    """
    if workers is None:
        return _as_it_pays(work, tasks)
    workers = min(workers, len(tasks))
    return (work(*task) for task in tasks) if workers <= 1 else _in_parallel(work, tasks, workers)


def _as_it_pays(work: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> Generator[T, None, None]:
    """The first task here; the others in several processes if that saves more than starting them costs."""
    rest, cores, each_s = tasks[1:], usable_cores(), 0.0
    for task in tasks[:1]:
        began_s = time.perf_counter()
        first = work(*task)
        each_s = time.perf_counter() - began_s
        yield first
    saved_s = each_s * len(rest) * (1.0 - 1.0 / cores)
    yield from spread(work, rest, cores if saved_s > _START_UP_S else 1)


def _in_parallel(
    work: Callable[..., T], tasks: Sequence[tuple[Any, ...]], workers: int
) -> Generator[T, None, None]:
    """Results from several processes; closing the generator ends those."""
    from joblib import Parallel, delayed

    # max_nbytes: no memory maps of scenario arrays, they would outlive an interrupted run.
    parallel = Parallel(n_jobs=workers, return_as="generator_unordered", max_nbytes=None)
    with _deaf_to_ctrl_c():
        outcomes = parallel(delayed(work)(*task) for task in tasks)
    try:
        for outcome in outcomes:  # noqa: UP028 (`yield from` would close `outcomes` before the block below)
            yield outcome
    finally:
        with warnings.catch_warnings():
            # That tasks were cancelled is what the user asked for.
            warnings.simplefilter("ignore", UserWarning)
            outcomes.close()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let the processes started in this block ignore Ctrl-C.

    A terminal sends it to them as well, and each would print a traceback. They inherit what is ignored here;
    this process ends them when it has heard of it itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may change what a signal does
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)


def usable_cores() -> int:
    """Cores that this process may use: a container is often given fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
