"""Accusations: an alarm of a monitor or the finding of a test, the replay, the in-depth check, and what follows.

Alarm and accusation are one incident of their own, of class `monitor` or `test`. Where a defect is behind it, its root cause
is that of the defect, which takes the blame for all that it costs; a false alarm takes the blame itself.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from functools import partial

from ras_sim.engine.course import Course, Steps
from ras_sim.engine.innocents import Innocents
from ras_sim.engine.register import Hidden
from ras_sim.engine.scene import Scene
from ras_sim.errors import ModelError
from ras_sim.faults.clocks import EXTRA
from ras_sim.faults.modes import FailureMode
from ras_sim.repair.diagnostics import Accusation, Monitor, Quarantine, Test
from ras_sim.repair.incident import Incident
from ras_sim.repair.policy import RootCause
from ras_sim.streams import child_key, uniform

_REPRODUCIBLE, _ALARMS = 23, 26  # draw, and branch, of a fault's key
_LATENCY = 1  # draw of a false alarm of a monitor, beside its time; those of every alarm follow
_REPLAY, _DIFFERS, _LOCATES, _NODE, _CHECK, _FALSE = range(8, 14)


class Accusations:
    """Alarms, accused nodes and their checks in one replication.

    Args:
        scene: where they are raised.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._env, self._setup, self._cluster = scene.env, scene.setup, scene.cluster
        self._job, self._incidents, self._countdowns = scene.job, scene.incidents, scene.countdowns
        self._innocents = Innocents(scene)
        self._accused: dict[int, Incident] = {}  # nodes under suspicion
        self._record: dict[int, deque[float]] = defaultdict(deque)  # node -> when it was accused
        self._test_keys = {test.name: scene.key("test", test.name) for test in scene.setup.tests}
        self._chances: dict[tuple[str, int], tuple[float, int]] = {}  # by test and key of the defect

    def begin(self) -> None:
        """Monitors begin to watch: their false alarms come now and then while the job computes."""
        for monitor in self._setup.monitors:
            if monitor.false_per_h > 0.0:
                key = self._scene.key("monitor", monitor.name)
                self._countdowns.begin_again_and_again(monitor.false_per_h, partial(self._false_alarm, monitor), key)

    @property
    def _rule(self) -> Accusation:
        rule = self._setup.accusation
        if rule is None:
            raise ModelError("an alarm that nothing follows", self._env.now, "repair.accusation")
        return rule

    # ------------------------------------------------------------------ monitors

    def _false_alarm(self, monitor: Monitor, draws: int) -> None:
        self._report(monitor, None, self._job.mark_work(), monitor.latency.draw(draws, _LATENCY), draws)

    def notice(self, monitor: Monitor, defect: Incident, position_h: float, u: float) -> None:
        """A monitor noticed a corruption event of a defect, at that much work in hand."""
        root = defect.root
        draws = child_key(root.key, _ALARMS, root.n_alarms)
        root.n_alarms += 1
        self._report(monitor, defect, position_h, monitor.latency.quantile(u), draws)

    def _report(
        self, monitor: Monitor, defect: Incident | None, position_h: float, after_h: float, draws: int
    ) -> None:
        """The alarm is heard after the latency, whatever the job does meanwhile."""
        course = Course(self._hear(monitor, defect, position_h, draws))
        self._env.timeout(after_h).callbacks.append(course.go_on)

    def _hear(self, monitor: Monitor, defect: Incident | None, position_h: float, draws: int) -> Steps:
        """Is it true, and who was it?"""
        if defect is not None and not defect.undiscovered:
            return  # it was found, or is gone, since
        alarm = self._alarm("monitor", monitor.name, None if defect is None else defect.root, draws)
        replay = self._rule.replay
        if replay is not None:
            self._incidents.impact.pause(alarm)
            yield self._env.timeout(replay.duration.draw(draws, _REPLAY))
            if not self._differs(defect, replay.p_reproduces, draws):
                self._incidents.endings.close_alarm(alarm, "dismissed")
                return
        node = self._located(defect, draws)
        if node is None:
            self._incidents.endings.close_alarm(alarm, "dismissed")
            return
        self._job.suspect(position_h)
        yield from self._accuse(alarm, node, draws, go_back=True)

    def _differs(self, defect: Incident | None, p_reproduces: float, draws: int) -> bool:
        """Whether the replay gives another result."""
        return (
            defect is not None
            and defect.undiscovered
            and self._can_show(defect.mode_id, defect.root)
            and uniform(draws, _DIFFERS) < p_reproduces
        )

    def _can_show(self, mode_id: int, root: RootCause) -> bool:
        """Whether tests and replays can make a defect show at all: drawn once for each root cause."""
        corruption = self._setup.modes[mode_id].corruption
        return corruption is None or uniform(root.key, _REPRODUCIBLE) < corruption.p_reproducible

    def _located(self, defect: Incident | None, draws: int) -> int | None:
        """The node that is accused: the right one, or another one of the job that is not accused already."""
        guilty = None if defect is None else defect.node
        if guilty is not None and uniform(draws, _LOCATES) < self._rule.p_locates:
            return None if guilty in self._accused else guilty
        in_job, accused = self._cluster.in_job, self._accused
        return self._cluster.some(
            lambda node: node != guilty and in_job(node) and node not in accused, uniform(draws, _NODE)
        )

    # ------------------------------------------------------------------ tests

    def examine(self, test: Test, defect: Hidden, ordinal: int) -> bool:
        """Whether one test of a node finds a defect in it.

        Args:
            test: which.
            defect: what is there to be found.
            ordinal: a number that no other test of this name on this defect has.
        """
        root = defect.root
        known = self._chances.get((test.name, root.key))
        if known is None:
            known = self._chances[test.name, root.key] = self._chance(test, defect.mode, root)
        p_finds, key = known
        return p_finds > 0.0 and uniform(key, ordinal) < p_finds

    def _chance(self, test: Test, mode: FailureMode, root: RootCause) -> tuple[float, int]:
        """(probability that the test finds the defect, key of its draws)."""
        p_finds = test.errors.covers(mode.component_class, mode.key)
        if p_finds > 0.0 and not self._can_show(mode.mode_id, root):
            p_finds = 0.0
        return p_finds, child_key(self._test_keys[test.name], root.key)

    def report(self, test: Test, node: int, defect: Hidden | None, draws: int) -> None:
        """A test says that a node is defective, rightly or by mistake."""
        if node in self._accused or (defect is not None and not self._incidents.register.is_hidden(defect)):
            return
        alarm = self._alarm("test", test.name, None if defect is None else defect.root, draws)
        Course(self._accuse(alarm, node, draws, go_back=False)).go_on()

    # ------------------------------------------------------------------ the accused

    def _alarm(self, kind: str, name: str, root: RootCause | None, draws: int) -> Incident:
        """A new incident: the alarm."""
        number, now_h = self._incidents.register.next_id(), self._env.now
        cause = RootCause(number if root is None else root.incident_id, draws, 0, math.nan, EXTRA)
        alarm = Incident(number, cause, -1, kind, name, -1, None, "alarm", now_h, (), (), 0, 1.0)
        alarm.detected_h = now_h
        self._incidents.register.open_alarm(alarm)
        return alarm

    def _accuse(self, alarm: Incident, node: int, draws: int, go_back: bool) -> Steps:
        """The node leaves the job, is checked, and is convicted or acquitted."""
        impact = self._incidents.impact
        alarm.node, alarm.located_h = node, self._env.now
        self._accused[node] = alarm
        impact.accuse(alarm, node, go_back)
        repeated = self._is_repeated(node)
        if repeated is not None and repeated.level is None:
            alarm.outcome = "cordoned"
            impact.do_without(alarm)
            return
        check, at_least = self._rule.check, 0
        found = self._incidents.register.hidden(lambda one: one == node)
        convicted = True
        if repeated is not None and repeated.level is not None:
            at_least = repeated.level
        elif check is not None:
            impact.do_without(alarm)
            yield self._env.timeout(check.errors.duration.draw(draws, _CHECK))
            found, convicted = self._verdict(check, node, draws)
        yield from self._sentence(alarm, node, found, convicted, at_least)

    def _is_repeated(self, node: int) -> Quarantine | None:
        """Note an accusation; returns the rule for repeated ones if it was one too many."""
        rule, record, now_h = self._rule.quarantine, self._record[node], self._env.now
        record.append(now_h)
        if rule is None:
            return None
        while record[0] < now_h - rule.window_h:
            record.popleft()
        return rule if len(record) >= rule.accusations else None

    def _verdict(self, check: Test, node: int, draws: int) -> tuple[list[Hidden], bool]:
        """What the in-depth check finds in the node, and whether it says that something is wrong."""
        found = []
        for defect in self._incidents.register.hidden(lambda one: one == node):
            if self.examine(check, defect, defect.root.next_test()):
                found.append(defect)
        return found, bool(found) or uniform(draws, _FALSE) < check.errors.p_false_alarm

    def _sentence(
        self, alarm: Incident, node: int, found: list[Hidden], convicted: bool, at_least: int
    ) -> Steps:
        """Repair what is broken; or a part in vain; or nothing."""
        for defect in found:
            self._incidents.find(defect, at_least)
        if convicted and not found:
            level = max(self._rule.level, at_least)
            yield from self._innocents.repair(alarm.root.incident_id, alarm.root.key, node, self._rule.part, level)
        if convicted:
            self._record.pop(node, None)  # what was suspected is gone
        del self._accused[node]
        self._incidents.endings.close_alarm(alarm, "convicted" if convicted else "acquitted")
