"""Stand-ins for the engine whose goodput is a known function of some numbers of the scenario."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ras_sim.ledger import JobRow, Ledger
from ras_sim.scenario.model import Scenario

KEYS = ("detection.exception", "detection.crash", "detection.hang", "detection.slow")
"""Numbers that a stand-in reads; each range is 1 h to 2 h, its place in the unit interval is the value less 1."""


def ranges(n: int) -> list[str]:
    """The first n numbers over their ranges."""
    return [f"{key}=1..2 h" for key in KEYS[:n]]


@dataclass(frozen=True)
class Response:
    """Goodput is `function(u, history)`, u the places of the first n numbers in their ranges."""

    function: Callable[[np.ndarray, int], float]
    n: int

    def __call__(self, scenario: Scenario, *, seed: int, replication: int) -> Ledger:
        spec = scenario.detection
        times = (spec.exception, spec.crash, spec.hang, spec.slow)
        u = np.array([time.build().mean_h - 1.0 for time in times[: self.n]])
        goodput = self.function(u, replication)
        horizon_h = scenario.horizon_h
        rows = [
            JobRow(0.0, horizon_h, "productive", goodput * horizon_h, -1),
            JobRow(0.0, horizon_h, "initialise", (1.0 - goodput) * horizon_h, -1),
        ]
        return Ledger(scenario.name, seed, replication, horizon_h, 1, 1, job=rows)


ISHIGAMI_SCALE = 0.01


def ishigami(u: np.ndarray, _history: int = 0) -> float:
    """Ishigami's function with a = 7, b = 0.1 at pi (2u - 1), brought into 0..1."""
    x = math.pi * (2.0 * u - 1.0)
    value = math.sin(x[0]) + 7.0 * math.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * math.sin(x[0])
    return 0.3 + ISHIGAMI_SCALE * value


def ishigami_indices() -> dict[str, list[float]]:
    """Its first and total indices. Source: Ishigami & Homma, ISUMA '90; Saltelli et al., Sensitivity Analysis (2000)."""
    a, b = 7.0, 0.1
    v1, v2 = 0.5 * (1.0 + b * math.pi**4 / 5.0) ** 2, a**2 / 8.0
    v13 = b**2 * math.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    total = v1 + v2 + v13
    return {"S1": [v1 / total, v2 / total, 0.0], "ST": [(v1 + v13) / total, v2 / total, v13 / total]}


SLOPES = (0.02, -0.3, 0.1, 0.0)


def linear(u: np.ndarray, _history: int = 0) -> float:
    """A plane."""
    return 0.5 + float(np.dot(SLOPES[: len(u)], u - 0.5))


def linear_with_luck(u: np.ndarray, history: int) -> float:
    """A plane whose first slope is another one in every history, and a level that all points share."""
    return linear(u) + 0.05 * math.sin(history) + 0.01 * slope_luck(history) * float(u[0] - 0.5)


def slope_luck(history: int) -> float:
    """Some number that belongs to a history."""
    return math.cos(7.0 * history + 1.0)


def valley(u: np.ndarray, _history: int = 0) -> float:
    """Best in the middle: both ends are equally bad."""
    return 0.9 - 0.4 * float((u[0] - 0.5) ** 2)
