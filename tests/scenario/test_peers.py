"""What is refused of copies of checkpoints on other nodes: where, and with which reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from ras_sim.errors import InputError
from ras_sim.job.peers import PLACEMENTS
from ras_sim.scenario.build import setup_of
from ras_sim.scenario.job import PeersSpec
from ras_sim.scenario.load import load

ALIVE = Path(__file__).parents[1] / "alive" / "hgx.yaml"
PEER = "job.checkpoints.peer."
ELASTIC = "job.elastic={min_replicas: 2, reconfigure: 1 min, grow: at_once, source: assumed}"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([PEER + "survives=rma"], r"peer\.survives: got 'rma', want a rung that takes down less than a unit"),
        ([PEER + "peers.copies=0"], r"peers\.copies: got 0, want >= 1"),
        ([PEER + "peers.placement=rings"], r"peers\.placement: got 'rings'.*ring"),
        ([PEER + "peers.apart=rack"], r"peers: got both `offset` and `apart`, want one of them"),
        ([PEER + "peers.offset=null", PEER + "peers.apart=rck"], r"peers\.apart: got 'rck'.*did you mean 'rack'"),
        ([PEER + "peers.offset=null", PEER + "peers.apart=fan"], r"peers\.apart: got 'fan', want a class that nodes"),
        ([PEER + "peers.offset=6"], r"peers\.offset: got 6, .*: 3 holders 6 nodes apart take 18 nodes, the job has 8"),
        ([PEER + "peers.offset=3", ELASTIC], r"peers\.offset: .*take 9 nodes, the job has 4 at its least width"),
        ([PEER + "valid_after.copies=one", PEER + "restore={bandwidth: 1 GB/s, copies: each_peer}"],
         r"restore\.copies: got 'each_peer', want one or each_replica: reading back moves no copies"),
        (["job.checkpoints.remote.valid_after.copies=each_peer"], r"remote\.valid_after\.copies: .*the tier has no `peers`"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_a_reason(overrides: list[str], said: str) -> None:
    with pytest.raises(InputError) as refused:
        load(ALIVE, overrides)
    assert re.search(said, str(refused.value).replace("\n", " ")), str(refused.value)


def test_replicas_that_leave_the_step_have_no_place_for_copies() -> None:
    in_step = "job.elastic.in_step={drop: 1 min, rejoin: 5 min, source: assumed}"
    with pytest.raises(
        InputError,
        match=r"checkpoints\.peer\.peers: got both, want no `peers` beside",
    ):
        load(ALIVE, [ELASTIC, in_step, PEER + "peers.copies=1"])


def test_every_placement_can_be_written() -> None:
    assert set(get_args(PeersSpec.model_fields["placement"].annotation)) == set(PLACEMENTS)


def test_apart_is_the_nodes_of_one_instance() -> None:
    tiers = setup_of(load(ALIVE, [PEER + "peers.offset=null", PEER + "peers.apart=rack"])).job.plan.tiers
    (placement,) = (tier.peers for tier in tiers if tier.peers is not None)
    assert placement.offset == 2
