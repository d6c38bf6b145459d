"""The search finds the best checkpoint interval of a simple job: the optimum of Young and Daly, exactly.

Failures at rate lam on the job's clock, an interval of t hours of work, a save that stops the job for d, R hours from a
failure to work again. By equation (1) of test_completion.py a long run is productive for the share

    g(t) = t / ((1/lam + R) (exp(lam (t + d)) - 1)).

How near the search must come follows from how flat g is there: the winner's mean over the histories of the search is at
least that of any other trial, so g may be lower at the winner than at the trial nearest to the optimum by no more than
luck, four standard errors of the paired difference of the two.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import ras_sim
from ras_sim.experiment.optimize import Optimum, Trial, optimize
from ras_sim.metrics.paired import paired
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.uncertain import quantity
from tests.small import h, ladder, mode, per_h, rung, small, tier

INTERVAL = "job.checkpoints.disk.interval"
DOWN_H = 0.5
CASES = [(0.05, 0.1), *(pytest.param(*one, marks=pytest.mark.slow) for one in ((0.2, 0.02), (0.01, 0.3)))]
"""(failures per hour, hours of a save)."""
START_H = 20.0


def job(rate: float, save_h: float) -> Scenario:
    """300 failures, and a checkpoint far too seldom."""
    return small(
        300.0 / rate,
        job__checkpoints={"disk": tier(START_H, save_h)},
        failures={"node": {"crash": mode(rate=per_h(rate), clock="in_job")}},
        repair=ladder({"fix": rung(h(DOWN_H))}),
    )


def productive(rate: float, save_h: float, interval_h: float) -> float:
    return interval_h / ((1.0 / rate + DOWN_H) * math.expm1(rate * (interval_h + save_h)))


def best_interval_h(rate: float, save_h: float) -> float:
    found = minimize_scalar(lambda t: -productive(rate, save_h, t), bounds=(0.01, 200.0), method="bounded")
    return float(found.x)


@lru_cache(maxsize=3)
def searched(rate: float, save_h: float) -> Optimum:
    return optimize(
        job(rate, save_h), [f"{INTERVAL}=0.05..100 h"], trials=32, replications=4, fresh=8, workers=1
    )


def interval_h(trial: Trial) -> float:
    found = quantity({"": trial.values[0]}, ("",))
    assert found is not None
    return found[0]


def goodputs(trial: Trial) -> list[float]:
    assert trial.point is not None
    return [one.goodput for one in ras_sim.run(trial.point.scenario, replications=4, workers=1).measures]


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "save_h"), CASES)
def test_the_search_finds_the_best_interval(rate: float, save_h: float) -> None:
    found, best_h = searched(rate, save_h), best_interval_h(rate, save_h)
    winner = found.finalists[0].trial
    nearest = max(found.trials, key=lambda one: productive(rate, save_h, interval_h(one)))
    difference = paired(goodputs(winner), goodputs(nearest)).estimate
    assert difference.mean is not None
    assert difference.sd is not None
    best, at_nearest, at_winner = (
        productive(rate, save_h, t) for t in (best_h, interval_h(nearest), interval_h(winner))
    )
    assert at_nearest - at_winner <= 4 * difference.sd / math.sqrt(4) + 1e-12
    # The search came near, and what it gained is most of what there was to gain.
    assert best - at_nearest < 0.02 * (best - productive(rate, save_h, START_H))
    assert best - at_winner < 0.1 * (best - productive(rate, save_h, START_H))


@pytest.mark.parametrize(("rate", "save_h"), CASES)
def test_the_gain_on_fresh_histories_is_that_of_the_formula(rate: float, save_h: float) -> None:
    found = searched(rate, save_h)
    gain = found.finalists[0].fresh[0].estimate
    assert gain.mean is not None
    assert gain.sd is not None
    expected = productive(rate, save_h, interval_h(found.finalists[0].trial)) - productive(
        rate, save_h, START_H
    )
    assert abs(gain.mean - expected) < 4 * gain.sd / math.sqrt(gain.n)
    assert gain.mean > 10 * gain.sd / math.sqrt(gain.n)


def test_young_and_daly_agree_where_failures_are_rare() -> None:
    for rate, save_h in ((1e-4, 0.01), (1e-5, 0.1)):
        assert best_interval_h(rate, save_h) == pytest.approx(math.sqrt(2 * save_h / rate), rel=0.02)
    assert np.all(np.diff([best_interval_h(rate, 0.1) for rate in (0.001, 0.01, 0.1)]) < 0)
