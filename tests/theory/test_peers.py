"""Copies of checkpoints on other nodes: how many losses leave all of it, counted, by closed form, and through the engine."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from ras_sim.engine import simulate
from ras_sim.job.checkpoints import NODE_LOST, PROCESSES_LOST, Plan, Progress, Tier
from ras_sim.job.peers import PLACEMENTS, Placement
from ras_sim.job.retention import Retention
from ras_sim.ledger import Ledger
from ras_sim.scenario.model import Scenario
from tests.alive.bases import SMALL_MACHINES
from tests.small import SOURCE, faults_of, fixed, hours, ladder, mode, rung, runs, small, tier
from tests.theory.test_scripted import at

# ---------------------------------------------------------------------- sets of lost nodes that leave every part a holder


def of_groups(n_nodes: int, m: int, k: int) -> int:
    """Sets of k of n nodes that hold no whole group of m: inclusion and exclusion over the n/m groups."""
    groups = n_nodes // m
    terms = (
        (-1) ** j * math.comb(groups, j) * math.comb(n_nodes - j * m, k - j * m)
        for j in range(groups + 1)
        if j * m <= k
    )
    return sum(terms)


def of_circle(n_nodes: int, m: int, k: int) -> int:
    """Sets of k of n nodes on a circle without m in a row: n/(n - k) times the ways to put k into n - k gaps below m."""
    if k == n_nodes:
        return 0
    gaps = n_nodes - k
    ways = sum(
        (-1) ** i * math.comb(gaps, i) * math.comb(k - i * m + gaps - 1, gaps - 1)
        for i in range(gaps + 1)
        if i * m <= k
    )
    return n_nodes * ways // gaps


def together(first: list[int], second: list[int]) -> list[int]:
    """Ways by k of two independent sets of nodes."""
    return [round(x) for x in np.convolve(first, second)]


def counted(placement: str, n_nodes: int, m: int, offset: int) -> list[int]:
    """Sets of k = 0 .. n nodes whose loss is survived, in closed form."""
    if placement == "ring":  # as many circles as the offset and the nodes have in common
        n_circles = math.gcd(offset, n_nodes)
        one = [of_circle(n_nodes // n_circles, m, k) for k in range(n_nodes // n_circles + 1)]
        total = [1]
        for _ in range(n_circles):
            total = together(total, one)
        return total
    size = m * offset
    n_grouped = n_nodes if n_nodes % size == 0 else (n_nodes // size - 1) * size
    grouped = [of_groups(n_grouped, m, k) for k in range(n_grouped + 1)]
    return (
        grouped
        if n_grouped == n_nodes
        else together(grouped, counted("ring", n_nodes - n_grouped, m, offset))
    )


CASES = [
    ("ring", 12, 2, 1), ("ring", 12, 3, 1), ("ring", 12, 2, 4), ("ring", 10, 2, 3), ("ring", 13, 4, 2), ("ring", 12, 2, 6),
    ("group", 12, 2, 1), ("group", 12, 3, 1), ("group", 12, 2, 3), ("group", 13, 3, 1), ("group", 14, 4, 1),
    ("group", 14, 2, 2),
]  # fmt: skip


@pytest.mark.parametrize(("placement", "n_nodes", "m", "offset"), CASES)
def test_every_set_of_lost_nodes_is_counted(placement: str, n_nodes: int, m: int, offset: int) -> None:
    """All subsets of up to 14 nodes: as many are survived, for each size, as the closed forms say."""
    where = Placement(PLACEMENTS[placement], m - 1, offset)
    seen = [
        sum(where.survives(lost, n_nodes) for lost in combinations(range(n_nodes), k))
        for k in range(n_nodes + 1)
    ]
    assert seen == counted(placement, n_nodes, m, offset)
    assert seen[:m] == [math.comb(n_nodes, k) for k in range(m)]


@pytest.mark.parametrize(
    ("n_nodes", "m", "k"), [(16, 2, 2), (16, 2, 3), (64, 4, 6), (1000, 2, 3), (128, 2, 2)]
)
def test_groups_survive_as_gemini_says(n_nodes: int, m: int, k: int) -> None:
    """GEMINI (SOSP 2023), corollary 1: from m to 2m - 1 nodes lost, 1 - (N/m) C(N - m, k - m) / C(N, k)."""
    p = of_groups(n_nodes, m, k) / math.comb(n_nodes, k)
    assert p == pytest.approx(
        1.0 - n_nodes / m * math.comb(n_nodes - m, k - m) / math.comb(n_nodes, k), rel=1e-12
    )


# ---------------------------------------------------------------------- the same through the engine


def peers(copies: int = 1, placement: str = "ring", **keys: Any) -> dict[str, Any]:
    return {"copies": copies, "placement": placement, **keys, **SOURCE}


def near(
    interval_h: float = 1.0,
    /,
    *,
    copies: int = 1,
    placement: str = "ring",
    keys: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A tier in the memory of nodes and of their peers."""
    return tier(interval_h, survives="fix", peers=peers(copies, placement, **(keys or {})), **more)


