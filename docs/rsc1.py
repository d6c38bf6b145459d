"""MTTF and ETTR by size of the job, after RSC-1: Kokolis et al., HPCA 2025, arXiv 2410.21680."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import ras_sim
from ras_sim.metrics import Estimate

SCENARIO = Path(__file__).parents[1] / "scenarios" / "rsc1_mttf.yaml"
SIZES = (1024, 4096, 16384, 131072)
PER_NODE_DAY = 6.50e-3
U0_H, DT_H, W_H = 10 / 60, 1.0, 5 / 60
MEASURED_MTTF_H = 7.9
"""Fig. 7, jobs of 1,024 GPUs: 3.7 times shorter than the paper's own node rate gives."""

_STOPS = 300  # aimed at in one replication, so that every size is known equally well


@dataclass(frozen=True, slots=True)
class Row:
    """One size: what the formulas say and what was simulated."""

    n_gpus: int
    mttf_h: float
    ettr_published: float
    ettr_exact: float
    simulated_mttf_h: Estimate
    simulated_ettr: Estimate


def mttf_h(n_gpus: int) -> float:
    """Published projection: 24 h / (nodes x failures per node-day)."""
    return 24.0 / (n_gpus / 8 * PER_NODE_DAY)


def ettr_published(n_gpus: int) -> float:
    """E[ETTR] = (1 - N r (u0 + dt/2)) / (1 + w/dt): first order in the failure rate, negative for very large jobs."""
    return (1.0 - (U0_H + DT_H / 2) / mttf_h(n_gpus)) / (1.0 + W_H / DT_H)


def ettr_exact(n_gpus: int) -> float:
    """dt / E[time for dt of work], with E = (1/rate + u0) (exp(rate (dt + w)) - 1): failures exponential, none during u0.

    Source: Daly, A higher order estimate of the optimum checkpoint interval, FGCS 2006, with a restart that cannot fail.
    """
    mean_h = mttf_h(n_gpus)
    return DT_H / ((mean_h + U0_H) * math.expm1((DT_H + W_H) / mean_h))


def row(n_gpus: int, replications: int = 10) -> Row:
    """Simulate one size."""
    elapsed_h = _STOPS * (mttf_h(n_gpus) + U0_H)
    sized = (f"machine.nodes={n_gpus // 8}", f"job.gpus={n_gpus}", f"horizon={elapsed_h} h")
    result = ras_sim.run(ras_sim.load(SCENARIO, sized), replications=replications, workers=1)
    metrics = result.aggregate.metrics
    return Row(
        n_gpus, mttf_h(n_gpus), ettr_published(n_gpus), ettr_exact(n_gpus), metrics["mtti_h"], metrics["ettr"]
    )
