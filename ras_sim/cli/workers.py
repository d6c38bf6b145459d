"""Who does the work, as the options of a command say it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from ras_sim.cli.guard import say
from ras_sim.errors import InputError, Problem
from ras_sim.experiment.executors import Cluster, Workers


def at_hand(workers: Workers, n_tasks: int) -> AbstractContextManager[None]:
    """Processes that were asked for start while the block loads the rest of the program, and end with it.

    Args:
        workers: who does the work; nothing starts unless it says how many processes.
        n_tasks: that there will be, as far as is known.
    """
    n = min(workers, n_tasks) if isinstance(workers, int) else 1
    if n <= 1:
        return nullcontext()
    from ras_sim.experiment.processes import started

    return started(n)


def chosen(workers: int | None, address: str | None, tls: Path | None, quiet: bool) -> Workers:
    """Processes of this machine, or a cluster: that is asked for its workers before anything is done.

    Raises: InputError if the options contradict each other, or the cluster does not answer.
    """
    if address is None:
        if tls is not None:
            raise InputError([Problem("", None, None, "--cluster-tls", "no --cluster", "both or none")])
        return workers
    if workers is not None:
        hint = "a cluster has the workers that it has"
        raise InputError([Problem("", None, None, "--workers", "--cluster beside it", "one of them", hint)])
    from ras_sim.experiment.cluster import check

    cluster = Cluster(address, tls)
    n = check(cluster)
    if not quiet:
        say(f"{address}: {n} workers" if n else f"{address}: no workers yet, waiting for the first")
    return cluster