RUNGS = {
    "fix": rung(0),
    "reboot": rung("1 h", takes_down="node", age_kept=0.0),
    "replace": rung("1 h", takes_down="unit", age_kept=0.0),
}


def struck(n_nodes: int, p: float, copies: int, placement: str, offset: int) -> Scenario:
    """Each node is lost with probability p, all at 10.5 h; there are hourly copies, and nothing else."""
    return small(
        12.0,
        n_nodes,
        n_nodes,
        job__checkpoints={"near": near(copies=copies, placement=placement, keys={"offset": offset})},
        repair=ladder(RUNGS),
        failures={"node": {"crash": mode(clears_at={"reboot": 1.0})}},
        shocks={
            "all": {
                "every": fixed(10.5),
                "under": "machine",
                "strikes": "node.crash",
                "p_struck": p,
                **SOURCE,
            }
        },
    )


def kept(ledger: Ledger) -> bool:
    """Whether the job went back to the copies of hour 10, not to its beginning."""
    lost_h = hours(ledger).get("lost_work", 0.0)
    assert lost_h == pytest.approx(0.5) or lost_h == pytest.approx(10.5) or not faults_of(ledger, "crash")
    return lost_h < 1.0


@pytest.mark.parametrize(
    ("placement", "n_nodes", "m", "offset", "p"),
    [("ring", 24, 2, 1, 0.15), ("ring", 24, 2, 8, 0.2), ("ring", 25, 3, 1, 0.3), ("group", 24, 2, 1, 0.15),
     ("group", 26, 3, 1, 0.3), ("group", 24, 2, 4, 0.2), ("group", 24, 4, 1, 0.5)],
)  # fmt: skip
def test_copies_survive_as_often_as_they_should(
    placement: str, n_nodes: int, m: int, offset: int, p: float
) -> None:
    """Given how many were lost, every set is as likely as another: survived / C(n, k) for each k, and summed up."""
    ways = counted(placement, n_nodes, m, offset)
    n_seen, n_expected, variance = 0, 0.0, 0.0
    seen: Counter[int] = Counter()
    for ledger in runs(struck(n_nodes, p, m - 1, placement, offset), 600, seed=5):
        k = len(faults_of(ledger, "crash"))
        p_survives = ways[k] / math.comb(n_nodes, k)
        n_seen, n_expected, variance = (
            n_seen + kept(ledger),
            n_expected + p_survives,
            variance + p_survives * (1 - p_survives),
        )
        seen[k] += 1
    assert variance > 50.0  # neither always nor never
    assert abs(n_seen - n_expected) / math.sqrt(variance) < 4.0
    law = sum(w * p**k * (1 - p) ** (n_nodes - k) for k, w in enumerate(ways))
    assert abs(n_seen - 600 * law) / math.sqrt(600 * law * (1 - law)) < 4.0


MACHINE = {
    **SMALL_MACHINES["hgx"],
    "kind": "hgx",
    "racks_per_cooling_loop": 16,
    "racks_per_power_domain": 16,
    "nodes_per_pod": 16,
}


