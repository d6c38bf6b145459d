"""The start-up time of library:start_up.yaml: a least-squares fit to what was published, by size of the job."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

COLD_RECOVERY_S = {16_000: 200.0, 22_000: 300.0, 64_000: 600.0, 98_000: 900.0}
"""GPUs -> seconds, read from Fig. 2 of Salpekar et al. 2026 (arXiv 2602.00277); second-hand."""

LOAD_S = 129.49
"""ByteCheckpoint (arXiv 2407.20143) Table 8: loading 405 B on 8,960 GPUs; assumed to be part of each cold recovery."""


def fit() -> tuple[float, float, float]:
    """Least squares of base + c (GPUs/1000)^exponent against (cold recovery - load), all three >= 0.

    Returns:
        base in s, c in s, exponent.
    """
    thousands = np.array(list(COLD_RECOVERY_S)) / 1000.0
    seconds = np.array(list(COLD_RECOVERY_S.values())) - LOAD_S

    def residuals(values: NDArray[np.float64]) -> NDArray[np.float64]:
        base_s, at_1000_s, exponent = values
        missed: NDArray[np.float64] = base_s + at_1000_s * thousands**exponent - seconds
        return missed

    found = least_squares(
        residuals,
        x0=(10.0, 10.0, 0.9),
        bounds=([0.0, 0.0, 0.0], [np.inf, np.inf, 3.0]),
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
    )
    base_s, at_1000_s, exponent = (float(value) for value in found.x)
    return base_s, at_1000_s, exponent
