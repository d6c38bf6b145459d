"""What finds faults that do not announce themselves: tests, monitors of the training, and what follows an accusation."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from ras_sim.distributions import Distribution


@dataclass(frozen=True, slots=True)
class Validation:
    """A test with its errors.

    Args:
        duration: of one test.
        coverage: probability to find a fault that is there.
        p_false_alarm: probability to reject a good node.
        coverage_of: the same as `coverage` for single failure modes ("gpu.sdc") and classes ("gpu"), first match.
    """

    duration: Distribution
    coverage: float
    p_false_alarm: float
    coverage_of: Mapping[str, float] = field(default_factory=dict)

    def covers(self, component_class: str, mode_key: str) -> float:
        """Probability to find a fault of that mode."""
        if not self.coverage_of:
            return self.coverage
        of_class = self.coverage_of.get(component_class, self.coverage)
        return self.coverage_of.get(mode_key, of_class)


@dataclass(frozen=True, slots=True)
class Monitor:
    """Something that watches the training: the loss, the norm of gradients.

    Args:
        name: e.g. "loss".
        p_notices: probability to notice a corruption event.
        latency: from the event to the alarm.
        false_per_h: false alarms in an hour in which the job computes.
    """

    name: str
    p_notices: float
    latency: Distribution
    false_per_h: float


class Watch:
    """All monitors together: an event is reported by the first of them, in the order of the scenario, that notices it.

    P(some monitor notices) = 1 - product of (1 - p_i); the first one is i with p_i x product of (1 - p_j) over j < i.
    """

    __slots__ = ("_cumulative", "monitors", "p_notices")

    def __init__(self, monitors: tuple[Monitor, ...]) -> None:
        self.monitors = monitors
        p_missed, cumulative = 1.0, []
        for monitor in monitors:
            p_missed *= 1.0 - monitor.p_notices
            cumulative.append(1.0 - p_missed)
        self.p_notices = 1.0 - p_missed
        self._cumulative = cumulative[:-1]

    def who(self, u: float) -> Monitor:
        """The monitor that reports an event which is noticed; u in (0, 1)."""
        return self.monitors[bisect_right(self._cumulative, u * self.p_notices)]


@dataclass(frozen=True, slots=True)
class Replay:
    """A suspect step is computed once more on other hardware.

    Args:
        duration: of it; the job waits.
        p_reproduces: probability that a true corruption by a reproducible defect shows again as a difference.
    """

    duration: Distribution
    p_reproduces: float


@dataclass(frozen=True, slots=True)
class Quarantine:
    """`accusations` of one node within `window_h`: it is repaired on rung `level` untested, or (None) leaves for good."""

    accusations: int
    window_h: float
    level: int | None


@dataclass(frozen=True, slots=True)
class Accusation:
    """What is done when a monitor or a test suspects a node.

    Args:
        p_locates: probability that a monitor's alarm leads to the right node.
        replay: what decides whether an alarm is true, or None: every alarm accuses.
        check: the in-depth test of an accused node, or None: every accusation convicts.
        quarantine: rule for nodes that are accused again and again, or None.
        part: component class of what is replaced in a node that is convicted though it is good.
        level: the rung on which that is done.
    """

    p_locates: float
    replay: Replay | None
    check: Test | None
    quarantine: Quarantine | None
    part: str
    level: int


@dataclass(frozen=True, slots=True)
class Test:
    """A named test and when it is run.

    Args:
        name: e.g. "ripple".
        errors: what it finds and when it is wrong.
        every_h: hours between two tests of a node (for `takes` "pause" of computing, else of the calendar), or None.
        takes: what a periodic test takes: a "pause" of all nodes between two steps, a "stop" of the job, or "spares" in
            the place of the nodes that are tested.
        at_once: nodes that are tested together, for "spares".
        only_after: (incidents, window_h): only nodes with so many incidents or accusations lately; None: all.
        at_start: run on all nodes of the job before each start.
        on_accusation: the in-depth check of accused nodes.
    """

    __test__ = False  # pytest: this is none

    name: str
    errors: Validation
    every_h: float | None
    takes: str
    at_once: int
    only_after: tuple[int, float] | None
    at_start: bool
    on_accusation: bool

    @property
    def pause_frac(self) -> float:
        """Share of the time in which the job computes that it pauses for this test: mean duration / every."""
        if self.takes != "pause" or self.every_h is None:
            return 0.0
        return self.errors.duration.mean_h / self.every_h
