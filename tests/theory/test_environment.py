"""Our environment against SimPy's own: random programs have the same history on both."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import simpy

from ras_sim.engine.environment import Environment

Told = list[tuple[float, str]]


def history(env: simpy.Environment, seed: int) -> Told:
    """What happens in a random program: processes wait, share a resource, start and interrupt others, at equal hours too."""
    rng, told = np.random.default_rng(seed), Told()
    desk, shelf = simpy.Resource(env, 2), simpy.Container(env, 5.0, init=2.0)
    calls = [env.event() for _ in range(4)]
    begun: list[simpy.Process] = []

    def tell(what: str) -> None:
        told.append((env.now, what))

    def live(name: str) -> Generator[simpy.Event, Any, None]:
        for turn in range(6):
            act = rng.integers(7)
            try:
                if act == 0:
                    yield env.timeout(float(rng.integers(3)))  # zero and equal delays are frequent
                elif act == 1:
                    with desk.request() as asked:
                        yield asked
                        tell(f"{name} at the desk")
                        yield env.timeout(float(rng.random()))
                elif act == 2:
                    yield (shelf.get(1.0) if rng.random() < 0.5 else shelf.put(1.0)) | env.timeout(2.0, "late")
                elif act == 3:
                    one = calls[int(rng.integers(len(calls)))]
                    if not one.triggered:
                        one.succeed(name)
                    tell(f"{name} hears {(yield one)}")
                elif act == 4 and len(begun) < 40:
                    begun.append(env.process(live(f"{name}{turn}")))
                elif act == 5:
                    others = [one for one in begun if one.is_alive and one is not env.active_process]
                    if others:
                        others[int(rng.integers(len(others)))].interrupt(name)
                    yield env.timeout(0.5)
                else:
                    alarm = env.timeout(float(rng.integers(1, 4)) / 2.0, turn)
                    alarm.callbacks.append(lambda event: tell(f"{name} rings {event.value}"))
                    yield env.all_of([alarm, env.timeout(1.0)])
            except simpy.Interrupt as stop:
                tell(f"{name} interrupted by {stop.cause}")
            tell(f"{name} after {act}")

    begun += [env.process(live(str(number))) for number in range(8)]
    env.run(until=12.0)
    tell("until 12")
    last = env.timeout(20.0)
    env.run(until=last)
    tell("the end")
    return told


@pytest.mark.parametrize("seed", range(40))
def test_the_same_history_as_on_simpys_own(seed: int) -> None:
    ours, theirs = history(Environment(), seed), history(simpy.Environment(), seed)
    assert len(ours) > 20
    assert ours == theirs


@pytest.mark.parametrize("kind", [Environment, simpy.Environment])
def test_what_goes_wrong_is_told_by_both(kind: type[simpy.Environment]) -> None:
    env = kind()
    with pytest.raises(ValueError, match="Negative delay"):
        env.timeout(-1.0)
    env.event().fail(KeyError("unheard"))
    with pytest.raises(KeyError, match="unheard"):
        env.run()
    heard = env.event()
    heard.callbacks.append(lambda event: setattr(event, "defused", True))
    heard.fail(KeyError("heard"))
    env.run()
    with pytest.raises(RuntimeError, match="No scheduled events left"):
        env.run(until=env.event())


def test_the_hour_of_both_names_is_one() -> None:
    env = Environment()
    assert env.now == 0.0
    env.timeout(3.0)
    env.run()
    assert env.now == env._now == 3.0
