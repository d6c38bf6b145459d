"""Incidents: how a fault becomes one, shows, is found, climbs the ladder, and returns to service.

Here faults, repair and the job meet. The draws of an incident belong to its root cause, so every policy faces the same
fault: the same symptom, the same rung truly needed, the same outcome of the n-th try of a rung.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

import simpy

from ras_sim.cluster import Cluster
from ras_sim.engine.arrivals import Arrivals
from ras_sim.engine.attempts import Attempts
from ras_sim.engine.corruption import Corruptions
from ras_sim.engine.course import Course, Steps
from ras_sim.engine.degraded import Degraded
from ras_sim.engine.detection import Detection
from ras_sim.engine.dispatch import Dispatcher
from ras_sim.engine.impact import Impact
from ras_sim.engine.merging import Merging, Work
from ras_sim.engine.spread import Spread
from ras_sim.engine.worth import Worth
from ras_sim.faults.budget import Budgets
from ras_sim.faults.clocks import EXTRA, Due
from ras_sim.faults.modes import STOPPING, FailureMode, Mixture, Symptom
from ras_sim.job.checkpoints import NOTHING_LOST, PROCESSES_LOST
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import Ledger
from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import Rung, next_level
from ras_sim.repair.policy import RootCause
from ras_sim.repair.tolerance import ToleranceRule, ToleranceWatch
from ras_sim.repair.workshop import Workshop
from ras_sim.scenario.setup import Setup
from ras_sim.topology import BlastWalk

# Draws of a root cause, by purpose. Lives use 0 to 3 of the same key, detection 18, swaps 19, blasts 22, accusations
# 23, corruption 25.
_SYMPTOM, _NEEDS, _DIAGNOSE, _RETURN, _INCUBATES, _OUTAGE = 16, 17, 20, 21, 24, 40
_BLOCK = 64  # the n-th return of a root cause uses the n-th block of draws


def needs_of(mode: FailureMode, key: int) -> int:
    """Position of the lowest rung that truly fixes the fault with this key."""
    return mode.needs.draw(key, _NEEDS)


ENDINGS = frozenset({"fixed", "seems_fixed", "disabled"})
"""Outcomes of a try that end the climb."""


class Hidden(NamedTuple):
    """A defect that nobody has noticed.

    Args:
        mode, instance, node: what is defective, and the node that holds it.
        root: what is truly wrong.
        incident: in which it slows or corrupts already; None of one that will show later, as `symptom`.
    """

    mode: FailureMode
    instance: int
    node: int | None
    root: RootCause
    symptom: str
    incident: Incident | None = None


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
        impact: what the incidents do to the job.
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
        self._cluster = cluster
        self._workshop = workshop
        self._arrivals = arrivals
        self._job = job
        self._ledger = ledger
        self.spread = Spread(setup, walk)
        self.impact = Impact(env, setup, cluster, arrivals, job, warm_key, corruptions)
        self._degraded = Degraded(env, setup, self.impact, self.spread)
        worth = Worth(env, setup, cluster, self.impact, self.spread, ledger.resources)
        self.attempts = Attempts(env, setup, self.spread, self.impact, worth, workshop, arrivals, ledger)
        self.dispatcher = Dispatcher(env, setup.policy)
        self._merging = Merging(env, self.spread) if setup.policy.merges else None
        self._detection = Detection(setup)
        self.on_detected: Callable[[Incident], None] | None = None
        self.settle: Callable[[Incident, FailureMode], bool] | None = None
        self._budgets, self._tolerance = Budgets(), ToleranceWatch()
        self._budgeted = [mode for mode in setup.modes if mode.absorbs is not None]
        self._open: dict[int, Incident] = {}
        self._at: dict[tuple[int, int], Incident] = {}  # mode and part -> the incident that further faults join
        self._latent: dict[int, Hidden] = {}  # by key: what does not show yet, or only seems to be fixed
        self._n_incidents = 0
        self._reserved: set[int] = set()  # numbers of incidents to come
        self.n_faults = [0] * len(setup.modes)
        self.n_benign = [0] * len(setup.modes)

    # ------------------------------------------------------------------ a fault strikes

    def strike(self, due: Due) -> Course | None:
        """A fault is due: count it, and open an incident unless it has no effect or its part is in repair already.

        Returns:
            The course of the incident, which is to begin when all faults of this instant have struck.
        """
        _, _, accrued_h, mode_id, instance, life, node, origin = due
        mode = self._setup.modes[mode_id]
        if isinstance(origin, RootCause):
            latent = self._latent.pop(origin.key, None)
            if latent is None:
                return None  # it was found, or the part was replaced, before it could show
            return self._show(mode, instance, latent.node, origin, latent.symptom)
        lives = self._arrivals.lives[mode_id]
        if life != EXTRA and lives.number(instance) != life:
            return None  # the part was replaced before this could happen
        key = origin if isinstance(origin, int) else lives.fault_key(instance, life)
        root = RootCause(self._n_incidents, key, needs_of(mode, key), accrued_h, life)
        if mode.absorbs is not None and self._budgets.overdraws(mode, instance):
            root.needs, root.overdrawn = max(root.needs, mode.absorbs.then), True
        self.n_faults[mode_id] += 1
        if life == EXTRA:
            node = self.spread.home(mode, instance)
            return self._set_in(mode, instance, node, root, self._symptom(mode, root, mode.extra_symptoms))
        if mode.burst is not None:
            self._arrivals.push_followers(mode, instance, life, key)
        return self._set_in(mode, instance, node, root, self._symptom(mode, root, mode.symptoms))

    def _set_in(
        self, mode: FailureMode, instance: int, node: int | None, root: RootCause, symptom: str
    ) -> Course | None:
        """The defect is there; it shows at once, or after a while."""
        if mode.incubates is None or symptom == "benign":
            return self._show(mode, instance, node, root, symptom)
        root.incident_id = self.next_id()  # of the incident in which it will show, or be found
        self._reserved.add(root.incident_id)
        self._lurk(Hidden(mode, instance, node, root, symptom), mode.incubates.draw(root.key, _INCUBATES))
        return None

    def _lurk(self, latent: Hidden, for_h: float) -> None:
        """A defect shows after a while, unless it is found before."""
        self._latent[latent.root.key] = latent
        self._arrivals.push_return(self._env.now + for_h, latent.mode.mode_id, latent.instance, latent.root)

    @staticmethod
    def _symptom(mode: FailureMode, root: RootCause, symptoms: Mixture[Symptom]) -> Symptom:
        """How a fault shows: as drawn, unless the budget of its part is used up and says otherwise."""
        if root.overdrawn and mode.absorbs is not None and mode.absorbs.shows is not None:
            return mode.absorbs.shows
        return symptoms.draw(root.key, _SYMPTOM)

    def _show(
        self, mode: FailureMode, instance: int, node: int | None, root: RootCause, symptom: str
    ) -> Course | None:
        """How the fault shows: not at all, as an incident of its own, or in one that is open already."""
        if symptom == "benign":
            self.n_benign[mode.mode_id] += 1
            self._arrivals.after_repair(mode, instance, node, root, age_kept=1.0)
            return None
        open_incident = self._at.get((mode.mode_id, instance))
        ignored = open_incident is not None and open_incident.unattended and not open_incident.disabled
        if open_incident is None or (ignored and symptom in STOPPING):
            return self._open_incident(mode, instance, node, root, symptom)
        self._merge(open_incident, root)
        return None

    def _merge(self, incident: Incident, root: RootCause) -> None:
        """The part is in repair for the same failure already: that repair must now fix this fault too.

        If the fault ended a life, the next one begins with that repair: a life that has come to its end would end again at
        once, and for ever.
        """
        incident.root.needs = max(incident.root.needs, root.needs)
        if root.life != EXTRA:
            incident.root.life, incident.root.failed_h = root.life, root.failed_h

    def _open_incident(
        self, mode: FailureMode, instance: int, node: int | None, root: RootCause, symptom: str
    ) -> Course:
        incident = self._new_incident(mode, instance, node, root, symptom)
        rule = self._setup.policy.tolerance(mode.component_class, mode.key) if self._setup.policy.tolerate else None
        if rule is not None and symptom in STOPPING:
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
        incident = Incident(
            incident_id=self._number_for(root),
            root=root,
            mode_id=mode.mode_id,
            component_class=mode.component_class,
            mode=mode.name,
            instance=instance,
            node=node,
            symptom=symptom,
            arrive_h=self._env.now,
            nodes=nodes,
            slowed=slowed,
            n_gpus=n_gpus,
            speed=mode.speed if symptom == "slow" else speed,
        )
        self._open[incident.incident_id] = self._at[mode.mode_id, instance] = incident
        return incident

    def _number_for(self, root: RootCause) -> int:
        """The number that was kept for the first incident of a defect that did not show at once, or a new one."""
        if root.incident_id not in self._reserved:
            return self.next_id()
        self._reserved.discard(root.incident_id)
        return root.incident_id

    def _begin(self, incident: Incident, category: str, level: int) -> None:
        """The fault takes effect, at the instant at which it strikes; `level` is what the job loses at once."""
        if incident.symptom not in STOPPING:
            self.impact.hide(incident)
            return
        self.spread.lost(incident)
        self.impact.stop(incident, category, level)
        if incident.speed < 1.0:
            self.impact.narrow(incident)

    def next_id(self) -> int:
        """The number of the next incident, which is taken by it."""
        self._n_incidents += 1
        return self._n_incidents - 1

    def _sit_out(self, incident: Incident, mode: FailureMode, rule: ToleranceRule, n_before: int) -> Steps:
        """Nothing is repaired: the job waits until the fault is over, and damping lets the part take part again."""
        root = incident.root
        incident.detected_h = self._env.now
        outage_h = rule.outage.draw(root.key, _OUTAGE + root.n_returns * _BLOCK)
        if rule.hold_down is not None:
            outage_h += rule.hold_down.hours(n_before)
        if outage_h > 0.0:
            yield self._env.timeout(outage_h)
        if root.needs > rule.heals:
            self._end(incident, "comes_back")
            self._come_back(incident, mode)
        else:
            self._end(incident, "sat_out")
            self._arrivals.after_repair(mode, incident.instance, incident.node, root, age_kept=1.0)
        self._write(incident)

    # ------------------------------------------------------------------ its life

    def _life(self, incident: Incident, mode: FailureMode) -> Steps:
        """From onset to return to service."""
        if mode.corruption is not None and incident.symptom == "silent":
            return  # nothing but a monitor or a test finds it
        draws = incident.root.n_returns * _BLOCK
        shown = self.impact.shown(incident)
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
        if incident.symptom == "slow" and incident.speed >= self._setup.policy.tolerate_speed:
            incident.outcome = "tolerated"
            return
        if self._degraded.can_wait(incident):
            yield from self._defer(incident, draws)
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
        draws = incident.root.n_returns * _BLOCK
        delay_h = self._setup.diagnose.draw(incident.root.key, _DIAGNOSE + draws)
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

    def _defer(self, incident: Incident, draws: int) -> Steps:
        """Diagnose while the job runs on, and let the repair wait; then take the nodes that it slows out of the job."""
        delay_h = self._setup.diagnose.draw(incident.root.key, _DIAGNOSE + draws)
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
        if self._degraded.must_drain(incident):
            self.impact.drain(incident)
        ladder, cls = self._setup.ladder, incident.component_class
        level, outcome = self.dispatcher.first_level(incident, mode.key), ""
        while outcome not in ENDINGS:
            level = self.dispatcher.next_level(incident, level)
            rung = ladder[level]
            if rung.disables and not self._degraded.has_room(incident, rung):
                level = next_level(ladder, level, cls)
                continue
            if rung.loses > NOTHING_LOST and math.isnan(incident.located_h):
                is_located = yield from self._diagnose(incident, mode)
                if not is_located:
                    return
            if self._merging is not None and (work := self._merging.on(incident)) is not None:
                outcome = yield from self._ride(incident, work)
                if not math.isnan(incident.closed_h):
                    return
                rung = work.rung
                continue
            rest_h = self.dispatcher.rest_h(incident, rung)
            if rest_h > 0.0:
                yield self._env.timeout(rest_h)
                continue
            steps = self.attempts.one(incident, rung)
            outcome = yield from steps if self._merging is None else self._merging.tried(incident, rung, steps)
            self.dispatcher.tried(incident, rung)
        if outcome == "disabled":
            self._run_on_without(incident, mode, rung)
        else:
            self._close(incident, mode, rung, outcome)

    def _ride(self, incident: Incident, work: Work) -> Generator[simpy.Event, None, str]:
        """Wait until the node is up again; returns what that did to this fault, "" if nothing."""
        asked_h = self._env.now
        work.waiting.append(incident)
        yield work.over
        if not math.isnan(incident.closed_h) or work.rung.takes_down != "node" or work.rung.disables:
            return ""
        return self.attempts.ride(incident, work.rung, asked_h)

    # ------------------------------------------------------------------ its end

    def _close(self, incident: Incident, mode: FailureMode, rung: Rung, outcome: str) -> None:
        """It is fixed, or seems to be."""
        self._put_on_probation(incident, rung)
        if outcome != "fixed":
            self.mistake(incident, mode)
            return
        self._end(incident, "fixed")
        self._degraded.enable(incident)
        self._renew(incident, mode, rung)
        self._write(incident)

    def _put_on_probation(self, incident: Incident, rung: Rung) -> None:
        """The nodes come back as the last choice among the spares."""
        rule = self._setup.policy.probation
        if rule is not None and rung.level in rule.levels:
            self._cluster.put_on_probation(incident.held, self._env.now + rule.time_h)

    def mistake(self, incident: Incident, mode: FailureMode) -> None:
        """Everybody thinks that the fault is gone, but it comes back."""
        self._end(incident, "comes_back")
        self._degraded.enable(incident)
        self._come_back(incident, mode)
        self._write(incident)

    def _end(self, incident: Incident, outcome: str) -> None:
        """The part serves again."""
        incident.closed_h = self._env.now
        incident.outcome = outcome
        self._forget(incident)
        self.spread.regained(incident)
        self.impact.end(incident)

    def _come_back(self, incident: Incident, mode: FailureMode) -> None:
        """The fault is still there, and will show again."""
        root = incident.root
        back_h = self._setup.comes_back.draw(root.key, _RETURN + root.n_returns * _BLOCK)
        root.n_returns += 1
        self._lurk(Hidden(mode, incident.instance, incident.node, root, incident.symptom), back_h)

    def _run_on_without(self, incident: Incident, mode: FailureMode, rung: Rung) -> None:
        """The part is out of use and its node back in service; the repair is an incident of its own, and may wait."""
        now_h = self._env.now
        incident.closed_h, incident.outcome = now_h, "disabled"
        self._forget(incident)
        self.impact.end(incident)
        self._write(incident)
        rest = replace(
            incident,
            incident_id=self.next_id(),
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
        self._open[rest.incident_id] = self._at[mode.mode_id, rest.instance] = rest
        self._degraded.disable(rest)
        self.impact.hide(rest)
        Course(self._mend_later(rest, mode)).go_on()

    def _mend_later(self, incident: Incident, mode: FailureMode) -> Steps:
        """The repair of a part that is out of use."""
        if self._degraded.can_wait(incident):
            yield self._degraded.wait(incident)
        if math.isnan(incident.closed_h):
            self.impact.stop(incident, "repair", PROCESSES_LOST, save_first=True)
            yield from self._climb(incident, mode)

    def _renew(self, incident: Incident, mode: FailureMode, rung: Rung) -> None:
        """What the repair did to the age of the part, or of all parts of the unit that was replaced."""
        if rung.replaces:
            self.replace_unit(incident)
        if not rung.replaces or mode.memoryless:
            self._arrivals.after_repair(mode, incident.instance, incident.node, incident.root, rung.age_kept)

    def replace_unit(self, incident: Incident) -> None:
        """The unit that holds the part is new."""
        unit, unit_id = self.spread.unit(incident)
        self._arrivals.replace(unit, unit_id)
        for budgeted in self._budgeted:
            self._budgets.renew(budgeted, self.spread.parts_in(unit, unit_id, budgeted.component_class))
        self.dispatcher.is_new(incident.node)
        self._discard(incident, unit, unit_id)
        work = None if self._merging is None else self._merging.last_of(incident)
        for other in () if work is None else work.waiting:
            if self.spread.holds(unit, unit_id, other.component_class, other.instance):
                self._settle(other)

    def _discard(self, incident: Incident, unit: str, unit_id: int) -> None:
        """What nobody repairs is gone with the unit: faults that were not found yet or are tolerated, and returns."""
        for other in self.impact.hidden_in(incident.nodes):
            if other.unattended and self.spread.holds(unit, unit_id, other.component_class, other.instance):
                self._settle(other)
        for key, (mode, instance, _, root, _, _) in tuple(self._latent.items()):
            if self.spread.holds(unit, unit_id, mode.component_class, instance):
                del self._latent[key]
                self._live_on(mode, instance, root)

    def _settle(self, incident: Incident) -> None:
        """A fault that nobody repaired is over, with the unit it was in."""
        incident.closed_h = self._env.now
        if incident.outcome == "open":
            incident.outcome = "fixed"
        self._forget(incident)
        self.impact.end(incident)
        self._degraded.enable(incident)
        self._degraded.end_wait(incident)
        self._live_on(self._setup.modes[incident.mode_id], incident.instance, incident.root)
        self._write(incident)

    def _live_on(self, mode: FailureMode, instance: int, root: RootCause) -> None:
        """The new part may fail too; of a mode with memory, replacing the unit has seen to that."""
        if mode.memoryless:
            self._arrivals.after_repair(mode, instance, self.spread.home(mode, instance), root, age_kept=0.0)

    def _write(self, incident: Incident) -> None:
        """The incident becomes a row of the ledger."""
        setup = self._setup
        needs_rung = setup.ladder[incident.root.needs].name if incident.mode_id >= 0 else ""
        self._ledger.incidents.append(incident.row(needs_rung, setup.gpus_per_node))

    def _forget(self, incident: Incident) -> None:
        """The incident is open no more."""
        del self._open[incident.incident_id]
        place = incident.mode_id, incident.instance
        if self._at.get(place) is incident:
            del self._at[place]

    # ------------------------------------------------------------------ what is found before it shows, or by mistake

    def hidden(self, within: Callable[[int], bool]) -> list[Hidden]:
        """Defects that nobody has noticed, in nodes of which `within` holds, the oldest first."""
        found = [
            Hidden(self._setup.modes[one.mode_id], one.instance, one.node, one.root, one.symptom, one)
            for one in self._open.values()
            if one.undiscovered and one.node is not None and within(one.node)
        ]
        return found + [one for one in self._latent.values() if one.node is not None and within(one.node)]

    def is_hidden(self, defect: Hidden) -> bool:
        """Whether still nobody has noticed the defect."""
        if defect.incident is None:
            return defect.root.key in self._latent
        return defect.incident.undiscovered

    def count_by_node(self, since_h: float) -> Counter[int]:
        """Incidents and accusations of each node since an instant; planned ones and hidden ones are none."""
        rows = ((row.node, row.arrive_h, row.symptom, row.detected_h) for row in self._ledger.incidents)
        now_open = ((one.node, one.arrive_h, one.symptom, one.detected_h) for one in self._open.values())
        return Counter(
            node
            for node, arrive_h, symptom, detected_h in (*rows, *now_open)
            if node is not None
            and node >= 0
            and arrive_h >= since_h
            and symptom not in ("planned", "healthy")
            and not math.isnan(detected_h)
        )

    def find(self, defect: Hidden, at_least: int = 0) -> None:
        """A defect is convicted: its part is repaired, on rung `at_least` or higher; corrupt work is rolled back."""
        incident, mode = defect.incident, defect.mode
        if not self.is_hidden(defect):
            return  # another conviction replaced its unit a moment ago
        if incident is None:
            del self._latent[defect.root.key]
            incident = self._new_incident(mode, defect.instance, defect.node, defect.root, defect.symptom)
        incident.at_least = at_least
        incident.detected_h = incident.located_h = self._env.now
        if incident.symptom == "silent":
            self.impact.recall(incident)
        else:
            self.impact.stop(incident, "diagnose", PROCESSES_LOST, save_first=True)
        Course(self._climb(incident, mode)).go_on()

    def open_alarm(self, incident: Incident) -> None:
        """An alarm is an incident, too, until it is closed."""
        self._open[incident.incident_id] = incident

    def close_alarm(self, incident: Incident, outcome: str) -> None:
        """The alarm is over; what was held for it returns to service."""
        incident.outcome, incident.closed_h = outcome, self._env.now
        self._forget(incident)
        self.impact.end(incident)
        self._write(incident)

    def close_books(self) -> None:
        """The run ends: what is still open becomes rows too, in the order of arrival."""
        for incident in self._open.values():
            self._write(incident)
        self._workshop.close_books()
        self._ledger.incidents.sort(key=attrgetter("incident_id"))

    def planned_stop(self) -> None:
        """A planned stop of the job begins: what waits for such a stop is repaired now."""
        self._degraded.stopped(planned=True)
