"""What waits in the workshop, against queueing theory: availability, technicians, spare parts, spare nodes.

Sources: Cox, "Renewal Theory" (1962), ch. 7; Gross & Harris, "Fundamentals of Queueing Theory" (finite source);
Palm's theorem for (S-1, S) inventories: Sherbrooke, "Optimal Inventory Modeling of Systems" (2004), ch. 2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ras_sim.ledger import Ledger
from tests.small import exponential, fixed, h, hours, ladder, mode, per_h, rung, runs, small, z_mean

pytestmark = pytest.mark.slow  # statistics over many lives


@pytest.mark.parametrize(("up_h", "down_h"), [(50.0, 5.0), (10.0, 10.0), (2.0, 30.0)])
def test_time_down_of_one_node_with_exponential_repair(up_h: float, down_h: float) -> None:
    """E[time down in (0, T)] = lam/(lam+mu) T - lam/(lam+mu)^2 (1 - exp(-(lam+mu) T)), up at 0."""
    horizon_h, rate, back = 200.0, 1.0 / up_h, 1.0 / down_h
    scenario = small(
        horizon_h,
        failures={"node": {"crash": mode(rate=per_h(rate))}},
        repair=ladder({"fix": rung(exponential(down_h))}),
    )
    both = rate + back
    expected = rate / both * horizon_h - rate / both**2 * -math.expm1(-both * horizon_h)
    down = [hours(ledger).get("repair", 0.0) for ledger in runs(scenario, 400)]
    assert abs(z_mean(down, expected)) < 4.0


@pytest.mark.parametrize(("shape", "down_h"), [(1.0, 5.0), (3.0, 5.0), (0.7, 40.0)])
def test_time_down_of_one_node_with_a_fixed_repair(shape: float, down_h: float) -> None:
    """In the long run down / (up + down), whatever the law of a life that begins anew after the repair."""
    up_h, horizon_h, n_runs = 20.0, 3000.0, 30
    scenario = small(
        horizon_h,
        failures={"node": {"crash": mode(lifetime={"kind": "weibull", "shape": shape, "mean": h(up_h)})}},
        repair=ladder({"fix": rung(h(down_h), age_kept=0.0)}),
    )
    ledgers = runs(scenario, n_runs)
    cycles = [np.diff([0.0, *[row.closed_h for row in ledger.incidents[:30]]]) for ledger in ledgers]
    assert abs(z_mean(np.concatenate(cycles), up_h + down_h)) < 4.0
    down = [hours(ledger)["repair"] / horizon_h for ledger in ledgers]
    assert abs(z_mean(down, down_h / (up_h + down_h))) < 4.0


def finite_source(n: int, crew: int, rate: float, service: float) -> np.ndarray:
    """Stationary law of parts in repair, (n + 1,): n parts, `crew` repairers (M/M/c//n)."""
    weights = np.zeros(n + 1)
    for k in range(1, n + 1):
        weights[k] = weights[k - 1] + math.log((n - k + 1) * rate / (min(k, crew) * service))
    law = np.exp(weights - weights.max())
    return np.asarray(law / law.sum())


def erlang_c(crew: int, load: float) -> float:
    """P(wait) of M/M/c."""
    terms = [load**k / math.factorial(k) for k in range(crew + 1)]
    last = terms[-1] * crew / (crew - load)
    return last / (sum(terms[:-1]) + last)


def shop(horizon_h: float, n: int, rate: float, duration: Any, **repair: Any) -> list[Ledger]:
    """Runs of a machine whose nodes fail without memory and need the workshop; one node serves a job."""
    needs = {"technician": "technicians" in repair, "part": "parts" in repair}
    scenario = small(
        horizon_h,
        nodes=n,
        failures={"node": {"crash": mode(rate=per_h(rate))}},
        repair=ladder({"fix": rung(duration, takes_down="node", **needs)}, **repair),
    )
    return runs(scenario, 24)


def waits(ledgers: list[Ledger], warm_h: float, end_h: float) -> tuple[list[float], list[float]]:
    """(fraction that waited, mean wait) of each run, over attempts asked for between the two instants."""
    fractions, means = [], []
    for ledger in ledgers:
        waited = [row.start_h - row.asked_h for row in ledger.attempts if warm_h < row.asked_h < end_h]
        fractions.append(sum(w > 1e-12 for w in waited) / len(waited))
        means.append(sum(waited) / len(waited))
    return fractions, means


@pytest.mark.parametrize(
    ("n", "crew", "load"),
    [
        (12, 1, 0.8),
        (12, 4, 3.0),
        (4000, 1, 0.5),
        (4000, 2, 1.2),
        *[
            pytest.param(*case, marks=pytest.mark.slow)
            for case in ((12, 1, 0.5), (4000, 1, 0.8), (4000, 4, 3.0))
        ],
    ],
)
def test_waits_for_technicians(n: int, crew: int, load: float) -> None:
    """A part that fails finds the others in equilibrium: M/M/c//(n-1); for many parts that is Erlang's C formula."""
    service = 1.0
    rate = load / n
    law = finite_source(n - 1, crew, rate, service)
    busy = np.arange(n) >= crew
    p_wait = law[busy].sum()
    wait_h = (law * (np.arange(n) - crew + 1) * busy).sum() / (crew * service)
    if n > 1000:
        assert p_wait == pytest.approx(erlang_c(crew, load), rel=0.01)
        assert wait_h == pytest.approx(erlang_c(crew, load) / (crew - load), rel=0.03)
    crews = {"technicians": {"count": crew, "travel": 0, "source": "assumed"}}
    fractions, means = waits(shop(700.0, n, rate, exponential(1.0), **crews), 60.0, 640.0)
    assert abs(z_mean(fractions, p_wait)) < 4.0
    assert abs(z_mean(means, wait_h)) < 4.0


@pytest.mark.parametrize(
    "lead",
    [fixed(30.0), pytest.param(exponential(30.0), marks=pytest.mark.slow)],
    ids=["fixed", "exponential"],
)
@pytest.mark.parametrize(("stock", "demand"), [(0, 1.0), (2, 1.5), (4, 3.0), (3, 6.0)])
def test_fill_rate_and_backorders_of_a_shelf(lead: Any, stock: int, demand: float) -> None:
    """Parts on order are Poisson(lam L) whatever the law of L: P(no wait) = P(X < s), E[wait] = E[(X - s)+] / lam."""
    n, lead_h = 20_000, 30.0
    rate_all = demand / lead_h
    shelf = {"parts": {"node": {"stock": stock, "lead_time": lead, "source": "assumed"}}}
    ledgers = shop(6000.0, n, rate_all / n, 0, **shelf)
    fractions, means = waits(ledgers, 400.0, 5600.0)
    k = np.arange(200)
    backorders = (np.maximum(k - stock, 0) * stats.poisson.pmf(k, demand)).sum()
    if stock == 0:
        assert fractions == [1.0] * len(fractions)
    else:
        assert abs(z_mean(fractions, stats.poisson.sf(stock - 1, demand))) < 4.0
    if stock == 0 and lead["kind"] == "deterministic":
        assert means == pytest.approx([lead_h] * len(means))
    else:
        assert abs(z_mean(means, backorders / rate_all)) < 4.0


def erlang_b(servers: int, load: float) -> np.ndarray:
    """Law of busy servers of M/G/c/c, (servers + 1,): insensitive to the law of service beyond its mean."""
    weights = np.array([load**k / math.factorial(k) for k in range(servers + 1)])
    return np.asarray(weights / weights.sum())


@pytest.mark.parametrize(
    "repair",
    [exponential(10.0), pytest.param(fixed(10.0), marks=pytest.mark.slow)],
    ids=["exponential", "fixed"],
)
@pytest.mark.parametrize(("spares", "load"), [(0, 0.3), (1, 0.5), (3, 2.0), (5, 3.0)])
def test_spare_nodes_until_there_is_none(repair: Any, spares: int, load: float) -> None:
    """Nodes fail only while the job runs and are repaired all at once: Erlang's loss system with k + 1 servers.

    The job waits while k + 1 nodes are in repair, and no node fails then: P(waits at an instant) = B(k + 1, a). Of the
    faults, those that find k nodes in repair must wait: p(k) / (1 - p(k + 1)).
    """
    n_job, horizon_h = 6, 1500.0
    scenario = small(
        horizon_h,
        nodes=n_job + spares,
        job_nodes=n_job,
        job__spares__nodes=spares,
        failures={"node": {"crash": mode(rate=per_h(load / 10.0 / n_job), clock="in_job")}},
        repair=ladder({"fix": rung(repair, takes_down="node", meanwhile="swap")}),
    )
    law = erlang_b(spares + 1, load)
    ledgers = runs(scenario, 40)
    waiting = [hours(ledger).get("wait_capacity", 0.0) / horizon_h for ledger in ledgers]
    assert abs(z_mean(waiting, law[-1])) < 4.0
    found = []
    for ledger in ledgers:
        waited = {row.incident_id for row in ledger.job if row.category == "wait_capacity"}
        asked = [row.incident_id in waited for row in ledger.incidents if row.arrive_h < horizon_h - 1e-9]
        found.append(sum(asked) / len(asked))
    if spares == 0:
        assert found == [1.0] * len(found)
    else:
        assert abs(z_mean(found, law[-2] / (1.0 - law[-1]))) < 4.0
    running = [1.0 - share for share in waiting]
    assert (
        abs(
            z_mean(
                [len(ledger.incidents) / (horizon_h * load / 10.0) for ledger in ledgers], np.mean(running)
            )
        )
        < 4.0
    )


@pytest.mark.parametrize("travel_h", [0.0, 2.0])
def test_a_technician_is_busy_while_travelling(travel_h: float) -> None:
    """Two nodes at hour 10, one technician: the second begins when the first is done and the way is made again."""
    scenario = small(
        100.0,
        nodes=2,
        failures={"node": {"crash": mode(lifetime=fixed(10.0))}},
        repair=ladder(
            {"fix": rung("5 h", takes_down="node", technician=True, age_kept=0.0)},
            technicians={"count": 1, "travel": h(travel_h), "source": "assumed"},
        ),
    )
    ledger = runs(scenario, 1)[0]
    first, second = ledger.attempts[:2]
    assert (first.asked_h, first.start_h, first.end_h) == (10.0, 10.0 + travel_h, 15.0 + travel_h)
    assert (second.asked_h, second.start_h, second.end_h) == (10.0, 15.0 + 2 * travel_h, 20.0 + 2 * travel_h)


@pytest.mark.parametrize(
    "repair", [exponential(20.0), fixed(20.0), {"kind": "lognormal", "median": "10 h", "sigma": 1.0}]
)
def test_number_in_repair_at_an_instant(repair: Any) -> None:
    """n independent nodes, each down with probability r / (1 + r), r = rate x mean repair: binomial, any law of repair."""
    n, at_h = 200, 400.0
    rate = 0.005
    scenario = small(
        at_h,
        nodes=n,
        failures={"node": {"crash": mode(rate=per_h(rate))}},
        repair=ladder({"fix": rung(repair, takes_down="node")}),
    )
    mean_h = 10.0 * math.exp(0.5) if repair["kind"] == "lognormal" else 20.0
    share = rate * mean_h / (1.0 + rate * mean_h)
    down = np.array([sum(row.outcome == "open" for row in ledger.incidents) for ledger in runs(scenario, 40)])
    assert abs(z_mean(down, n * share)) < 4.0
    chi = ((down - n * share) ** 2 / (n * share * (1 - share))).sum()
    assert 6e-5 < stats.chi2.sf(chi, len(down)) < 1 - 6e-5
