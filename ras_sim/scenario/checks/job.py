"""The job fits the machine, its groups fit the job, and its checkpoints can be kept."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.formats import format_duration
from ras_sim.scenario.build_job import data_width, transfer_h
from ras_sim.scenario.checks.finding import MACHINE_NAMES, RUNG_NAMES, Finding, unknown_name
from ras_sim.scenario.checks.machine import hangs_on
from ras_sim.scenario.job import TierSpec
from ras_sim.scenario.model import Scenario
from ras_sim.topology import Blueprint

_WHOLE = 1e-6  # relative: intervals are written in decimals


def job_findings(scenario: Scenario, machine: Blueprint | None) -> Iterator[Finding]:
    """Everything that keeps the job from running on the machine."""
    if machine is not None:
        yield from _size(scenario, machine)
    yield from _groups(scenario)
    yield from _width(scenario)
    tiers = scenario.job.checkpoints
    shortest_h = min((tier.interval for tier in tiers.values()), default=0.0)
    for name, tier in tiers.items():
        yield from _tier(scenario, ("job", "checkpoints", name), tier, shortest_h)


def _size(scenario: Scenario, machine: Blueprint) -> Iterator[Finding]:
    job, per_node = scenario.job, machine.gpus_per_node
    if job.gpus % per_node:
        below = job.gpus // per_node * per_node
        hint = f"{below:,} or {below + per_node:,}" if below else f"{per_node:,}"
        yield Finding(("job", "gpus"), f"whole nodes, a multiple of {per_node}", hint=hint)
    n_nodes = -(-job.gpus // per_node)
    if n_nodes > machine.n_nodes:
        wanted = f"at most {machine.n_nodes * per_node:,}, what {machine.n_nodes:,} nodes have"
        yield Finding(("job", "gpus"), wanted)
        return
    left = machine.n_nodes - n_nodes
    told = f"the machine has {machine.n_nodes:,} nodes, the job takes {n_nodes:,}"
    warm = 0 if job.spares.warm is None else job.spares.warm.nodes
    if job.spares.nodes > left:
        yield Finding(("job", "spares", "nodes"), f"at most {left:,}: {told}")
    elif job.spares.nodes + warm > left:
        wanted = f"at most {left - job.spares.nodes:,}: {told}, {job.spares.nodes:,} are hot spares"
        yield Finding(("job", "spares", "warm", "nodes"), wanted)
    within = job.spares.within
    if within is not None and within not in machine.counts:
        what = "a component class that nodes hang on"
        yield unknown_name(("job", "spares", "within"), within, machine.counts, what, among=MACHINE_NAMES)
    elif within is not None and (within == "node" or not hangs_on(machine, "node", within)):
        yield Finding(("job", "spares", "within"), "a class that nodes hang on, e.g. rack")


def _width(scenario: Scenario) -> Iterator[Finding]:
    """The least width is one that the job can have."""
    elastic, width = scenario.job.elastic, data_width(scenario.job)
    if elastic is not None and elastic.min_replicas > width:
        yield Finding(("job", "elastic", "min_replicas"), f"at most {width:,}, the data-parallel width")
    if scenario.job.spares.warm is not None and scenario.job.spares.nodes == 0:
        wanted = "at least one: warm nodes become hot spares"
        yield Finding(("job", "spares", "nodes"), wanted)


def _groups(scenario: Scenario) -> Iterator[Finding]:
    job, parallel = scenario.job, scenario.job.parallel
    n_model = parallel.tensor * parallel.pipeline
    where = ("job", "parallel")
    if job.gpus % n_model:
        got = f"tensor x pipeline = {parallel.tensor} x {parallel.pipeline} = {n_model:,}"
        yield Finding(where, f"a divisor of the job's {job.gpus:,} GPUs", got, at_key=True)
    elif data_width(job) % parallel.expert:
        yield Finding((*where, "expert"), f"a divisor of the data-parallel width, {data_width(job):,}")


def _tier(scenario: Scenario, where: tuple[str, ...], tier: TierSpec, shortest_h: float) -> Iterator[Finding]:
    multiple = tier.interval / shortest_h
    if abs(multiple - round(multiple)) > _WHOLE * multiple:
        wanted = f"a whole multiple of the shortest interval, {format_duration(shortest_h)}"
        yield Finding((*where, "interval"), wanted)
    valid_after_h = transfer_h(tier.valid_after, scenario.job, tier.peers)
    if valid_after_h > tier.interval:
        wanted = f"at most the interval, {format_duration(tier.interval)}: saves would overlap"
        yield Finding((*where, "valid_after"), wanted, format_duration(valid_after_h))
    rungs = scenario.repair.ladder
    if tier.survives not in rungs:
        what = "a rung of the ladder"
        yield unknown_name((*where, "survives"), tier.survives, rungs, what, among=RUNG_NAMES)
