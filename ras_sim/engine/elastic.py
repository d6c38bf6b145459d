"""The width of the job: replicas that were given up for want of nodes, and replicas that dropped out of the step."""

from __future__ import annotations

from collections.abc import Iterable

from ras_sim.cluster import Cluster
from ras_sim.job.elastic import ElasticRule
from ras_sim.ledger import NO_INCIDENT
from ras_sim.repair.incident import Incident


class Elastic:
    """How wide the job is, in one replication; always full without a rule.

    Args:
        rule: of the scenario, or None.
        cluster: which nodes serve the job.
    """

    def __init__(self, rule: ElasticRule | None, cluster: Cluster) -> None:
        self._rule = rule
        self._cluster = cluster
        self._width = rule.full if rule is not None else 1
        self._out: dict[int, set[int]] = {}  # incident -> replicas that it dropped out of the step
        self.cause = NO_INCIDENT  # the incident that made the job narrower last

    @property
    def share(self) -> float:
        """Relative speed at the present width: every replica does the same share of the work."""
        if self._rule is None:
            return 1.0
        return (self._width - self._n_out()) / self._rule.full

    def _n_out(self) -> int:
        return len(set[int]().union(*self._out.values())) if self._out else 0

    # ------------------------------------------------------------------ fewer replicas after a restart

    @property
    def can_shrink(self) -> bool:
        """Whether the job can go on at a smaller width, with the nodes that nothing holds."""
        rule = self._rule
        return rule is not None and rule.in_step is None and self._best() >= rule.least

    def can_grow(self) -> bool:
        """Whether there are nodes for more replicas."""
        rule = self._rule
        return rule is not None and self._width < rule.full and self._best() > self._width

    @property
    def grows_at_once(self) -> bool:
        """Whether the job stops to grow."""
        return self._rule is not None and self._rule.grow_at_once and self.can_grow()

    def _best(self) -> int:
        """The largest width for the nodes that are there."""
        if self._rule is None:
            return self._width
        return self._rule.replicas(self._cluster.n_sound + self._cluster.n_could_join)

    def refit(self, cause: int) -> tuple[list[int], list[int]]:
        """Take the largest width that there are nodes for; returns who left the job for it and who joined."""
        rule = self._rule
        if rule is None:
            return [], []
        width = self._best()
        if width < self._width:
            self.cause = cause
        self._width = width
        return self._cluster.resize(rule.nodes(width))

    # ------------------------------------------------------------------ replicas that drop out of the step

    def can_drop(self, incident: Incident, nodes: Iterable[int]) -> bool:
        """Whether the others can go on without the replicas on these nodes, in the same step."""
        rule = self._rule
        if rule is None or rule.in_step is None or incident.symptom in ("exception", "silent"):
            return False
        gone = self._replicas(nodes).union(*self._out.values())
        return self._width - len(gone) >= rule.least

    def drop(self, incident: Incident, nodes: Iterable[int]) -> float:
        """The replicas on these nodes drop out; returns the pause of the others, hours."""
        rule = self._rule
        self._out.setdefault(incident.incident_id, set()).update(self._replicas(nodes))
        self.cause = incident.incident_id
        return rule.in_step.drop_h if rule is not None and rule.in_step is not None else 0.0

    def is_out(self, incident: Incident) -> bool:
        """Whether replicas dropped out for it."""
        return incident.incident_id in self._out

    def rejoin_h(self, key: int, ordinal: int) -> float:
        """Time from the repair of a replica until it trains again."""
        rule = self._rule
        return rule.in_step.rejoin.draw(key, ordinal) if rule is not None and rule.in_step is not None else 0.0

    def rejoin(self, incident: Incident) -> None:
        """Its replicas train again, unless another incident keeps them out."""
        self._out.pop(incident.incident_id, None)
        if self.cause == incident.incident_id and self._out:
            self.cause = next(reversed(self._out))

    def _replicas(self, nodes: Iterable[int]) -> set[int]:
        rule, place = self._rule, self._cluster.place
        return set() if rule is None else {one for node in nodes for one in rule.replicas_of(place(node))}
