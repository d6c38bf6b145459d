"""Endings: how an incident ends, and what is new then: the part, or the unit that holds it and all that is in it."""

from __future__ import annotations

from functools import partial

import simpy

from ras_sim.cluster import Cluster
from ras_sim.engine.arrivals import Arrivals
from ras_sim.engine.degraded import Degraded
from ras_sim.engine.dispatch import Dispatcher
from ras_sim.engine.impact import Impact
from ras_sim.engine.merging import Merging, Work
from ras_sim.engine.register import Hidden, Register
from ras_sim.engine.spread import Spread
from ras_sim.faults.budget import Budgets
from ras_sim.faults.modes import FailureMode
from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import Rung
from ras_sim.repair.policy import RootCause
from ras_sim.scenario.setup import Setup

_RETURN, _BLOCK = 21, 64  # draw of a root cause; the n-th return uses the n-th block of draws


class Endings:
    """How incidents end, in one replication.

    Args:
        env: the simulation.
        setup: the scenario.
        cluster: the state of the nodes.
        arrivals: the faults, told what was repaired.
        register: of the incidents.
        spread: where parts are.
        impact: what the incidents do to the job.
        degraded: told which parts work again.
        dispatcher: told which nodes are new.
        merging: incidents on one node, None if each is repaired alone.
        budgets: renewed with their parts.
    """

    def __init__(
        self,
        env: simpy.Environment,
        setup: Setup,
        cluster: Cluster,
        arrivals: Arrivals,
        register: Register,
        spread: Spread,
        impact: Impact,
        degraded: Degraded,
        dispatcher: Dispatcher,
        merging: Merging | None,
        budgets: Budgets,
    ) -> None:
        self._env = env
        self._setup = setup
        self._cluster = cluster
        self._arrivals = arrivals
        self._register = register
        self._spread = spread
        self._impact = impact
        self._degraded = degraded
        self._dispatcher = dispatcher
        self._merging = merging
        self._budgets = budgets
        self._budgeted = [mode for mode in setup.modes if mode.absorbs is not None]

    # ------------------------------------------------------------------ of one incident

    def repaired(self, incident: Incident, mode: FailureMode, rung: Rung, outcome: str) -> None:
        """A rung fixed it, or seems to have."""
        if self._setup.policy.probation is not None:
            self._put_on_probation(incident, rung)
        if outcome != "fixed":
            self.mistake(incident, mode)
            return
        self._end(incident, "fixed")
        if incident.disabled:
            self._degraded.enable(incident)
        if rung.replaces:
            self.replace_unit(incident)
        if not (rung.replaces and self._arrivals.is_renewed(mode, incident.instance)):
            self._arrivals.after_repair(mode, incident.instance, incident.node, incident.root, rung.age_kept)
        self._register.write(incident)

    def mistake(self, incident: Incident, mode: FailureMode) -> None:
        """Everybody thinks that the fault is gone, but it comes back."""
        self._end(incident, "comes_back")
        if incident.disabled:
            self._degraded.enable(incident)
        self._come_back(incident, mode)
        self._register.write(incident)

    def sat_out(self, incident: Incident, mode: FailureMode, is_over: bool) -> None:
        """Nothing was repaired; the fault is over, or comes back."""
        if is_over:
            self._end(incident, "sat_out")
            self._arrivals.after_repair(mode, incident.instance, incident.node, incident.root, age_kept=1.0)
        else:
            self._end(incident, "comes_back")
            self._come_back(incident, mode)
        self._register.write(incident)

    def disabled(self, incident: Incident) -> None:
        """The part is out of use, and its node back in service."""
        self._register.close(incident, "disabled")
        self._impact.end(incident)
        self._register.write(incident)

    def close_alarm(self, incident: Incident, outcome: str) -> None:
        """The alarm is over; what was held for it returns to service."""
        self._register.close(incident, outcome)
        self._impact.end(incident)
        self._register.write(incident)

    def _put_on_probation(self, incident: Incident, rung: Rung) -> None:
        """The nodes come back as the last choice among the spares."""
        rule = self._setup.policy.probation
        if rule is not None and rung.level in rule.levels:
            self._cluster.put_on_probation(incident.held, self._env.now + rule.time_h)

    def _end(self, incident: Incident, outcome: str) -> None:
        """The part serves again."""
        self._register.close(incident, outcome)
        self._spread.regained(incident)
        self._impact.end(incident)

    def _come_back(self, incident: Incident, mode: FailureMode) -> None:
        """The fault is still there, and will show again."""
        root = incident.root
        back_h = self._setup.comes_back.draw(root.key, _RETURN + root.n_returns * _BLOCK)
        root.n_returns += 1
        self._register.lurk(Hidden(mode, incident.instance, incident.node, root, incident.symptom), back_h)

    # ------------------------------------------------------------------ what is new

    def replace_unit(self, incident: Incident) -> None:
        """The unit that holds the part is new."""
        unit, unit_id = self._spread.unit(incident)
        self._arrivals.replace(unit, unit_id)
        for budgeted in self._budgeted:
            self._budgets.renew(budgeted, self._spread.parts_in(unit, unit_id, budgeted.component_class))
        self._dispatcher.is_new(incident.node)
        if self._impact.exposure.exposed or self._register.has_latent:
            self._discard(incident, unit, unit_id)
        if self._merging is not None:
            self._settle_riders(self._merging.last_of(incident), unit, unit_id)

    def _settle_riders(self, work: Work | None, unit: str, unit_id: int) -> None:
        """Incidents that waited for the node to come up again, and were in the unit that is new."""
        for other in () if work is None else work.waiting:
            if self._spread.holds(unit, unit_id, other.component_class, other.instance):
                self._settle(other)

    def _discard(self, incident: Incident, unit: str, unit_id: int) -> None:
        """What nobody repairs is gone with the unit: faults that were not found yet or are tolerated, and returns."""
        for other in self._impact.exposure.hidden_in(incident.nodes):
            if other.unattended and self._spread.holds(unit, unit_id, other.component_class, other.instance):
                self._settle(other)
        for latent in self._register.pop_latent_in(partial(self._spread.holds, unit, unit_id)):
            self._live_on(latent.mode, latent.instance, latent.root)

    def _settle(self, incident: Incident) -> None:
        """A fault that nobody repaired is over, with the unit it was in."""
        self._register.close(incident, "fixed" if incident.outcome == "open" else incident.outcome)
        self._spread.regained(incident)
        self._impact.end(incident)
        if incident.disabled:
            self._degraded.enable(incident)
        self._degraded.end_wait(incident)
        self._live_on(self._setup.modes[incident.mode_id], incident.instance, incident.root)
        self._register.write(incident)

    def _live_on(self, mode: FailureMode, instance: int, root: RootCause) -> None:
        """The new part may fail too; of a mode with memory, replacing the unit has seen to that."""
        if not self._arrivals.is_renewed(mode, instance):
            self._arrivals.after_repair(mode, instance, self._spread.home(mode, instance), root, age_kept=0.0)
