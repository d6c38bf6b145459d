"""Batches of short tasks: none lost, none too long, and no difference to what comes of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ras_sim.experiment.batches import BATCH_S, Batches, Done, do_batch
from ras_sim.experiment.executors import Packed, spread


def cut(n_tasks: int, n_processes: int, aim_s: float, each_s: Callable[[int], float]) -> list[list[int]]:
    """Batches of tasks that take so long each, when every batch is learnt from before the next is cut."""
    batches, found = Batches([(k,) for k in range(n_tasks)], n_processes, aim_s), []
    for batch in batches:
        numbers = [k for (k,) in batch]
        found.append(numbers)
        batches.learn(Done(numbers, sum(map(each_s, numbers))))
    return found


@pytest.mark.parametrize("each_s", [0.0, 0.001, 0.007, 0.03, 3.0])
@pytest.mark.parametrize("n_tasks", [0, 1, 2, 3, 17, 400])
@pytest.mark.parametrize("n_processes", [2, 7])
def test_every_task_is_in_one_batch_and_no_batch_is_long(n_tasks: int, n_processes: int, each_s: float) -> None:
    found = cut(n_tasks, n_processes, BATCH_S, lambda _: each_s)
    assert [k for batch in found for k in batch] == list(range(n_tasks))
    assert all(len(batch) == 1 or len(batch) * each_s <= BATCH_S for batch in found)
    assert all(len(batch) <= max(1, (n_tasks - batch[0]) / (2 * n_processes)) for batch in found), "others wait for it"


def test_tasks_that_take_a_hundredth_of_a_batch_make_up_whole_batches() -> None:
    sizes = [len(batch) for batch in cut(1000, 2, BATCH_S, lambda _: BATCH_S / 100.5)]
    assert sizes[:6] == [1, 100, 100, 100, 100, 100]
    assert sizes[-3:] == [1, 1, 1]


def test_the_first_task_that_loads_the_program_says_nothing_of_the_next() -> None:
    sizes = [len(batch) for batch in cut(1000, 2, BATCH_S, lambda k: 0.4 if k < 2 else BATCH_S / 10.5)]
    assert sizes[:4] == [1, 1, 1, 10]


def test_one_task_in_each_where_results_are_wanted_at_once() -> None:
    assert cut(9, 2, 0.0, lambda _: 0.0) == [[k] for k in range(9)]


def test_a_batch_is_done_in_order_and_timed() -> None:
    done = do_batch(pow, [[2, 3], [3, 2], [Packed(b"I7\n."), 1]])
    assert done.results == [8, 9, 7]
    assert 0.0 < do_batch(time.sleep, [[0.01]] * 3).took_s - 0.03 < 5.0


@pytest.mark.parametrize("at_once", [True, False])
def test_processes_give_the_same_results_one_by_one_and_in_batches(at_once: bool) -> None:
    tasks = [(k, 2) for k in range(300)]
    assert sorted(spread(pow, tasks, 2, at_once=at_once)) == [k**2 for k in range(300)]


def broken_at(k: int, broken: int) -> int:
    if k == broken:
        raise ValueError(f"task {k}")
    return k


def test_what_a_task_of_a_batch_raises_comes_out_and_ends_the_work() -> None:
    seen: list[int] = []
    with pytest.raises(ValueError, match="task 150"):
        seen.extend(spread(broken_at, [(k, 150) for k in range(300)], 2, at_once=False))
    assert sorted(spread(broken_at, [(k, -1) for k in range(20)], 2, at_once=False)) == list(range(20)), "with new processes"
