"""Several processes of this machine, by the pool that joblib is made of (loky)."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from multiprocessing import resource_tracker
from queue import Empty
from typing import Any, TypeVar

from ras_sim.errors import LostWorkersError
from ras_sim.experiment.batches import BATCH_S, Batches, Done, do_batch
from ras_sim.experiment.executors import FutureOf, Packing, as_finished, failed

T = TypeVar("T")

_IDLE_S = 300.0
"""Processes without work stay this long: a comparison or a check comes back for more."""

_WATCH_S = 1.0
"""How often a process looks whether the one that started it is still there."""

_ONE_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
}
"""A process uses one core: libraries that start a thread per core would get in the way of the others."""


_EXIT_CODES = re.compile(r"exit codes of the workers are \{(.*?)\}")


def in_processes(
    n: int, work: Callable[..., T], tasks: Sequence[tuple[Any, ...]], *, at_once: bool
) -> Generator[T, None, None]:
    """Results as they are finished, from n processes; closing the generator early ends those.

    Args:
        at_once: see `ras_sim.experiment.executors.spread`.

    Raises: LostWorkersError if a process died, after the results of what was finished.
    """
    from joblib.externals.loky import BrokenProcessPool

    pool = _pool(n)
    packing, n_left = Packing(), len(tasks)
    batches = Batches(tasks, n, 0.0 if at_once else BATCH_S)

    def submit(*batch: tuple[Any, ...]) -> FutureOf:
        try:
            with _ctrl_c_held_back():
                return pool.submit(do_batch, work, [packing(task) for task in batch])  # type: ignore[no-any-return]
        except BrokenProcessPool as error:
            return failed(error)  # behind the results that are still to be taken

    try:
        # Two for each process: one at work, one at hand.
        with closing(as_finished(submit, batches, lambda: 2 * n)) as futures:
            for future in futures:
                done: Done[T] = future.result()
                batches.learn(done)
                for found in done.results:
                    n_left -= 1
                    yield found
    except BrokenProcessPool as error:
        raise LostWorkersError(_reason(error), n_left) from error
    finally:
        if n_left:
            _end(pool)


@contextmanager
def started(n: int) -> Iterator[None]:
    """The n processes of `in_processes` start now, while the block still loads what it needs, and end with it."""
    pool = _pool(n)
    with _ctrl_c_held_back():
        pool.submit(int)  # they start with the first task
    try:
        yield
    finally:
        _end(pool)


def _pool(n: int) -> Any:
    """The pool of n processes, the one that there is if it is as large."""
    from joblib.externals.loky import get_reusable_executor

    # It comes with the first process, and its start lets Ctrl-C through that is held back for the others: so before them.
    if sys.platform != "win32":
        resource_tracker.ensure_running()
    return get_reusable_executor(
        max_workers=n, timeout=_IDLE_S, env=_limits(), initializer=_begin, initargs=(os.getpid(),)
    )


def _end(pool: Any) -> None:
    """End the processes of a pool, whatever they are doing."""
    # loky throws away the tasks, and its thread then stumbles over the numbers of those that it has not handed out yet.
    with suppress(Empty):
        while True:
            pool._work_ids.get_nowait()
    pool.shutdown(wait=True, kill_workers=True)


def _limits() -> dict[str, str]:
    """The environment of a process: what the user has set stays."""
    return {name: os.environ.get(name, value) for name, value in _ONE_THREAD.items()}


def _reason(error: Exception) -> str:
    found = _EXIT_CODES.search(str(error))
    codes = f" ({found[1]})" if found else ""
    return f"a worker process died{codes}: killed, or out of memory, where fewer --workers need less"


def _begin(parent: int) -> None:
    """In a new process, before it works: a terminal sends Ctrl-C to every process, this one is ended by the one that started
    it, or ends when that one is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    import ras_sim.engine  # noqa: F401 - before there is work, if it starts early


def _end_with(parent: int) -> None:
    """End this process once its parent is gone, whatever it is doing: one that was killed ends nobody.

    An orphan gets another parent, also one whose parent died before this began; Windows does not tell. Linux could send a
    signal instead (PR_SET_PDEATHSIG), but when the thread that started this process ends, not the process.
    """
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(1)


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Let Ctrl-C wait until the block is done, and be kept from the processes that are started in it.

    A process that is on its way when a KeyboardInterrupt breaks its start is known to nobody and never ended. And one that
    has not come to ignore Ctrl-C yet would print a traceback: it inherits that the signal is blocked.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may change what a signal does, and only it is interrupted
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    mask = _block_ctrl_c()
    try:
        yield
    finally:
        _set_mask(mask)
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


if sys.platform == "win32":

    def _block_ctrl_c() -> set[int]:
        return set()

    def _set_mask(mask: set[int]) -> None:
        pass

else:

    def _block_ctrl_c() -> set[int]:
        """Block the signal in this thread; returns what was blocked before."""
        return set(signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}))

    def _set_mask(mask: set[int]) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
