"""Incidents: how one shows, is found, climbs the ladder, and is mended or made do without.

Here faults, repair and the job meet. How faults become incidents is in `ras_sim.engine.strikes`, how incidents end in
`ras_sim.engine.endings`. The draws of an incident belong to its root cause, so every policy faces the same fault: the same
symptom, the same rung truly needed, the same outcome of the n-th try of a rung.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import replace

import simpy

from ras_sim.cluster import Cluster
from ras_sim.engine.arrivals import Arrivals
from ras_sim.engine.attempts import Attempts
from ras_sim.engine.consulting import Consultant
from ras_sim.engine.corruption import Corruptions
from ras_sim.engine.course import Course, Steps
from ras_sim.engine.degraded import Degraded
from ras_sim.engine.detection import Detection
from ras_sim.engine.dispatch import Dispatcher
from ras_sim.engine.endings import Endings
from ras_sim.engine.impact import Impact
from ras_sim.engine.merging import Merging, Work
from ras_sim.engine.register import Hidden, Register
from ras_sim.engine.spread import Spread
from ras_sim.engine.strikes import Strikes
from ras_sim.engine.worth import Worth
from ras_sim.faults.budget import Budgets
from ras_sim.faults.modes import STOPPING, FailureMode
from ras_sim.job.checkpoints import NOTHING_LOST, PROCESSES_LOST
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import Ledger
from ras_sim.repair.incident import Incident
from ras_sim.repair.policy import RootCause
from ras_sim.repair.tolerance import ToleranceRule, ToleranceWatch
from ras_sim.repair.workshop import Workshop
from ras_sim.scenario.setup import Setup
from ras_sim.topology import BlastWalk

# Draws of a root cause, by purpose. Lives use 0 to 3 of the same key, strikes 16, 17 and 24, detection 18, swaps 19, endings
# 21, blasts 22, accusations 23, corruption 25.
_DIAGNOSE, _OUTAGE = 20, 40
_BLOCK = 64  # the n-th return of a root cause uses the n-th block of draws

ENDINGS = frozenset({"fixed", "seems_fixed", "disabled"})
"""Outcomes of a try that end the climb."""


class Incidents:
    """All incidents of one replication.

    Args:
        env: the simulation.
        setup: the scenario.
        walk: the machine's topology.
        cluster: the state of the nodes.
        workshop: technicians and parts.
        arrivals: the faults, told what was repaired.
        job: the training job.
        ledger: where rows go.
        warm_key: base key of the draws of warm nodes.
        corruptions: told of silent faults that corrupt by events.

    Attributes:
        strikes: how faults become incidents.
        register: of those that are open.
        endings: how they end.
        impact: what they do to the job.
        attempts: tries of rungs.
        dispatcher: chooses among them.
        on_detected: called when a fault is detected, if anybody cares.
        settle: called when diagnosis is over; returns whether the fault itself is repaired. None: it always is.
        spread: where parts are.
    """

    def __init__(
        self,
        env: simpy.Environment,
        setup: Setup,
        walk: BlastWalk,
        cluster: Cluster,
        workshop: Workshop,
        arrivals: Arrivals,
        job: TrainingJob,
        ledger: Ledger,
        warm_key: int,
        corruptions: Corruptions,
    ) -> None:
        self._env = env
        self._setup = setup
        self._policy = setup.policy
        self._workshop = workshop
        self.register = Register(env, setup, arrivals, ledger)
        self.spread = Spread(setup, walk)
        self.impact = Impact(env, setup, cluster, arrivals, job, warm_key, corruptions)
        self._degraded = Degraded(env, setup, self.impact, self.spread)
        worth = Worth(env, setup, cluster, self.impact, self.spread, ledger.resources)
        self.attempts = Attempts(env, setup, self.spread, self.impact, worth, workshop, arrivals, ledger)
        function, seen = setup.policy.function, (setup.ladder, cluster, workshop, job, ledger)
        consultant = None if function is None else Consultant(env, function, *seen)
        self.dispatcher = Dispatcher(env, setup.policy, self._degraded.has_room, consultant)
        self._merging = Merging(env, self.spread) if setup.policy.merges else None
        self._tolerance, budgets = ToleranceWatch(), Budgets()
        self.strikes = Strikes(setup, arrivals, self.register, self.spread, budgets, self._open)
        self.endings = Endings(
            env,
            setup,
            cluster,
            arrivals,
            self.register,
            self.spread,
            self.impact,
            self._degraded,
            self.dispatcher,
            self._merging,
            budgets,
        )
        self._detection = Detection(setup)
        self.on_detected: Callable[[Incident], None] | None = None
        self.settle: Callable[[Incident, FailureMode], bool] | None = None

    # ------------------------------------------------------------------ its beginning

    def _open(self, mode: FailureMode, instance: int, node: int | None, root: RootCause, symptom: str) -> Course:
        """A fault shows in a part that is not in repair for the same failure: a new incident."""
        incident = self._new_incident(mode, instance, node, root, symptom)
        if symptom not in STOPPING:
            self.impact.exposure.hide(incident)
            return Course(self._life(incident, mode))
        if self._policy.tolerate and (rule := self._policy.tolerance(mode.component_class, mode.key)) is not None:
            n_before = self._tolerance.sits_out(rule, mode.mode_id, instance, self._env.now)
            if n_before is not None:
                self._begin(incident, "repair", NOTHING_LOST)
                return Course(self._sit_out(incident, mode, rule, n_before))
        self._begin(incident, "detect", NOTHING_LOST if symptom == "exception" else PROCESSES_LOST)
        return Course(self._life(incident, mode))

    def _new_incident(
        self, mode: FailureMode, instance: int, node: int | None, root: RootCause, symptom: str
    ) -> Incident:
        nodes, slowed, n_gpus, speed = self.spread.reach(mode, instance, root.key)
        # By position, which is made in less than half the time.
        incident = Incident(
            self.register.id_for(root),
            root,
            mode.mode_id,
            mode.component_class,
            mode.name,
            instance,
            node,
            symptom,
            self._env.now,
            nodes,
            slowed,
            n_gpus,
            mode.speed if symptom == "slow" else speed,
        )
        self.register.open(incident)
        return incident

    def _begin(self, incident: Incident, category: str, level: int) -> None:
        """A fault that stops the job does so at the instant at which it strikes; `level` is what the job loses at once."""
        self.spread.lost(incident)
        self.impact.stop(incident, category, level)
        if incident.speed < 1.0:
            self.impact.exposure.narrow(incident)

    def _sit_out(self, incident: Incident, mode: FailureMode, rule: ToleranceRule, n_before: int) -> Steps:
        """Nothing is repaired: the job waits until the fault is over, and damping lets the part take part again."""
        root = incident.root
        incident.detected_h = self._env.now
        outage_h = rule.outage.draw(root.key, _OUTAGE + root.n_returns * _BLOCK)
        if rule.hold_down is not None:
            outage_h += rule.hold_down.hours(n_before)
        if outage_h > 0.0:
            yield self._env.timeout(outage_h)
        self.endings.sat_out(incident, mode, is_over=root.needs <= rule.heals)

    # ------------------------------------------------------------------ its life

    def _life(self, incident: Incident, mode: FailureMode) -> Steps:
        """From onset to return to service."""
        if incident.symptom not in STOPPING:
            if mode.corruption is not None and incident.symptom == "silent":
                return  # nothing but a monitor or a test finds it
            shown = self.impact.exposure.shown(incident)
            if shown is not None:
                yield shown
        delay_h = self._detection.delay_h(incident, mode)
        if delay_h > 0.0:
            yield self._env.timeout(delay_h)
        if not (math.isnan(incident.closed_h) and math.isnan(incident.detected_h)):
            return  # the unit was replaced for another reason, or a test found it
        incident.detected_h = self._env.now
        if self.on_detected is not None:
            self.on_detected(incident)
        if incident.symptom == "slow" and incident.speed >= self._policy.tolerate_speed:
            incident.outcome = "tolerated"
            return
        if self._policy.degraded is not None and self._degraded.can_wait(incident):
            yield from self._defer(incident)
            if not math.isnan(incident.closed_h):
                return
        elif incident.symptom != "exception":  # a caught one is retried first, and looked into if that does not help
            is_located = yield from self._diagnose(incident, mode)
            if not is_located:
                return
        yield from self._climb(incident, mode)

    def _diagnose(self, incident: Incident, mode: FailureMode) -> Generator[simpy.Event, None, bool]:
        """Find out what to repair; a slow part is taken out of the job first, a corrupt one stops it.

        Returns:
            Whether the fault itself is repaired now, not a part that was taken for it.
        """
        root = incident.root
        delay_h = self._setup.diagnose.draw(root.key, _DIAGNOSE + root.n_returns * _BLOCK)
        if incident.symptom in STOPPING:
            if delay_h > 0.0:
                self.impact.stage(incident, "diagnose")
        elif incident.symptom == "silent":
            self.impact.recall(incident)
        else:
            self.impact.stop(incident, "diagnose", PROCESSES_LOST, save_first=True)
        if delay_h > 0.0:
            yield self._env.timeout(delay_h)
        incident.located_h = self._env.now
        return self.settle is None or self.settle(incident, mode)

    def _defer(self, incident: Incident) -> Steps:
        """Diagnose while the job runs on, and let the repair wait; then take the nodes that it slows out of the job."""
        delay_h = self._setup.diagnose.draw(incident.root.key, _DIAGNOSE + incident.root.n_returns * _BLOCK)
        if delay_h > 0.0:
            yield self._env.timeout(delay_h)
        incident.located_h = self._env.now
        if math.isnan(incident.closed_h) and self._degraded.can_wait(incident):
            yield self._degraded.wait(incident)
        if not math.isnan(incident.closed_h):
            return
        if incident.symptom not in STOPPING:
            self.impact.stop(incident, "repair", PROCESSES_LOST, save_first=True)
        elif self.impact.can_replace(incident):
            self.impact.drain(incident)

    def _climb(self, incident: Incident, mode: FailureMode) -> Steps:
        """Try rungs until one fixes the fault, seems to, or takes the part out of use."""
        if self._policy.degraded is not None and self._degraded.must_drain(incident):
            self.impact.drain(incident)
        ladder, dispatcher, merging = self._policy.ladder, self.dispatcher, self._merging
        level, outcome = dispatcher.first_level(incident, mode), ""
        is_sought = math.isnan(incident.located_h)  # a caught exception: what to repair is not known yet
        while outcome not in ENDINGS:
            level = dispatcher.next_level(incident, level)
            rung = ladder[level]
            if is_sought and rung.loses > NOTHING_LOST:
                is_located = yield from self._diagnose(incident, mode)
                if not is_located:
                    return
                is_sought = False
            if merging is not None and (work := merging.on(incident)) is not None:
                outcome = yield from self._ride(incident, work)
                if not math.isnan(incident.closed_h):
                    return
                rung = work.rung
                dispatcher.rode(incident, rung, outcome)
                continue
            if rung.cool_down_h > 0.0 and (rest_h := dispatcher.rest_h(incident, rung)) > 0.0:
                yield self._env.timeout(rest_h)
                continue
            steps = self.attempts.one(incident, rung)
            outcome = yield from steps if merging is None else merging.tried(incident, rung, steps)
            if dispatcher.notes_tries:
                dispatcher.tried(incident, rung, outcome)
        if outcome == "disabled":
            self._run_on_without(incident, mode)
        else:
            self.endings.repaired(incident, mode, rung, outcome)

    def _ride(self, incident: Incident, work: Work) -> Generator[simpy.Event, None, str]:
        """Wait until the node is up again; returns what that did to this fault, "" if nothing."""
        asked_h = self._env.now
        work.waiting.append(incident)
        yield work.over
        if not math.isnan(incident.closed_h) or work.rung.takes_down != "node" or work.rung.disables:
            return ""
        return self.attempts.ride(incident, work.rung, asked_h)

    def _run_on_without(self, incident: Incident, mode: FailureMode) -> None:
        """The part is out of use and its node back in service; the repair is an incident of its own, and may wait."""
        now_h = self._env.now
        self.endings.disabled(incident)
        rest = replace(
            incident,
            incident_id=self.register.next_id(),
            symptom="slow",
            arrive_h=now_h,
            nodes=() if incident.node is None else (incident.node,),
            slowed=(),
            n_gpus=0,
            held=[],
            detected_h=now_h,
            located_h=now_h,
            closed_h=math.nan,
            final_rung="",
            n_attempts=0,
            outcome="open",
            effect="none",
            n_interruptions=0,
            held_h=math.nan,
        )
        self.register.open(rest)
        self._degraded.disable(rest)
        self.impact.exposure.hide(rest)
        Course(self._mend_later(rest, mode)).go_on()

    def _mend_later(self, incident: Incident, mode: FailureMode) -> Steps:
        """The repair of a part that is out of use."""
        if self._degraded.can_wait(incident):
            yield self._degraded.wait(incident)
        if math.isnan(incident.closed_h):
            self.impact.stop(incident, "repair", PROCESSES_LOST, save_first=True)
            yield from self._climb(incident, mode)

    def find(self, defect: Hidden, at_least: int = 0) -> None:
        """A defect is convicted: its part is repaired, on rung `at_least` or higher; corrupt work is rolled back."""
        incident, mode = defect.incident, defect.mode
        if not self.register.is_hidden(defect):
            return  # another conviction replaced its unit a moment ago
        if incident is None:
            self.register.pop_latent(defect.root)
            incident = self._new_incident(mode, defect.instance, defect.node, defect.root, defect.symptom)
        incident.at_least = at_least
        incident.detected_h = incident.located_h = self._env.now
        if incident.symptom == "silent":
            self.impact.recall(incident)
        else:
            self.impact.stop(incident, "diagnose", PROCESSES_LOST, save_first=True)
        Course(self._climb(incident, mode)).go_on()

    def close_books(self) -> None:
        """The run ends: what is still open becomes rows too."""
        self.register.close_books()
        self._workshop.close_books()

    def planned_stop(self) -> None:
        """A planned stop of the job begins: what waits for such a stop is repaired now."""
        self._degraded.stopped(planned=True)
