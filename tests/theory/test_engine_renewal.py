"""Numbers of faults that the whole engine gives, against renewal theory and against twins written apart from it.

Sources: Cox, "Renewal Theory" (1962), ch. 4; Kijima, "Some results for repairable systems with general repair",
J. Appl. Prob. 26 (1989), type II; Hougaard, "Analysis of Multivariate Survival Data" (2000), ch. 7.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ras_sim.distributions import Distribution
from ras_sim.engine import simulate
from ras_sim.scenario.failures import ModeSpec
from ras_sim.scenario.model import Scenario
from tests.small import (
    counts_by_part,
    exponential,
    faults_of,
    h,
    hours,
    ladder,
    mode,
    p_chi_square,
    per_h,
    rung,
    runs,
    small,
    weibull,
    z_mean,
    z_two,
)

pytestmark = pytest.mark.slow  # statistics over many lives

LAWS: dict[str, dict[str, Any]] = {
    **{f"weibull {shape}": weibull(shape, 100.0) for shape in (0.5, 0.7, 1.5, 2.0, 3.0)},
    "exponential": exponential(80.0),
    "lognormal": {"kind": "lognormal", "median": "60 h", "sigma": 0.8},
    "gamma": {"kind": "gamma", "shape": 4.0, "mean": "100 h"},
    "loglogistic": {"kind": "loglogistic", "shape": 3.0, "median": "90 h"},
    "bathtub": {
        "kind": "bathtub", "infant_shape": 0.5, "infant_scale": "400 h", "rate": "0.002 /h",
        "wear_shape": 4.0, "wear_scale": "200 h",
    },
    "piecewise_constant": {
        "kind": "piecewise_constant", "edges": [0, "20 h", "80 h"], "rates": ["0.02 /h", "0.002 /h", "0.03 /h"],
    },
    "empirical": {"kind": "empirical", "values": ["30 h", "50 h", "90 h", "90 h", "200 h", "260 h"]},
    "uniform": {"kind": "uniform", "low": "40 h", "high": "160 h"},
}  # fmt: skip


def repaired(lifetime: Any, n: int, horizon_h: float, age_kept: float, **keys: Any) -> Scenario:
    """n parts of which one serves the job; each fault is repaired at once."""
    return small(
        horizon_h,
        nodes=n,
        failures={"node": {"crash": mode(lifetime=lifetime, **keys)}},
        repair=ladder({"fix": rung(age_kept=age_kept)}),
    )


def law_of(lifetime: Any) -> Distribution:
    """The distribution behind a scenario's lifetime."""
    built = ModeSpec.model_validate(mode(lifetime=lifetime)).build_lifetime()
    assert built is not None
    return built


def renewals(law: Distribution, horizon_h: float, age_h: float = 0.0, n_steps: int = 1200) -> float:
    """Expected renewals up to the horizon, the first part having an age: the renewal equation on a grid."""
    grid = np.linspace(0.0, horizon_h, n_steps + 1)
    cumulative = law.cumulative_hazard(np.concatenate((grid, age_h + grid)))
    new, left = -np.expm1(-cumulative[: n_steps + 1]), cumulative[n_steps + 1 :]
    rises, first = np.diff(new), np.diff(-np.expm1(-(left - left[0])))
    count = np.zeros(n_steps + 1)
    for i in range(1, n_steps + 1):
        middles = 0.5 * (count[1:i] + count[: i - 1])
        older = middles[::-1] @ rises[1:i] + 0.5 * count[i - 1] * rises[0]
        count[i] = (new[i] + older) / (1.0 - 0.5 * rises[0])
    between = 0.5 * (count[1:] + count[:-1])
    return float(first.sum() + between[::-1] @ first)


@pytest.mark.parametrize("kind", LAWS)
@pytest.mark.parametrize("age_h", [0.0, pytest.param(45.0, marks=pytest.mark.slow)])
def test_faults_of_renewed_parts_meet_the_renewal_equation(kind: str, age_h: float) -> None:
    """26 values are looked at."""
    n, horizon_h = 1200, 350.0
    scenario = repaired(LAWS[kind], n, horizon_h, age_kept=0.0, start_age=h(age_h))
    counts = counts_by_part(simulate(scenario, seed=3, replication=0), n)
    assert abs(z_mean(counts, renewals(law_of(LAWS[kind]), horizon_h, age_h))) < 4.0


