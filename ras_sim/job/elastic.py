"""Training at a smaller width: when a job may shrink, when it grows again, and replicas that leave a step."""

from __future__ import annotations

from dataclasses import dataclass

from ras_sim.distributions import Distribution


@dataclass(frozen=True, slots=True)
class InStep:
    """Fault tolerance inside the step: a failing replica drops out, the others go on.

    Args:
        drop_h: pause of the others until they go on without it.
        rejoin: from its repair until it trains again.
    """

    drop_h: float
    rejoin: Distribution


@dataclass(frozen=True, slots=True)
class ElasticRule:
    """How narrow a job may become.

    Args:
        full: data-parallel replicas of the whole job.
        least: replicas below which it waits for capacity.
        gpus_per_replica: GPUs that hold one model.
        gpus_per_node: GPUs of a node.
        reconfigure: time to form the groups anew at another width.
        grow_at_once: stop the job to grow as soon as it can; otherwise it grows when it stops anyway.
        in_step: a failing replica drops out without a stop, or None.
    """

    full: int
    least: int
    gpus_per_replica: int
    gpus_per_node: int
    reconfigure: Distribution
    grow_at_once: bool
    in_step: InStep | None

    def replicas(self, n_nodes: int) -> int:
        """Replicas that so many nodes can hold, at most the full width.

        >>> from ras_sim.distributions import Deterministic
        >>> rule = ElasticRule(4, 1, 16, 8, Deterministic(0.0), True, None)
        >>> [rule.replicas(n) for n in (8, 7, 6, 1, 20)]
        [4, 3, 3, 0, 4]
        """
        return min(self.full, n_nodes * self.gpus_per_node // self.gpus_per_replica)

    def nodes(self, width: int) -> int:
        """Nodes that so many replicas take."""
        return -(-width * self.gpus_per_replica // self.gpus_per_node)

    def replicas_of(self, place: int) -> range:
        """Replicas that have ranks on the node in a place of the job."""
        first, last = place * self.gpus_per_node, (place + 1) * self.gpus_per_node - 1
        return range(first // self.gpus_per_replica, last // self.gpus_per_replica + 1)
