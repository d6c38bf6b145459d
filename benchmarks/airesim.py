"""AIReSim (github.com/karthikp-ubc/airesim) on its own default parameters, timed side by side from a checkout of it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.processes import fresh, python
from benchmarks.timing import Sample

HOW_TO = "git clone https://github.com/karthikp-ubc/airesim, then --airesim PATH"

_RUN = """
import sys, time
sys.path.insert(0, sys.argv[1])
from airesim.params import Params
from airesim.simulator import Simulator
began = time.process_time()
Simulator(Params(), seed=int(sys.argv[2])).run()
print(time.process_time() - began)
"""


def timed(checkout: Path, rounds: int) -> Sample:
    """CPU seconds of one of its replications, in a process of its own, imports not counted.

    Args:
        checkout: folder that holds the package `airesim`.
        rounds: how often, >= 1, each with another seed.

    Raises:
        RuntimeError: it did not run.
    """
    return Sample(
        tuple(float(fresh(python(_RUN, str(checkout), str(seed))).output) for seed in range(rounds))
    )