@pytest.mark.parametrize("kind", ["weibull 0.5", "weibull 2.0", "gamma", "bathtub"])
def test_a_replaced_unit_is_new(kind: str) -> None:
    """Replacement renews by another way than repair does."""
    n, horizon_h = 1200, 350.0
    scenario = small(
        horizon_h,
        nodes=n,
        failures={"node": {"crash": mode(lifetime=LAWS[kind])}},
        repair=ladder({"fix": rung(takes_down="unit", replaces=True)}),
    )
    counts = counts_by_part(simulate(scenario, seed=4, replication=0), n)
    assert abs(z_mean(counts, renewals(law_of(LAWS[kind]), horizon_h))) < 4.0


@pytest.mark.parametrize(
    "kind", ["weibull 0.5", "weibull 0.7", "weibull 1.5", "weibull 3.0", "bathtub", "lognormal"]
)
@pytest.mark.parametrize("age_h", [pytest.param(0.0, marks=pytest.mark.slow), 70.0])
def test_minimal_repair_gives_poisson_counts(kind: str, age_h: float) -> None:
    """As bad as old: N is Poisson with mean H(a + T) - H(a). 12 means and 12 chi-squares are looked at."""
    n, horizon_h = 1200, 250.0
    scenario = repaired(LAWS[kind], n, horizon_h, age_kept=1.0, start_age=h(age_h))
    counts = counts_by_part(simulate(scenario, seed=5, replication=0), n)
    before, after = law_of(LAWS[kind]).cumulative_hazard(np.array([age_h, age_h + horizon_h]))
    mean = float(after - before)
    assert abs(z_mean(counts, mean)) < 4.0
    assert p_chi_square(counts, stats.poisson.pmf(np.arange(80), mean)) > 6e-5


def kijima(shape: float, mean_h: float, age_kept: float, horizon_h: float, n: int) -> np.ndarray:
    """Counts of parts whose age shrinks at each repair, by their definition: V' = q (V + X)."""
    rng = np.random.default_rng(17)
    scale = mean_h / math.gamma(1.0 + 1.0 / shape)
    counts = np.zeros(n)
    for part in range(n):
        clock, age = 0.0, 0.0
        while True:
            life = scale * ((age / scale) ** shape + rng.exponential()) ** (1.0 / shape) - age
            clock += life
            if clock > horizon_h:
                break
            counts[part] += 1
            age = age_kept * (age + life)
    return counts


@pytest.mark.parametrize("shape", [0.6, 1.5, 3.0])
@pytest.mark.parametrize("age_kept", [0.3, 0.8])
def test_imperfect_repair_meets_its_twin(shape: float, age_kept: float) -> None:
    n, horizon_h = 1500, 350.0
    scenario = repaired(weibull(shape, 100.0), n, horizon_h, age_kept)
    counts = counts_by_part(simulate(scenario, seed=6, replication=0), n)
    twin = kijima(shape, 100.0, age_kept, horizon_h, 6000)
    assert abs(z_two(counts, twin)) < 4.0
    assert abs(z_two((counts - counts.mean()) ** 2, (twin - twin.mean()) ** 2)) < 4.0


@pytest.mark.parametrize("shape", [1.0, 0.7, 2.0])
@pytest.mark.parametrize("variance", [pytest.param(0.5, marks=pytest.mark.slow), 3.0])
@pytest.mark.parametrize("age_h", [0.0, 60.0])
def test_gamma_frailty_gives_negative_binomial_counts(shape: float, variance: float, age_h: float) -> None:
    """Minimal repair, z ~ Gamma: survivors of age a have z ~ Gamma(1/v, 1/v + H(a)), N given z is Poisson(z dH)."""
    n, horizon_h = 2000, 150.0
    frailty = {"kind": "gamma", "variance": variance}
    scenario = repaired(weibull(shape, 100.0), n, horizon_h, 1.0, frailty=frailty, start_age=h(age_h))
    counts = counts_by_part(simulate(scenario, seed=7, replication=0), n)
    before, after = law_of(weibull(shape, 100.0)).cumulative_hazard(np.array([age_h, age_h + horizon_h]))
    k, rate = 1.0 / variance, 1.0 / variance + before
    law = stats.nbinom(k, rate / (rate + after - before))
    assert abs(z_mean(counts, law.mean())) < 4.0
    assert abs(z_mean((counts - law.mean()) ** 2, law.var())) < 4.0
    assert p_chi_square(counts, law.pmf(np.arange(100))) > 6e-5


