"""Countdowns against a plain twin that looks at all of them at each change: loads, windows, stops, calls that change it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from ras_sim.engine.countdown import Countdown, Countdowns
from ras_sim.engine.environment import Environment
from ras_sim.faults.corruption import Window

HORIZON_H = 200.0
LOADS = (0.5, 0.8, 1.0)
Told = list[tuple[float, int]]


@dataclass
class Plan:
    """One countdown of a program: what it is, and what it does when it is over."""

    after_h: float
    window: Window | None
    from_load: float
    does: str
    other: int


def program(seed: int) -> tuple[list[Plan], list[tuple[float, str, float]]]:
    """Countdowns, and what happens to the job from outside: (hour, what, load)."""
    rng = np.random.default_rng(seed)
    plans = [
        Plan(
            after_h=float(rng.exponential(25.0)),
            window=None if rng.random() < 0.6 else Window(24.0, float(rng.uniform(4.0, 20.0)), float(rng.uniform(0.0, 4.0))),
            from_load=float(rng.choice([0.0, 0.0, 0.7, 0.9])),
            does=str(rng.choice(["nothing", "again", "cancel", "stop", "blink"])),
            other=int(rng.integers(8)),
        )
        for _ in range(8)
    ]
    acts = [
        (float(rng.uniform(0.0, HORIZON_H)), str(rng.choice(["run", "stop", "load"])), float(rng.choice(LOADS)))
        for _ in range(60)
    ]
    return plans, sorted([(0.1, "run", 1.0), *acts])


class Job:
    """The job of a program on the engine's countdowns."""

    def __init__(self, plans: list[Plan]) -> None:
        self.env, self.told, self.runs = Environment(), Told(), False
        self.countdowns = Countdowns(self.env)
        self.waiting: dict[int, Countdown] = {}
        for number in range(len(plans)):
            self.begin(plans, number)

    def begin(self, plans: list[Plan], number: int) -> None:
        one = plans[number]
        over: Callable[[], None] = lambda: self.over(plans, number)  # noqa: E731
        self.waiting[number] = self.countdowns.begin(one.after_h, over, one.window, one.from_load)

    def over(self, plans: list[Plan], number: int) -> None:
        self.told.append((self.env.now, number))
        one = plans[number]
        if one.does == "again":
            self.begin(plans, number)
        elif one.does == "cancel":
            self.countdowns.cancel(self.waiting[one.other])
        elif one.does in ("stop", "blink"):
            self.act("stop", 0.0)
            if one.does == "blink":
                self.act("run", 0.0)

    def act(self, what: str, load: float) -> None:
        if what == "load":
            self.countdowns.change_load(load)
        elif (what == "run") != self.runs:
            self.runs = what == "run"
            (self.countdowns.job_runs if self.runs else self.countdowns.job_stops)()


def engine(seed: int) -> Told:
    plans, acts = program(seed)
    job = Job(plans)
    for hour, what, load in acts:
        job.env.timeout(hour).callbacks.append(lambda _, what=what, load=load: job.act(what, load))
    job.env.run(until=HORIZON_H)
    return job.told


def twin(seed: int) -> Told:
    """Step from change to change; each step takes what passed, within its window, off all that count."""
    plans, acts = program(seed)
    left = {number: one.after_h for number, one in enumerate(plans)}
    now_h, runs, load, told = 0.0, False, 1.0, Told()

    def counts(number: int) -> bool:
        return runs and load >= plans[number].from_load

    def due_h(number: int) -> float:
        window = plans[number].window
        if not counts(number):
            return math.inf
        return now_h + left[number] if window is None else max(now_h, window.reached_h(now_h, left[number]))

    def pass_to(hour: float) -> None:
        nonlocal now_h
        for number, left_h in left.items():
            window = plans[number].window
            if counts(number):
                passed_h = hour - now_h if window is None else window.open_h(hour) - window.open_h(now_h)
                left[number] = max(0.0, left_h - passed_h)
        now_h = hour

    for hour, what, new_load in [*acts, (HORIZON_H, "end", 0.0)]:
        while left and min(map(due_h, left)) < hour:
            number = min(left, key=due_h)
            pass_to(due_h(number))
            del left[number]
            told.append((now_h, number))
            one = plans[number]
            if one.does == "again":
                left[number] = one.after_h
            elif one.does == "cancel":
                left.pop(one.other, None)
            elif one.does == "stop":
                runs = False
        pass_to(hour)
        if what == "load":
            load = new_load
        else:
            runs = what == "run"
    return told


@pytest.mark.parametrize("seed", range(60))
def test_all_are_over_when_the_twin_says(seed: int) -> None:
    ours, theirs = engine(seed), twin(seed)
    assert [number for _, number in ours] == [number for _, number in theirs]
    assert [hour for hour, _ in ours] == pytest.approx([hour for hour, _ in theirs], abs=1e-9)


def test_the_programs_do_everything() -> None:
    done = {program(seed)[0][number].does for seed in range(60) for _, number in engine(seed)}
    assert done == {"nothing", "again", "cancel", "stop", "blink"}


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_of_two_that_are_over_at_once_the_first_may_cancel_the_second(is_cancelled: bool) -> None:
    env, told = Environment(), Told()
    countdowns = Countdowns(env)

    def first() -> None:
        told.append((env.now, 1))
        if is_cancelled:
            countdowns.cancel(second)

    countdowns.begin(3.0, first)
    second = countdowns.begin(3.0, lambda: told.append((env.now, 2)))
    countdowns.job_runs()
    env.run(until=10.0)
    assert told == ([(3.0, 1)] if is_cancelled else [(3.0, 1), (3.0, 2)])
