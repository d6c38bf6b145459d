"""The training job, built: its size, its groups, its widths, and where and how it saves."""

from __future__ import annotations

from collections.abc import Mapping

from ras_sim.job.checkpoints import (
    GPUS_LOST,
    MEMORY_LOST,
    NEVER_H,
    NODE_LOST,
    NOTHING_LOST,
    PROCESSES_LOST,
    Plan,
    Tier,
)
from ras_sim.job.elastic import ElasticRule, InStep
from ras_sim.job.parallelism import Layout
from ras_sim.job.peers import PLACEMENTS, Placement
from ras_sim.job.recovery import StartUp, Transfer
from ras_sim.job.retention import Retention
from ras_sim.job.spec import JobSpec
from ras_sim.repair.diagnostics import Test
from ras_sim.scenario.job import JobSpec as JobSection
from ras_sim.scenario.job import PeersSpec, TierSpec, TransferSpec
from ras_sim.scenario.repair import RungSpec, Scope
from ras_sim.topology import BlastWalk, Blueprint

LOSS: Mapping[Scope, int] = {
    "operation": NOTHING_LOST,
    "job": PROCESSES_LOST,
    "reset_domain": GPUS_LOST,
    "node": MEMORY_LOST,
    "unit": NODE_LOST,
}
"""What of the job's state a rung destroys, by what it takes down."""


def build_layout(job: JobSection, gpus_per_domain: int) -> Layout:
    """The parallel groups on the machine."""
    parallel = job.parallel
    return Layout(
        tensor=parallel.tensor,
        pipeline=parallel.pipeline,
        data=data_width(job),
        expert=parallel.expert,
        exposed={str(group): share for group, share in parallel.exposed.items()},
        gpus_per_domain=gpus_per_domain,
    )


def build_elastic(job: JobSection, gpus_per_node: int) -> ElasticRule | None:
    """How narrow the job may become, None if its width is fixed."""
    spec = job.elastic
    if spec is None:
        return None
    return ElasticRule(
        full=data_width(job),
        least=spec.min_replicas,
        gpus_per_replica=job.parallel.tensor * job.parallel.pipeline,
        gpus_per_node=gpus_per_node,
        reconfigure=spec.reconfigure.build(),
        grow_at_once=spec.grow == "at_once",
        in_step=InStep(spec.in_step.drop, spec.in_step.rejoin.build()) if spec.in_step else None,
    )


def data_width(job: JobSection) -> int:
    """Data-parallel width: replicas of the model."""
    return job.gpus // (job.parallel.tensor * job.parallel.pipeline)


def transfer_h(spec: float | TransferSpec, job: JobSection, peers: PeersSpec | None = None) -> float:
    """Hours of a save or a restore: stated, or from bytes and bandwidth."""
    if isinstance(spec, float):
        return spec
    n_peers = 1 if peers is None else peers.copies
    copies = {"one": 1, "each_replica": data_width(job), "each_peer": n_peers}[spec.copies]
    return Transfer(spec.bandwidth, spec.latency).hours(job.state * copies)


def shortest_interval(tiers: Mapping[str, TierSpec]) -> float:
    """The unit in which all tiers count, NEVER_H if there is no tier."""
    return min((tier.interval for tier in tiers.values()), default=NEVER_H)


def build_placement(spec: PeersSpec, blueprint: Blueprint) -> Placement:
    """Where the copies of a tier are. The first instance of a class is full: only the last may have fewer nodes."""
    offset = spec.offset or 1
    if spec.apart is not None:
        offset = len(BlastWalk(blueprint).nodes_hit(spec.apart, 0))
    return Placement(PLACEMENTS[spec.placement], spec.copies, offset)


def build_job(
    job: JobSection, ladder: Mapping[str, RungSpec], tests: tuple[Test, ...], blueprint: Blueprint
) -> JobSpec:
    """The job's sizes and times. A tier that survives a rung survives every rung that takes down no more."""
    interval_h = shortest_interval(job.checkpoints)
    tiers = tuple(
        Tier(
            name=name,
            multiple=round(tier.interval / interval_h),
            blocking_h=tier.blocking,
            valid_after_h=transfer_h(tier.valid_after, job, tier.peers),
            restore_h=transfer_h(tier.restore, job),
            survives=LOSS[ladder[tier.survives].takes_down],
            keep=Retention(tier.keep.last, tier.keep.every, tier.keep.age) if tier.keep else None,
            peers=build_placement(tier.peers, blueprint) if tier.peers else None,
        )
        for name, tier in sorted(job.checkpoints.items())
    )
    start_up = StartUp(job.initialise.base, job.initialise.at_1000_gpus, job.initialise.exponent)
    return JobSpec(
        n_gpus=job.gpus,
        work_h=job.work,
        start_up_h=start_up.hours(job.gpus),
        plan=Plan(interval_h, tiers),
        tested_frac=sum(test.pause_frac for test in tests),
    )
