"""Arguments that no run can be made of."""

from __future__ import annotations

from ras_sim.errors import InputError, Problem
from ras_sim.experiment.executors import Workers


def check_arguments(replications: int, workers: Workers) -> None:
    """Raise InputError for numbers that no run can be made of."""
    if replications < 1:
        raise wrong_argument("--replications", str(replications), ">= 1")
    if isinstance(workers, int) and workers < 1:
        raise wrong_argument("--workers", str(workers), ">= 1, or none for one per core")


def wrong_argument(where: str, got: str, wanted: str) -> InputError:
    """An error in an argument."""
    return InputError((Problem("", None, None, where, got, wanted),))