def one_rack(nodes_per_rack: int, **keys: Any) -> Ledger:
    """16 nodes; a history in which exactly one rack is lost, at 10.5 h."""
    scenario = small(
        12.0,
        machine={**MACHINE, "nodes_per_rack": nodes_per_rack},
        job__gpus=64,
        job__checkpoints={"near": near(**keys), "far": tier(5.0, survives="replace")},
        repair=ladder(RUNGS),
        failures={"rack": {"out": mode(clears_at={"replace": 1.0})}},
        shocks={
            "power": {
                "every": fixed(10.5),
                "under": "machine",
                "strikes": "rack.out",
                "p_struck": 0.2,
                **SOURCE,
            }
        },
    )
    return next(ledger for ledger in runs(scenario, 50) if len(faults_of(ledger, "out")) == 1)


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("nodes_per_rack", [2, 4])
@pytest.mark.parametrize("offset", [1, 2, 4, None])
def test_a_rack_takes_all_copies_along_unless_they_are_further_apart(
    placement: str, nodes_per_rack: int, offset: int | None
) -> None:
    """Copies fewer nodes apart than a rack has are lost with it, and the job goes back to storage: 10 h to 10.5 or 5 h."""
    apart = {"apart": "rack"} if offset is None else {"offset": offset}
    ledger = one_rack(nodes_per_rack, placement=placement, keys=apart)
    is_lost = offset is not None and offset < nodes_per_rack
    assert hours(ledger)["lost_work"] == pytest.approx(0.5 if not is_lost else 0.5 + 10.0 % 5.0)


# ---------------------------------------------------------------------- over time


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    ("placement", "n_nodes", "copies", "offset", "keep"),
    [("ring", 8, 1, 1, None), ("ring", 9, 2, 2, Retention(3)), ("group", 9, 1, 1, None), ("group", 8, 1, 2, None)],
)  # fmt: skip
def test_losses_over_time_meet_a_twin_that_keeps_every_copy(
    placement: str, n_nodes: int, copies: int, offset: int, keep: Retention | None, seed: int
) -> None:
    """Sixty runs; the twin has a list of checkpoints, and for each of them who still holds what."""
    rng = np.random.default_rng(seed)
    where = Placement(PLACEMENTS[placement], copies, offset)
    tiers = (
        Tier("near", 1, 0.0, 0.0, 0.0, PROCESSES_LOST, keep, where),
        Tier("far", 4, 0.0, 0.0, 1.0, NODE_LOST),
    )
    progress, now_h, position_h = Progress(Plan(0.5, tiers)), 0.0, 0.0
    far: list[float] = []
    checkpoints: list[tuple[float, list[set[int]]]] = []  # (work, holders of each part that are left)
    used = {"near": 0, "far": 0, "": 0}
    for _ in range(60):
        worked_h = float(rng.exponential(1.6))
        progress.start(now_h, 1.0)
        now_h += worked_h
        progress.advance(now_h)
        for n in range(1, math.floor(worked_h / 0.5 + 1e-9) + 1):
            checkpoints.append(
                (position_h + 0.5 * n, [set(where.holders(part, n_nodes)) for part in range(n_nodes)])
            )
            checkpoints = checkpoints if keep is None else checkpoints[-keep.last :]
            far += [position_h + 0.5 * n] if n % 4 == 0 else []
        position_h += worked_h
        lost = set(rng.choice(n_nodes, size=int(rng.integers(0, 3)), replace=False).tolist())
        halves = (
            sorted(lost)[:1],
            sorted(lost)[1:],
        )  # some are lost before the tiers are looked at, some after
        progress.lose_in(NODE_LOST, halves[0], n_nodes)
        progress.stop(now_h)
        progress.lose_in(NODE_LOST, halves[1], n_nodes)
        everywhere = NODE_LOST if rng.random() < 0.05 else PROCESSES_LOST
        for _, parts in checkpoints:
            for holders in parts:
                holders.difference_update(lost)
        checkpoints = [one for one in checkpoints if all(one[1]) and everywhere == PROCESSES_LOST]
        before_h = position_h - float(rng.exponential(2.0)) if rng.random() < 0.2 else math.inf
        best = max((one for one, _ in checkpoints if one <= before_h), default=0.0)
        back_h = max([best, *(one for one in far if one <= before_h)])
        lost_h, tier_used = progress.roll_back(NODE_LOST, before_h, everywhere)
        assert lost_h == pytest.approx(position_h - back_h, abs=1e-8)
        used[tier_used.name if tier_used is not None else ""] += 1
        checkpoints = [one for one in checkpoints if one[0] <= back_h + 1e-9]
        far = [one for one in far if one <= back_h + 1e-9]
        position_h = back_h
    assert used["near"] > 10
    assert used["far"] > 3


