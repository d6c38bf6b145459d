"""Blocks in which Python seldom looks for garbage: within each other, after an error, and side by side in threads."""

from __future__ import annotations

import gc
import threading

import pytest

from ras_sim.engine import simulate
from ras_sim.garbage import rare_garbage_collection
from ras_sim.ledger import JobRow
from tests.small import mode, per_h, small


def test_it_is_as_before_behind_the_last_block() -> None:
    usual = gc.get_threshold()
    with rare_garbage_collection():
        within = gc.get_threshold()
        with pytest.raises(ZeroDivisionError):
            failing()
        assert gc.get_threshold() == within
    assert within[0] > usual[0]
    assert gc.get_threshold() == usual


def failing() -> None:
    with rare_garbage_collection():
        raise ZeroDivisionError


def test_threads_that_overlap_leave_it_as_it_was() -> None:
    """The one that begins first ends first: what the second found is not what was there."""
    usual = gc.get_threshold()
    first, second = threading.Event(), threading.Event()

    def other() -> None:
        first.wait()
        with rare_garbage_collection():
            second.set()
            ended.wait()

    ended = threading.Event()
    thread = threading.Thread(target=other)
    thread.start()
    with rare_garbage_collection():
        first.set()
        second.wait()
    assert gc.get_threshold() != usual, "the other thread is still at work"
    ended.set()
    thread.join()
    assert gc.get_threshold() == usual


def test_the_rows_go_with_their_ledger() -> None:
    """They are in no circle with the engine that wrote them: no search for garbage is needed."""
    scenario = small(failures={"node": {"crash": mode(rate=per_h(0.02))}})
    gc.collect()
    gc.disable()
    try:
        n_before = n_rows()
        ledger = simulate(scenario, seed=1, replication=0)
        assert n_rows() == n_before + len(ledger.job) > n_before
        del ledger
        assert n_rows() == n_before
    finally:
        gc.enable()


def n_rows() -> int:
    """Rows of job tables that there are."""
    return sum(isinstance(one, JobRow) for one in gc.get_objects())