@pytest.mark.parametrize(
    ("fraction", "factor"), [(0.1, 8.0), pytest.param(0.5, 3.0, marks=pytest.mark.slow), (0.3, 0.1)]
)
@pytest.mark.parametrize("shape", [1.0, 2.0])
def test_lemons_give_a_mixture_of_poisson_counts(fraction: float, factor: float, shape: float) -> None:
    n, horizon_h = 2500, 150.0
    frailty = {"kind": "two_point", "fraction": fraction, "factor": factor}
    scenario = repaired(weibull(shape, 100.0), n, horizon_h, 1.0, frailty=frailty)
    counts = counts_by_part(simulate(scenario, seed=8, replication=0), n)
    mean = float(law_of(weibull(shape, 100.0)).cumulative_hazard(np.array([horizon_h]))[0])
    k = np.arange(120)
    law = (1 - fraction) * stats.poisson.pmf(k, mean) + fraction * stats.poisson.pmf(k, factor * mean)
    average = mean * (1 - fraction + fraction * factor)
    spread = average + mean**2 * fraction * (1 - fraction) * (factor - 1) ** 2
    assert abs(z_mean(counts, average)) < 4.0
    assert abs(z_mean((counts - average) ** 2, spread)) < 4.0
    assert p_chi_square(counts, law) > 6e-5


def test_a_new_part_draws_a_frailty_of_its_own() -> None:
    """Replaced lemons are mostly good parts: counts against a twin that draws a frailty for each life."""
    n, horizon_h = 2500, 400.0
    scenario = small(
        horizon_h,
        nodes=n,
        failures={
            "node": {"crash": mode(lifetime=exponential(100.0), frailty={"kind": "gamma", "variance": 2.0})}
        },
        repair=ladder({"fix": rung(takes_down="unit", replaces=True)}),
    )
    counts = counts_by_part(simulate(scenario, seed=9, replication=0), n)
    rng = np.random.default_rng(2)
    lives = rng.exponential(size=(n, 400)) * 100.0 / rng.gamma(0.5, 2.0, size=(n, 400))
    twin = (np.cumsum(lives, axis=1) <= horizon_h).sum(axis=1)
    assert abs(z_two(counts, twin)) < 4.0


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.5])
@pytest.mark.parametrize("repair_h", [1.0, 20.0])
def test_parts_that_age_in_the_job_stand_still_while_it_does(shape: float, repair_h: float) -> None:
    """The n-th fault of the job comes at tau(n) + (n - 1) D: tau the n-th renewal of all parts on the job's clock."""
    n_nodes, horizon_h, n_runs = 20, 400.0, 60
    scenario = small(
        horizon_h,
        nodes=n_nodes,
        job_nodes=n_nodes,
        failures={"node": {"crash": mode(lifetime=weibull(shape, 200.0), clock="in_job")}},
        repair=ladder({"fix": rung(h(repair_h), age_kept=0.0)}),
    )
    counts = [len(ledger.incidents) for ledger in runs(scenario, n_runs)]
    rng = np.random.default_rng(5)
    scale = 200.0 / math.gamma(1.0 + 1.0 / shape)
    lives = scale * rng.weibull(shape, size=(600, n_nodes, 60))
    taus = np.sort(np.cumsum(lives, axis=2).reshape(600, -1), axis=1)
    twin = (taus + repair_h * np.arange(taus.shape[1]) <= horizon_h).sum(axis=1)
    assert abs(z_two(counts, twin)) < 4.0


def swapping_twin(rng: np.random.Generator, horizon_h: float) -> tuple[int, float]:
    """Four nodes of six serve; wear (Weibull 3, renewed by repair) and crashes (memoryless), both swap for a spare.

    Returns:
        (wear faults, hours without enough nodes); hour by hour of events, each node's wear kept by hand.
    """
    scale, repair_h = 60.0 / math.gamma(1.0 + 1.0 / 3.0), 15.0
    wear_left = list(scale * rng.weibull(3.0, size=6))
    job, spares, shop = [0, 1, 2, 3], deque([4, 5]), list[tuple[float, int, bool]]()
    now, n_wear, waited = 0.0, 0, 0.0
    while True:
        back_h = shop[0][0] if shop else math.inf
        crash_h = now + rng.exponential(40.0 / 4) if len(job) == 4 else math.inf
        wears = min(job, key=lambda node: wear_left[node])
        wear_h = now + wear_left[wears] if len(job) == 4 else math.inf
        then = min(back_h, crash_h, wear_h, horizon_h)
        for node in job if len(job) == 4 else ():
            wear_left[node] -= then - now
        waited += 0.0 if len(job) == 4 else then - now
        now = then
        if now == horizon_h:
            return n_wear, waited
        if now == back_h:
            _, node, renewed = heapq.heappop(shop)
            wear_left[node] = scale * rng.weibull(3.0) if renewed else wear_left[node]
            spares.append(node)
        else:
            node = wears if now == wear_h else job[rng.integers(4)]
            n_wear += now == wear_h
            job.remove(node)
            heapq.heappush(shop, (now + repair_h, node, now == wear_h))
        if len(job) < 4 and spares:
            job.append(spares.popleft())


