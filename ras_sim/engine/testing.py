"""When tests are run, on which nodes, and what they say: before each start, between two steps, in a stop, or on spares.

A test of a fleet is one event, whatever the number of nodes: the defects that are there are tested one by one, and the
good node that is accused next is so many tests away, a geometric number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from ras_sim.engine.accusations import Accusations
from ras_sim.engine.course import Steps
from ras_sim.engine.planned import PlannedStops
from ras_sim.engine.scene import Scene
from ras_sim.repair.diagnostics import Test
from ras_sim.streams import child_key, uniform

_FALSE, _DURATION, _SWAP = 1, 2, 3  # branches of the key of a test
_TEST_ALARMS = 27  # branch of a fault's key from which the draws of an accusation by a test descend


class Schedule:
    """One test in one replication: how long it takes each time, and which good nodes it accuses.

    Args:
        test: the test.
        key: of its draws.
    """

    __slots__ = ("_durations", "_key", "_left", "_n_alarms", "_n_runs", "_turn", "test")

    def __init__(self, test: Test, key: int) -> None:
        self.test = test
        self._key, self._durations = key, child_key(key, _DURATION)
        self._n_runs = self._n_alarms = self._turn = 0
        self._left = self._gap()

    def _gap(self) -> float:
        """Tests of good nodes up to the next one that is accused, that one included: geometric."""
        p = self.test.errors.p_false_alarm
        if p <= 0.0:
            return math.inf
        u = uniform(child_key(self._key, _FALSE), self._n_alarms)
        return 1.0 if p >= 1.0 else max(1.0, math.ceil(math.log(u) / math.log1p(-p)))

    def wrong(self, n: int) -> Iterator[tuple[int, int]]:
        """Which of the next n tests accuse a good node: (number, 0 <= number < n; key of the draws of the alarm)."""
        done = 0
        while self._left <= n - done:
            done += int(self._left)
            key = child_key(self._key, _FALSE, self._n_alarms)
            self._n_alarms += 1
            self._left = self._gap()
            yield done - 1, key
        self._left -= n - done

    def next_duration_h(self) -> float:
        """How long the test takes the next time."""
        self._n_runs += 1
        return self.test.errors.duration.draw(self._durations, self._n_runs)

    def swap_key(self) -> int:
        """Key of the draw of the time that the swap for this run takes."""
        return child_key(self._key, _SWAP, self._n_runs)

    def next_turn(self, n: int, members: Sequence[int]) -> list[int]:
        """The next n nodes, round robin."""
        first, self._turn = self._turn, (self._turn + n) % len(members)
        return [members[(first + k) % len(members)] for k in range(min(n, len(members)))]


class Testing:
    """All tests of one replication.

    Args:
        scene: where they are run.
        accusations: told what they say.
        stops: the planned stops.
    """

    def __init__(self, scene: Scene, accusations: Accusations, stops: PlannedStops) -> None:
        self._env, self._setup, self._cluster = scene.env, scene.setup, scene.cluster
        self._job, self._incidents, self._countdowns = scene.job, scene.incidents, scene.countdowns
        self._accusations = accusations
        self._stops = stops
        self._schedules = [Schedule(test, scene.key("test", test.name)) for test in scene.setup.tests]
        self._at_start = [one for one in self._schedules if one.test.at_start]
        self._n_joined: int | None = None  # newcomers up to the last test before this start; None: there was none yet

    def begin(self) -> None:
        """Start the schedules."""
        for one in self._schedules:
            if one.test.takes == "pause":
                self._await_pause(one)
            elif one.test.takes == "stop":
                self._env.process(self._stop_after_stop(one))
            elif one.test.takes == "spares":
                self._env.process(self._turns(one))
        if self._at_start:
            self._job.test_before_start(self._start_test_h, self._test_start)

    # ------------------------------------------------------------------ before a start

    def _start_test_h(self) -> float:
        """All nodes are tested side by side, one test after the other."""
        return math.fsum(one.next_duration_h() for one in self._at_start)

    def _test_start(self) -> None:
        """The tests before a start are over. Until the job runs, only nodes that join it are tested again."""
        joined = self._cluster.joined
        new, self._n_joined = None if self._n_joined is None else joined[self._n_joined :], len(joined)
        for one in self._at_start:
            if new is None:
                self._examine(one, self._cluster.in_job, self._cluster.n_in_job)
            else:
                self._examine(one, self._cluster.in_job, len(new), new)

    def job_runs(self) -> None:
        """The job has started: before the next start all nodes are tested again."""
        self._n_joined = None

    # ------------------------------------------------------------------ periodic

    def _await_pause(self, one: Schedule) -> None:
        """In production: all nodes of the job pause together; the job runs that much slower (`JobSpec.tested_frac`)."""
        if one.test.every_h is not None:
            self._countdowns.begin(one.test.every_h, lambda: self._pause(one))

    def _pause(self, one: Schedule) -> None:
        self._await_pause(one)
        self._examine(one, self._cluster.in_job, self._cluster.n_in_job)

    def _stop_after_stop(self, one: Schedule) -> Steps:
        """Out of production: the job stops, and all nodes that serve it or could are tested side by side."""
        every_h = one.test.every_h or math.inf
        while True:
            yield self._env.timeout(every_h)
            number = yield from self._stops.begin(one.test.name, category="validate", kind="test")
            yield self._env.timeout(self._job.save_h + one.next_duration_h())
            self._examine_all(one)
            self._stops.end(number)

    def _examine_all(self, one: Schedule) -> None:
        self._examine(one, self._cluster.serves, self._cluster.n_sound + self._cluster.n_spares)

    def _turns(self, one: Schedule) -> Steps:
        """Out of production: nodes take turns, with spares in their places."""
        test = one.test
        period_h = test.every_h or math.inf
        if test.only_after is None:
            n = len(self._cluster.members)
            period_h *= min(test.at_once, n) / n
        while True:
            yield self._env.timeout(period_h)
            nodes = self._whose_turn(one)
            if nodes:
                self._env.process(self._test_apart(one, nodes))

    def _whose_turn(self, one: Schedule) -> list[int]:
        """The nodes to be tested now: those whose turn it is, or those at risk, as far as there are spares for them."""
        only_after, cluster = one.test.only_after, self._cluster
        if only_after is None:
            nodes = one.next_turn(one.test.at_once, cluster.members)
        else:
            counts = self._incidents.register.count_by_node(self._env.now - only_after[1])
            nodes = sorted(node for node, n in counts.items() if n >= only_after[0])
        nodes = [node for node in nodes if cluster.serves(node)]
        in_job = cluster.of_job(nodes)
        apart = [node for node in nodes if not cluster.in_job(node)]
        n_free = max(0, cluster.n_spares - len(apart))
        return sorted([*apart, *in_job[:n_free]])

    def _test_apart(self, one: Schedule, nodes: list[int]) -> Steps:
        """Take nodes out, test them, give them back or accuse them."""
        cluster = self._cluster
        duration_h = one.next_duration_h()
        cluster.hold(nodes)
        if cluster.touches_job(nodes):
            yield from self._take_out(one, nodes)
        tested = [node for node in nodes if not cluster.in_job(node)]
        yield self._env.timeout(duration_h)
        self._examine(one, lambda _: True, len(tested), tested)
        self._incidents.impact.give_back(nodes)

    def _take_out(self, one: Schedule, nodes: list[int]) -> Steps:
        """The job saves, stops, and goes on with spares in the places of its nodes that are to be tested."""
        ran = self._job.running
        number = yield from self._stops.begin(one.test.name, urgent=True, category="swap", kind="test")
        yield self._env.timeout(self._job.save_h if ran else 0.0)
        moved = self._cluster.of_job(nodes)
        if moved and self._cluster.replacements(moved) is not None:
            self._incidents.impact.rotate(moved)
            yield self._env.timeout(self._setup.swap.draw(one.swap_key(), 0))
        self._stops.end(number)

    # ------------------------------------------------------------------ what a test says

    def _examine(
        self, one: Schedule, within: Callable[[int], bool], n: int, nodes: Sequence[int] | None = None
    ) -> None:
        """Test nodes: what is found in them, and who is accused by mistake.

        Args:
            one: the test.
            within: whether a node is tested.
            n: how many are.
            nodes: all of them, None where they are too many to be listed.
        """
        listed = None if nodes is None else set(nodes)
        tested = within if listed is None else lambda node: node in listed and within(node)
        for defect in self._incidents.register.hidden(tested):
            number = defect.root.next_test()
            if defect.node is not None and self._accusations.examine(one.test, defect, number):
                draws = child_key(defect.root.key, _TEST_ALARMS, number)
                self._accusations.report(one.test, defect.node, defect, draws)
        for number, draws in one.wrong(n):
            node = self._cluster.some(within, (number + 0.5) / n) if nodes is None else nodes[number]
            if node is not None:
                self._accusations.report(one.test, node, None, draws)