@pytest.mark.parametrize(
    ("placement", "copies", "offset"), [("ring", 1, 1), ("ring", 1, 3), ("group", 1, 1), ("ring", 2, 1)]
)
def test_every_failure_of_a_long_run_meets_a_walk(placement: str, copies: int, offset: int) -> None:
    """Random nodes fail for 3,000 h; a walk over the incidents, hour of work by hour of work, loses the same work."""
    n_nodes = 9
    ledger = simulate(
        small(
            3000.0,
            n_nodes,
            n_nodes,
            job__checkpoints={
                "near": near(copies=copies, placement=placement, keys={"offset": offset}),
                "far": tier(6.0, survives="replace"),
            },
            repair=ladder(
                {"fix": rung(0), "reboot": rung(0, takes_down="node"), "replace": rung(0, takes_down="unit")}
            ),
            failures={
                "node": {"crash": mode(rate="0.08 /h", clears_at={"fix": 0.2, "reboot": 0.5, "replace": 0.3})}
            },
        ),
        seed=3,
        replication=0,
    )
    rows = faults_of(ledger, "crash")
    start_h = position_h = lost_h = 0.0
    near_h, far_h, lost, n_broken = 0.0, 0.0, set[int](), 0
    for row in rows:
        worked_h = row.arrive_h - start_h
        if worked_h >= 1.0:
            near_h, lost = position_h + math.floor(worked_h), set()  # a new checkpoint is whole
        far_h = position_h + 6.0 * math.floor(worked_h / 6.0) if worked_h >= 6.0 else far_h
        if row.needs_rung != "fix":
            lost.add(row.instance)
        if not whole(lost, n_nodes, placement, copies, offset):
            near_h, lost, n_broken = 0.0, set(), n_broken + 1
        back_h = max(near_h, far_h)
        lost_h += position_h + worked_h - back_h
        position_h, start_h = back_h, row.arrive_h
        near_h, far_h = min(near_h, back_h), min(far_h, back_h)
    assert len(rows) > 1500
    assert n_broken > 20
    assert hours(ledger)["lost_work"] == pytest.approx(lost_h, rel=1e-9)


def whole(lost: set[int], n_nodes: int, placement: str, copies: int, offset: int) -> bool:
    """By hand: nobody lost all holders. Groups of two of nine nodes: three pairs, and the last three are a ring."""
    if placement == "group":
        pairs = [{0, 1}, {2, 3}, {4, 5}, {6, 7}, {7, 8}, {8, 6}]
        return not any(pair <= lost for pair in pairs)
    return not any({(n + k * offset) % n_nodes for k in range(copies + 1)} <= lost for n in range(n_nodes))


def swap(takes_down: str = "unit") -> dict[str, Any]:
    """A ladder whose first rung lets a spare take the place of the node, whatever it takes down itself."""
    return ladder(
        {"fix": rung("50 h", takes_down=takes_down, meanwhile="swap", age_kept=0.0)} | {"job": rung(0)}
    )


def with_spares(
    takes_down: str, first_h: float, second_h: float, p_second: float
) -> Iterator[tuple[Ledger, int, set[int]]]:
    """Histories in which one of eight nodes is lost first and spare 8 takes its place; that place, and those lost next."""
    shock = {"under": "machine", "strikes": "node.crash", **SOURCE}
    scenario = small(
        12.9,
        16,
        8,
        job__checkpoints={"near": {**near(), "survives": "job"}},
        job__spares={"nodes": 8, "swap": 0, **SOURCE},
        repair=swap(takes_down),
        failures={"node": {"crash": mode()}},
        shocks={
            "first": {"every": fixed(first_h), "p_struck": 0.08, **shock},
            "second": {"every": fixed(second_h), "p_struck": p_second, **shock},
        },
    )
    for ledger in runs(scenario, 800, seed=4):
        rows = faults_of(ledger, "crash")
        first = [row.instance for row in rows if row.arrive_h == first_h]
        if len(first) != 1 or first[0] > 7:
            continue
        places = {**{node: node for node in range(8)}, 8: first[0]}
        del places[first[0]]
        yield (
            ledger,
            first[0],
            {places[row.instance] for row in rows if row.arrive_h == second_h and row.instance in places},
        )


