"""Copies of checkpoints in the memory of other nodes fit the job and the machine."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.job.checkpoints import NODE_LOST
from ras_sim.scenario.build_job import LOSS, build_elastic, build_placement
from ras_sim.scenario.checks.finding import MACHINE_NAMES, Finding, unknown_name
from ras_sim.scenario.checks.machine import hangs_on
from ras_sim.scenario.job import PeersSpec, TierSpec, TransferSpec
from ras_sim.scenario.model import Scenario
from ras_sim.topology import Blueprint


def peer_findings(scenario: Scenario, machine: Blueprint | None) -> Iterator[Finding]:
    """Everything that keeps tiers from having the copies that are asked for."""
    for name, tier in scenario.job.checkpoints.items():
        where = ("job", "checkpoints", name)
        yield from _bytes(where, tier)
        if tier.peers is None:
            continue
        rung = scenario.repair.ladder.get(tier.survives)
        if rung is not None and LOSS[rung.takes_down] >= NODE_LOST:
            wanted = "a rung that takes down less than a unit: what no unit takes along needs no copies"
            yield Finding((*where, "survives"), wanted)
        elastic = scenario.job.elastic
        if elastic is not None and elastic.in_step is not None:
            wanted = (
                "no `peers` beside `elastic.in_step`: the parts of a replica that left the step have no place"
            )
            yield Finding((*where, "peers"), wanted, "both", at_key=True)
        if machine is not None:
            yield from _distance(scenario, (*where, "peers"), tier.peers, machine)


def _bytes(where: tuple[str, ...], tier: TierSpec) -> Iterator[Finding]:
    """Bytes for each copy are moved by saves of a tier that has copies."""
    for key, spec in (("valid_after", tier.valid_after), ("restore", tier.restore)):
        if (
            isinstance(spec, TransferSpec)
            and spec.copies == "each_peer"
            and (key == "restore" or tier.peers is None)
        ):
            reason = "reading back moves no copies" if key == "restore" else "the tier has no `peers`"
            yield Finding((*where, key, "copies"), f"one or each_replica: {reason}")


def _distance(
    scenario: Scenario, where: tuple[str, ...], peers: PeersSpec, machine: Blueprint
) -> Iterator[Finding]:
    """Holders are apart, and there are nodes enough for all of them at every width."""
    if peers.apart is not None and peers.apart not in machine.counts:
        what = "a component class that nodes hang on"
        yield unknown_name((*where, "apart"), peers.apart, machine.counts, what, among=MACHINE_NAMES)
        return
    placement = build_placement(peers, machine)
    if peers.apart is not None and (
        peers.apart == "node" or not hangs_on(machine, "node", peers.apart) or placement.offset < 1
    ):
        yield Finding((*where, "apart"), "a class that nodes hang on, e.g. rack")
        return
    rule = build_elastic(scenario.job, machine.gpus_per_node)
    n_nodes = scenario.job.gpus // machine.gpus_per_node if rule is None else rule.nodes(rule.least)
    needed = (placement.copies + 1) * placement.offset
    if needed > n_nodes:
        key = "apart" if peers.apart else "offset" if peers.offset else "copies"
        has = f"the job has {n_nodes:,}" + ("" if rule is None else " at its least width")
        apart = f"{placement.copies + 1:,} holders {placement.offset:,} nodes apart"
        yield Finding((*where, key), f"what fits the job: {apart} take {needed:,} nodes, {has}")