def test_a_node_that_is_swapped_out_takes_its_age_along() -> None:
    horizon_h = 500.0
    failures = {
        "wear": mode(lifetime=weibull(3.0, 60.0), clock="in_job", clears_at={"renew": 1.0}),
        "crash": mode(rate=per_h(1 / 40), clock="in_job"),
    }
    rungs = {
        "fix": rung("15 h", takes_down="node", meanwhile="swap", applies_to=["node"]),
        "renew": rung("15 h", takes_down="node", meanwhile="swap", age_kept=0.0),
    }
    scenario = small(
        horizon_h,
        nodes=6,
        job_nodes=4,
        job__spares__nodes=2,
        failures={"node": failures},
        repair=ladder(rungs, policy={"start": {"node.wear": "renew", "default": "fix"}}),
    )
    ledgers = runs(scenario, 150)
    rng = np.random.default_rng(8)
    twins = [swapping_twin(rng, horizon_h) for _ in range(1500)]
    assert abs(z_two([len(faults_of(ledger, "wear")) for ledger in ledgers], [n for n, _ in twins])) < 4.0
    waits = [hours(ledger).get("wait_capacity", 0.0) for ledger in ledgers]
    assert abs(z_two(waits, [waited for _, waited in twins])) < 4.0


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0])
def test_a_shorter_mean_life_keeps_every_fault_and_moves_it_earlier(shape: float) -> None:
    """First faults of the same parts: a hazard that is twice as high adds faults and loses none."""
    n, horizon_h = 3000, 50.0
    firsts = []
    for factor in (1.0, 2.0):
        mean_h = 300.0 * factor ** (-1.0 / shape)
        ledger = simulate(repaired(weibull(shape, mean_h), n, horizon_h, 1.0), seed=10, replication=0)
        first: dict[int, float] = {}
        for row in ledger.incidents:
            first.setdefault(row.instance, row.arrive_h)
        firsts.append(first)
    rare, often = firsts
    assert rare.keys() < often.keys()
    assert all(often[part] < at_h for part, at_h in rare.items())


def test_many_classes_together_are_a_poisson_process() -> None:
    """Gaps are exponential (Kolmogorov-Smirnov), and who fails is multinomial (chi-square)."""
    rates = {"a": 0.0003, "b": 0.001, "c": 0.0017}
    n, horizon_h = 1000, 1000.0
    failures = {name: mode(rate=per_h(rate)) for name, rate in rates.items()}
    ledger = simulate(small(horizon_h, nodes=n, failures={"node": failures}), seed=11, replication=0)
    times = np.array([row.arrive_h for row in ledger.incidents])
    total = n * sum(rates.values())
    assert abs(len(times) - total * horizon_h) / math.sqrt(total * horizon_h) < 4.0
    assert stats.kstest(np.diff(times), stats.expon(scale=1 / total).cdf).pvalue > 6e-5
    seen = [len(faults_of(ledger, name)) for name in rates]
    assert (
        stats.chisquare(seen, np.array(list(rates.values())) / sum(rates.values()) * len(times)).pvalue > 6e-5
    )


@pytest.mark.parametrize("shape", [0.7, pytest.param(3.0, marks=pytest.mark.slow)])
def test_many_parts_that_wear_out_are_nearly_poisson_after_a_while(shape: float) -> None:
    """Palm and Khintchine: the sum of many sparse renewal processes, at the rate of one fault per mean life."""
    n, mean_h, window_h = 2000, 100.0, 40.0
    scenario = repaired(weibull(shape, mean_h), n, 12 * mean_h + window_h, age_kept=0.0)
    ledger = simulate(scenario, seed=12, replication=0)
    times = np.array([row.arrive_h for row in ledger.incidents if row.arrive_h > 12 * mean_h])
    assert abs(len(times) - n * window_h / mean_h) / math.sqrt(n * window_h / mean_h) < 4.0
    assert stats.kstest(np.diff(times), stats.expon(scale=mean_h / n).cdf).pvalue > 6e-5


def test_a_life_that_everybody_ends_by_leaves_nobody_out() -> None:
    """Each part once, in no order of its number."""
    n = 3000
    scenario = repaired({"kind": "uniform", "low": "6 h", "high": "10 h"}, n, 10.0, 0.0)
    parts = [row.instance for row in simulate(scenario, seed=13, replication=0).incidents]
    assert sorted(parts) == list(range(n))
    assert abs(stats.spearmanr(parts, np.arange(n)).statistic) * math.sqrt(n) < 4.0
