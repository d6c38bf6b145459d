"""The public node fault trace of an LLM-training cluster, and a pool of nodes fitted to it.

Trace: StepFun InfiniteHBD-Trace, 400 nodes of eight GPUs, days 0 to 174, Apache-2.0; Shou et al., SIGCOMM 2025,
arXiv 2502.03885.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import ras_sim
from ras_sim.ledger import Ledger
from ras_sim.metrics import estimate
from ras_sim.report.published import prediction
from ras_sim.scenario.load import loads

TRACE = Path(__file__).parents[2] / "shared" / "data" / "stepfun_fault_trace_days_0_174.json"
N_NODES = 400
DAYS = 174
_SAMPLE_D = 0.25
_LEAST_D = 1e-3  # ended in the same record interval: a logarithm needs some time

Fault = tuple[int, float, float]
"""Node, day it began, day it ended (inf: not within the trace)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is compared: one number for each face of a fleet's faults.

    Args:
        per_1000_node_days: rate of faults.
        down_mean, down_p90: share of the nodes that are down, sampled every six hours.
        node_spread: variance over mean of the faults of a node; 1 if all nodes are alike (Poisson).
        day_spread: variance over mean of the faults of a day; 1 if they strike independently.
    """

    per_1000_node_days: float
    down_mean: float
    down_p90: float
    node_spread: float
    day_spread: float


def read_trace(path: Path = TRACE) -> list[Fault]:
    """The faults of the trace; a fault ends with the first end of the same node and kind after its start."""
    events = sorted(json.loads(path.read_text(encoding="utf-8")), key=lambda event: event["event_time"])
    ids = {node: number for number, node in enumerate(sorted({event["node_id"] for event in events}))}
    waiting: dict[tuple[int, str], list[float]] = defaultdict(list)
    faults: list[Fault] = []
    for event in events:
        node = ids[event["node_id"]]
        begun = waiting[node, json.dumps(event["fault_type"], sort_keys=True)]
        if event["event_type"] == "fault_start":
            begun.append(event["event_time"])
        elif begun:
            faults.append((node, begun.pop(0), event["event_time"]))
    faults += [(node, start, math.inf) for (node, _), starts in waiting.items() for start in starts]
    return faults


def shape_of(faults: Sequence[Fault]) -> Shape:
    """The numbers that are compared."""
    nodes = np.bincount([node for node, _, _ in faults], minlength=N_NODES)
    days = np.bincount([int(start) for _, start, _ in faults], minlength=DAYS)
    down = down_share(faults)
    return Shape(
        1000.0 * len(faults) / (N_NODES * DAYS),
        float(down.mean()),
        float(np.quantile(down, 0.9)),
        float(nodes.var(ddof=1) / nodes.mean()),
        float(days.var(ddof=1) / days.mean()),
    )


def down_share(faults: Iterable[Fault]) -> NDArray[np.float64]:
    """Share of the nodes with at least one open fault, every six hours."""
    at_d = np.arange(0.0, DAYS, _SAMPLE_D)
    down = np.zeros((N_NODES, len(at_d)), dtype=bool)
    for node, start, end in faults:
        down[node] |= (at_d >= start) & (at_d < end)
    share: NDArray[np.float64] = down.mean(axis=0)
    return share


def repair_times_d(faults: Iterable[Fault]) -> NDArray[np.float64]:
    """Days from start to end of the faults that ended, rising."""
    return np.sort([max(end - start, _LEAST_D) for _, start, end in faults if math.isfinite(end)])


def fitted(faults: Sequence[Fault], repair: str) -> ras_sim.Scenario:
    """A pool of 400 nodes with the trace's rate, spread between nodes and repair times.

    Gamma frailty: the faults of a node are Poisson with a gamma mean, so variance / mean = 1 + mean x variance of frailty.

    Args:
        faults: the trace.
        repair: "empirical" (the observed times) or "lognormal" (mean and deviation of their logarithms).
    """
    shape, times_d = shape_of(faults), repair_times_d(faults)
    per_node = len(faults) / N_NODES
    variance = (shape.node_spread - 1.0) / per_node
    if repair == "lognormal":
        logs = np.log(times_d)
        duration = f"{{kind: lognormal, median: {math.exp(logs.mean())} d, sigma: {logs.std(ddof=1)}}}"
    else:
        duration = f"{{kind: empirical, values: [{', '.join(f'{time_d} d' for time_d in times_d)}]}}"
    return loads(_POOL.format(rate=shape.per_1000_node_days, variance=variance, duration=duration))


def faults_of(ledger: Ledger) -> list[Fault]:
    """The faults of a simulated pool."""
    return [
        (row.node, row.arrive_h / 24.0, math.inf if math.isnan(row.closed_h) else row.closed_h / 24.0)
        for row in ledger.incidents
    ]


LABELS = {
    "per_1000_node_days": "faults per 1,000 node-days",
    "down_mean": "share of nodes down, mean",
    "down_p90": "share of nodes down, 90th percentile",
    "node_spread": "faults per node, variance / mean",
    "day_spread": "faults per day, variance / mean",
}
"""Figure -> what it is called."""


def simulated(faults: Sequence[Fault], repair: str, replications: int) -> list[Shape]:
    """The same numbers of simulated pools."""
    pool = fitted(faults, repair)
    runs = (ras_sim.simulate(pool, seed=1, replication=number) for number in range(replications))
    return [shape_of(faults_of(ledger)) for ledger in runs]


def one_run(shapes: Sequence[Shape], name: str) -> tuple[float, float]:
    """The range of one more run, 95 of 100: the trace is one run of a real fleet."""
    found = prediction(estimate([getattr(shape, name) for shape in shapes]))
    if found is None:
        raise ValueError(f"shapes: got {len(shapes)}, want 2 or more")
    return found


_POOL = """
name: a pool fitted to a trace
horizon: 174 d
machine: {{kind: pool, nodes: 400}}
job:
  gpus: 8
  parallel: {{tensor: 8, pipeline: 1, exposed: {{}}, source: the trace has no job}}
  state: 0
  initialise: {{base: 0, at_1000_gpus: 0, exponent: 0, source: the trace has no job}}
  spares: {{nodes: 0, swap: 0, source: the trace has no job}}
detection: {{exception: 0, crash: 0, hang: 0, slow: 0, silent: 0, diagnose: 0, source: repair times begin at the fault}}
failures:
  node:
    fault:
      rate: {rate} per 1000 node-days
      frailty: {{kind: gamma, variance: {variance}}}
      symptoms: {{crash: 1}}
      clears_at: {{repair: 1}}
      source: fitted
repair:
  ladder:
    repair: {{takes_down: node, duration: {duration}, meanwhile: wait, source: fitted}}
  policy: {{start: {{default: repair}}}}
  comes_back: 0
  source: no repair fails silently
"""
