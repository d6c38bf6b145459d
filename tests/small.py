"""Small scenarios for tests: a pool of nodes on which nothing costs time until a test says so."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ras_sim.engine import simulate
from ras_sim.ledger import IncidentRow, Ledger
from ras_sim.scenario.model import Scenario

SOURCE = {"source": "assumed"}


def h(hours: float) -> str:
    """Hours as a person writes them."""
    return f"{float(hours)!r} h"


def per_h(rate: float) -> str:
    """A rate as a person writes it."""
    return f"{float(rate)!r} /h"


def exponential(mean_h: float) -> dict[str, Any]:
    return {"kind": "exponential", "mean": h(mean_h)}


def fixed(hours: float) -> dict[str, Any]:
    return {"kind": "deterministic", "value": h(hours)}


def weibull(shape: float, mean_h: float) -> dict[str, Any]:
    return {"kind": "weibull", "shape": shape, "mean": h(mean_h)}


def mode(*, clears_at: Mapping[str, float] | None = None, **keys: Any) -> dict[str, Any]:
    """A failure mode; it crashes and the rung `fix` clears it unless told otherwise."""
    return {"symptoms": {"crash": 1.0}, "clears_at": dict(clears_at or {"fix": 1.0}), **keys, **SOURCE}


LIFE_H = 1000.0


def at(hour: float, symptom: str = "crash", **keys: Any) -> dict[str, Any]:
    """A mode of which every part fails at that hour, and not again."""
    return mode(lifetime=fixed(LIFE_H), start_age=h(LIFE_H - hour), symptoms={symptom: 1.0}, **keys)


def rung(duration: Any = 0, **keys: Any) -> dict[str, Any]:
    """A rung that restarts the job's processes while the job waits, unless told otherwise."""
    return {"takes_down": "job", "duration": duration, "meanwhile": "wait", **keys, **SOURCE}


def tier(interval_h: float, blocking_h: float = 0.0, **keys: Any) -> dict[str, Any]:
    """A checkpoint tier that is valid at once, restores at once and survives `fix`."""
    times = {"interval": h(interval_h), "blocking": h(blocking_h)}
    return {**times, "valid_after": 0, "restore": 0, "survives": "fix", **keys, **SOURCE}


_INSTANT: dict[str, Any] = {
    "name": "small",
    "horizon": "1000 h",
    "machine": {"kind": "pool", "nodes": 1, "gpus_per_node": 1},
    "job": {
        "gpus": 1,
        "parallel": {"tensor": 1, "pipeline": 1, "exposed": {}, **SOURCE},
        "state": "1 GB",
        "initialise": {"base": 0, "at_1000_gpus": 0, "exponent": 0.0, **SOURCE},
        "checkpoints": {},
        "spares": {"nodes": 0, "swap": 0, **SOURCE},
    },
    "detection": {
        **dict.fromkeys(("exception", "crash", "hang", "slow", "silent", "diagnose"), 0),
        **SOURCE,
    },
    "failures": {},
    "repair": {
        "ladder": {"fix": rung()},
        "policy": {"start": {"default": "fix"}},
        "comes_back": "1 h",
        **SOURCE,
    },
}


def small(horizon_h: float = 1000.0, nodes: int = 1, job_nodes: int = 1, **changes: Any) -> Scenario:
    """A pool of one-GPU nodes with the keys of `changes` set; `__` in a key goes one block down.

    >>> small(nodes=3, job__spares__nodes=2).job.spares.nodes
    2
    """
    data = copy.deepcopy(_INSTANT)
    data["horizon"] = h(horizon_h)
    data["machine"]["nodes"] = nodes
    data["job"]["gpus"] = job_nodes
    for key, value in changes.items():
        *path, last = key.split("__")
        block = data
        for name in path:
            block = block.setdefault(name, {})
        block[last] = value
    return Scenario.model_validate(data)


def ladder(rungs: Mapping[str, Any], start: str = "", **keys: Any) -> dict[str, Any]:
    """A repair block with the given rungs, lowest first; starts at the lowest one."""
    policy = {"start": {"default": start or next(iter(rungs))}, **keys.pop("policy", {})}
    return {"ladder": dict(rungs), "policy": policy, "comes_back": "1 h", **keys, **SOURCE}


def play(modes: Mapping[str, Any], n_nodes: int, horizon_h: float = 40.0, **changes: Any) -> Ledger:
    """The first history of nodes with these modes, all in the job, with a tier that saves each hour at no cost."""
    nodes = {"nodes": n_nodes, "job_nodes": n_nodes}
    given = {"job__checkpoints": {"disk": tier(1.0)}, "failures": {"node": modes}, **nodes, **changes}
    return simulate(small(horizon_h, **given), seed=1, replication=0)


def runs(scenario: Scenario, n: int, seed: int = 1) -> list[Ledger]:
    """The first n replications."""
    return [simulate(scenario, seed=seed, replication=k) for k in range(n)]


def hours(ledger: Ledger) -> dict[str, float]:
    """Hours by category, without those that got none."""
    totals: Counter[str] = Counter()
    for row in ledger.job:
        totals[row.category] += row.hours
    return {category: total for category, total in totals.items() if abs(total) > 1e-12}


def faults_of(ledger: Ledger, name: str) -> list[IncidentRow]:
    """The incidents of one mode, in order of arrival."""
    return [row for row in ledger.incidents if row.mode == name]


def counts_by_part(ledger: Ledger, n_parts: int, name: str = "crash") -> np.ndarray:
    """Incidents of each part, (n_parts,)."""
    return np.bincount([row.instance for row in ledger.incidents if row.mode == name], minlength=n_parts)


def z_mean(sample: ArrayLike, expected: float) -> float:
    """How many standard errors the mean of independent values is off."""
    values = np.asarray(sample, dtype=float)
    return float((values.mean() - expected) / (values.std(ddof=1) / math.sqrt(len(values))))


def z_two(first: ArrayLike, second: ArrayLike) -> float:
    """How many standard errors the means of two independent samples lie apart."""
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    return float((a.mean() - b.mean()) / math.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))


def p_chi_square(observed: Iterable[int], law: Sequence[float]) -> float:
    """p-value of counts of 0, 1, 2 ... against their probabilities; cells that expect few are put together.

    Args:
        observed: the values seen, each >= 0.
        law: probabilities of 0, 1, ..., the last of everything beyond.
    """
    values = np.minimum(np.asarray(list(observed), dtype=int), len(law) - 1)
    seen = np.bincount(values, minlength=len(law)).astype(float)
    expected = np.asarray(law) / sum(law) * len(values)
    cells: list[tuple[float, float]] = []
    pending = (0.0, 0.0)
    for pair in zip(seen, expected, strict=True):
        pending = (pending[0] + pair[0], pending[1] + pair[1])
        if pending[1] >= 8.0:
            cells.append(pending)
            pending = (0.0, 0.0)
    if cells:
        cells[-1] = (cells[-1][0] + pending[0], cells[-1][1] + pending[1])
    got, want = np.array(cells).T
    return float(stats.chisquare(got, want * got.sum() / want.sum()).pvalue)
