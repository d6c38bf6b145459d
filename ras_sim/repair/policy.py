"""The policy: on which rung to start, when to climb, and when a node is a lemon."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ras_sim.repair.function import PolicyFunction
from ras_sim.repair.ladder import Ladder, next_level
from ras_sim.repair.tolerance import ToleranceRule


@dataclass(frozen=True, slots=True)
class LemonRule:
    """`incidents` on one node within `window_h` send it to rung `level`."""

    incidents: int
    window_h: float
    level: int


@dataclass(frozen=True, slots=True)
class DegradedRule:
    """What to do with a part that slows the job and does not stop it.

    Args:
        drain_below: nodes that were only narrowed are drained if the job runs slower than this, and spares are there.
        defer_from: the repair of a part that leaves the job at least this speed waits.
        until: what it waits for: next_stop, planned_stop, or that the unit is replaced.
        at_most_h: longest wait, None without end.
    """

    drain_below: float
    defer_from: float
    until: Literal["next_stop", "planned_stop", "replaced"]
    at_most_h: float | None

    def ends_at(self, planned: bool) -> bool:
        """Whether a stop of the job, planned or not, is what a repair waits for."""
        return self.until == "next_stop" or (planned and self.until == "planned_stop")


@dataclass(frozen=True, slots=True)
class EscalationRule:
    """An incident that was detected `after_h` ago goes on at rung `level` at least."""

    after_h: float
    level: int


@dataclass(frozen=True, slots=True)
class ProbationRule:
    """A node that comes back from one of the rungs `levels` is the last choice among the spares for `time_h`."""

    levels: frozenset[int]
    time_h: float


@dataclass(frozen=True, slots=True)
class Policy:
    """What to try first, and when to give up trying.

    Args:
        ladder: the rungs.
        start: (class, mode, symptom) is looked up as "class.mode", "class", "symptom", "default", in this order.
        tries_window_h: tries of a rung on one root cause are forgotten after this time.
        lemon: rule for repeat offenders, or None.
        tolerate_speed: a slow part that leaves the job at least this speed is left in it.
        degraded: rule for parts that slow the job, or None: they are repaired at once.
        tolerate: rules for faults that are sat out, by "class.mode" or "class".
        escalate: rule for incidents that take long, or None.
        probation: rule for nodes that come back, or None.
        merges: incidents on a node that is down for another one wait for that.
        function: is asked for each rung, if there is one.
    """

    ladder: Ladder
    start: Mapping[str, int]
    tries_window_h: float
    lemon: LemonRule | None
    tolerate_speed: float
    degraded: DegradedRule | None = None
    tolerate: Mapping[str, ToleranceRule] = field(default_factory=dict)
    escalate: EscalationRule | None = None
    probation: ProbationRule | None = None
    merges: bool = False
    function: PolicyFunction | None = None

    def tolerance(self, component_class: str, mode_key: str) -> ToleranceRule | None:
        """The rule for faults of a mode that may be sat out: that of the mode, of the class, or None."""
        return self.tolerate.get(mode_key) or self.tolerate.get(component_class)

    def start_level(self, component_class: str, mode_key: str, symptom: str) -> int:
        """The first rung to try; the next applicable one where that rung does not apply to the class."""
        for name in (mode_key, component_class, symptom):
            level = self.start.get(name)
            if level is not None:
                break
        else:
            level = self.start["default"]
        if self.ladder[level].applies(component_class):
            return level
        return next_level(self.ladder, level, component_class)


@dataclass(slots=True, eq=False)
class RootCause:
    """What is truly wrong, across all incidents in which it shows: it keeps its key, its need and its history.

    Args:
        incident_id: the incident in which it first struck.
        key: of all draws about it.
        needs: the lowest rung that truly fixes it.
        failed_h: own clock of the part at the fault, for its age.
        life: the life of the part that it ended; EXTRA where it ended none.
        overdrawn: it is beyond what the part's budget takes in.
        n_returns: how often it came back.
        installed: whether the part that a repair put in works; None while the first one is in place.
        n_corruptions: how many of its corruption events were drawn.
        n_alarms: how often a monitor noticed it.
        n_tests: how often a test could have found it.
        tries: (rung, when) of every try, in order.
    """

    incident_id: int
    key: int
    needs: int
    failed_h: float
    life: int
    overdrawn: bool = False
    n_returns: int = 0
    installed: bool | None = None
    n_corruptions: int = 0
    n_alarms: int = 0
    n_tests: int = 0
    tries: list[tuple[int, float]] = field(default_factory=list)

    def count_try(self, level: int, now_h: float) -> int:
        """Note a try of a rung; returns its number among all tries of that rung on this root cause, from 0."""
        n = 0
        for tried, _ in self.tries:
            n += tried == level
        self.tries.append((level, now_h))
        return n

    def next_test(self) -> int:
        """The number of the next test of its part."""
        self.n_tests += 1
        return self.n_tests - 1

    def recent_tries(self, level: int, since_h: float) -> int:
        """Tries of a rung since an instant."""
        n = 0
        for tried, at_h in self.tries:
            n += tried == level and at_h >= since_h
        return n


class LemonWatch:
    """Counts incidents per node within the window of the lemon rule."""

    __slots__ = ("_rule", "_seen")

    def __init__(self, rule: LemonRule | None) -> None:
        self._rule = rule
        self._seen: dict[int, deque[float]] = {}

    def level(self, node: int | None, now_h: float) -> int:
        """Note an incident; returns the rung to start on at least, 0 if the node is no lemon."""
        rule = self._rule
        if rule is None or node is None:
            return 0
        seen = self._seen.setdefault(node, deque())
        seen.append(now_h)
        while seen[0] < now_h - rule.window_h:
            seen.popleft()
        if len(seen) < rule.incidents:
            return 0
        return rule.level

    def forget(self, node: int | None) -> None:
        """What was wrong in the node was replaced: its record is clean."""
        if node is not None:
            self._seen.pop(node, None)
