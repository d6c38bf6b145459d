"""The nodes of a job in order, against the plain way to say it: sort all of them each time."""

from __future__ import annotations

import numpy as np
import pytest

from ras_sim.cluster import Cluster

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
    held = dict[int, int]()
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
        elif act == "resize" and group is None and not broken:
            cluster.resize(min(N_JOB, n_sound + int(rng.integers(-3, 4)), n_sound + cluster.n_spares))
        check(cluster, held, rng)


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
    assert len(set(places.values())) == len(job)  # no two nodes have one place
    assert set(places.values()) <= set(range(N_JOB))
    for node in job[:3]:
        assert cluster.block(node, 4) == [one for one in job if places[one] // 4 == places[node] // 4]

