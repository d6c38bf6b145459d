"""The nodes of a job in order, against the plain way to say it: sort all of them each time."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ras_sim.cluster import Cluster
from ras_sim.errors import ModelError

N_NODES, N_JOB, N_SPARES = 40, 24, 6


def job_of(cluster: Cluster) -> list[int]:
    return [node for node in range(N_NODES) if cluster.in_job(node)]


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("group", [None, 10])
def test_nodes_of_the_job_in_order(seed: int, group: int | None) -> None:
    """Nodes fail, return, are swapped, leave and join at random."""
    rng = np.random.default_rng(seed)
    in_group = None if group is None else (lambda node: node // group)
    cluster = Cluster(N_NODES, N_JOB, N_SPARES, [], lambda: 0.0, group=in_group)
    held, first = dict[int, int](), job_of(cluster)
    for _ in range(120):
        act = rng.choice(["hold", "release", "swap", "leave", "resize"])
        job, out = job_of(cluster), [node for node in held if held[node]]
        broken = [node for node in job if held.get(node)]
        n_sound = len(job) - len(broken)
        if act == "hold":
            node = int(rng.integers(N_JOB + N_SPARES)) if group is None else int(rng.choice(job))
            cluster.hold([node])
            held[node] = held.get(node, 0) + 1
        elif act == "release" and out:
            node = int(rng.choice(out))
            cluster.release([node])
            held[node] -= 1
        elif act == "swap" and broken and cluster.replacements(broken[:1]) is not None:
            cluster.swap_out(broken[:1])
        elif act == "leave" and n_sound > N_JOB // 2:
            cluster.leave(broken)
        elif act == "resize":
            before = set(job)
            wanted = n_sound + min(int(rng.integers(-3, 4)), cluster.n_could_join)
            leavers, newcomers = cluster.resize(wanted)
            assert (before - set(leavers)) | set(newcomers) == set(job_of(cluster))
            assert cluster.n_sound == wanted if not broken else cluster.n_sound <= max(wanted, n_sound)
        check(cluster, held, rng)
        check_places(cluster, held, first, group or N_NODES)


def check_places(cluster: Cluster, held: dict[int, int], first: list[int], group: int) -> None:
    """Each node of the job has a place of its own, in the group of who had it first; a spare fits where nobody sound is."""
    job = job_of(cluster)
    places = [cluster.place(node) for node in job]
    assert len(set(places)) == len(job)
    assert set(places) <= set(range(N_JOB))
    assert [node // group for node in job] == [first[place] // group for place in places]
    sound = {place for node, place in zip(job, places, strict=True) if not held.get(node)}
    free = Counter(first[place] // group for place in set(range(N_JOB)).difference(sound))
    spares = Counter(node // group for node in range(N_NODES) if cluster.state(node) == "spare")
    assert cluster.n_could_join == (free & spares).total()


def check(cluster: Cluster, held: dict[int, int], rng: np.random.Generator) -> None:
    job = job_of(cluster)
    sound = [node for node in job if not held.get(node)]
    assert cluster.n_sound == len(sound)
    assert cluster.n_in_job == len(job)
    share = float(rng.random())
    but = int(rng.integers(N_NODES))
    meant = [node for node in sound if node != but]
    assert cluster.one_of_job(share) == (sound[int(share * len(sound))] if sound else None)
    assert cluster.one_of_job(share, but=but) == (meant[int(share * len(meant))] if meant else None)
    places = {node: cluster.place(node) for node in job}
    for node in job[:3]:
        assert cluster.block(node, 4) == [one for one in job if places[one] // 4 == places[node] // 4]


def test_a_sound_node_that_is_swapped_out_is_a_spare() -> None:
    """Of two that leave their places to spares one is held by an incident, the other is not."""
    cluster = Cluster(6, 2, 2, [], lambda: 0.0)
    cluster.hold([0])
    assert cluster.swap_out([0, 1]) == [2, 3]
    assert [cluster.state(node) for node in range(4)] == ["out", "spare", "in_job", "in_job"]
    assert cluster.release([0]) == 1
    assert cluster.replacements([2, 3]) == [1, 0]


@pytest.mark.parametrize("newcomers", [[2], [2, 3, 4]])
def test_a_swap_needs_one_newcomer_for_each_node(newcomers: list[int]) -> None:
    cluster = Cluster(8, 2, 4, [], lambda: 0.0)
    with pytest.raises(ModelError, match="swap with 4 spares"):
        cluster.swap_out([0, 1], newcomers)