@pytest.mark.parametrize("takes_down", ["unit", "job"])
@pytest.mark.parametrize(
    ("second_h", "neighbour_lost_h", "other_lost_h"), [(10.75, 10.25, 0.25), (12.2, 0.7, 0.7)]
)
def test_a_spare_holds_nothing_until_the_next_save(
    takes_down: str, second_h: float, neighbour_lost_h: float, other_lost_h: float
) -> None:
    """A spare takes a place at 10.5; if a neighbour of that place is lost before the save of hour 11, so are both copies."""
    found: Counter[bool] = Counter()
    for ledger, first, then in with_spares(takes_down, 10.5, second_h, 0.1):
        if len(then) == 1:
            is_neighbour = (first - then.pop()) % 8 in (1, 7)
            found[is_neighbour] += 1
            assert hours(ledger)["lost_work"] == pytest.approx(
                0.5 + (neighbour_lost_h if is_neighbour else other_lost_h)
            )
    assert min(found[True], found[False]) >= 5


def test_a_spare_holds_what_the_node_in_its_place_would() -> None:
    """A spare takes a place at 6.5 and saves with the others; at 10.2 two neighbours by place are lost, or no two are."""
    found: Counter[bool] = Counter()
    for ledger, first, then in with_spares("unit", 6.5, 10.2, 0.2):
        if first in then:
            is_whole = whole(then, 8, "ring", 1, 1)
            found[is_whole] += 1
            assert hours(ledger)["lost_work"] == pytest.approx(0.5 + (0.7 if is_whole else 9.7))
    assert min(found[True], found[False]) >= 5


def test_who_takes_all_nodes_takes_all_copies() -> None:
    """A preemption without notice from 10.5 to 11.5: back to the beginning. One node at 13.2 takes what followed hour 1."""
    taker = {"every": fixed(10.5), "lasts": fixed(1.0), "notice": 0, **SOURCE}
    scenario = small(
        14.0,
        8,
        8,
        job__checkpoints={"near": near()},
        job__preemptions={"others": taker},
        repair=ladder({**RUNGS, "reboot": rung(0, takes_down="node")}),
        failures={"node": {"crash": mode(clears_at={"reboot": 1.0})}},
        shocks={
            "one": {
                "every": fixed(13.2),
                "under": "machine",
                "strikes": "node.crash",
                "p_struck": 0.125,
                **SOURCE,
            }
        },
    )
    ledger = next(one for one in runs(scenario, 50) if len(faults_of(one, "crash")) == 1)
    assert hours(ledger) == pytest.approx({"productive": 1.8, "lost_work": 10.5 + 0.7, "wait_capacity": 1.0})


@pytest.mark.parametrize(("copies", "lost_h"), [(1, 0.5), (2, 0.5), (3, 1.5)])
def test_a_save_takes_as_long_as_its_copies(copies: int, lost_h: float) -> None:
    """720 GB for each copy at 1 GB/s: 0.2 h each. The save of hour 10 can be used at 10.2, 10.4 or 10.6; a crash at 10.5."""
    near_tier = near(copies=copies, valid_after={"bandwidth": "1 GB/s", "copies": "each_peer"})
    crash, fix = {"node": {"crash": at(10.5)}}, ladder({"fix": rung(0, age_kept=0.0)})
    scenario = small(
        12.0, 5, 5, job__state="720 GB", job__checkpoints={"near": near_tier}, failures=crash, repair=fix
    )
    assert hours(simulate(scenario, seed=1, replication=0)).get("lost_work") == pytest.approx(lost_h)


def test_another_width_loses_the_copies() -> None:
    """Four replicas of one node; at 10.5 one is lost and there is no spare: three go on, from the beginning."""
    elastic = {"min_replicas": 2, "reconfigure": 0, "grow": "at_once", **SOURCE}
    scenario = small(
        12.0, 4, 4, job__checkpoints={"near": {**near(), "survives": "job"}}, job__elastic=elastic, repair=swap(),
        failures={"node": {"crash": mode()}},
        shocks={"one": {"every": fixed(10.5), "under": "machine", "strikes": "node.crash", "p_struck": 0.25, **SOURCE}},
    )  # fmt: skip
    ledger = next(one for one in runs(scenario, 50) if len(faults_of(one, "crash")) == 1)
    assert hours(ledger) == pytest.approx(
        {"productive": 1.5 * 0.75, "degraded": 1.5 * 0.25, "lost_work": 10.5}
    )
