"""Strikes: a fault is due, and becomes an incident of its own, joins an open one, lurks for a while, or has no effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from ras_sim.distributions import Distribution
from ras_sim.engine.arrivals import Arrivals
from ras_sim.engine.course import Course
from ras_sim.engine.register import Hidden, Register
from ras_sim.engine.spread import Spread
from ras_sim.faults.budget import Budgets
from ras_sim.faults.clocks import EXTRA, Due
from ras_sim.faults.modes import STOPPING, FailureMode
from ras_sim.repair.incident import Incident
from ras_sim.repair.policy import RootCause
from ras_sim.scenario.setup import Setup

_SYMPTOM, _NEEDS, _INCUBATES = 16, 17, 24  # draws of a root cause; all of them are listed in incidents.py


def needs_of(mode: FailureMode, key: int) -> int:
    """Position of the lowest rung that truly fixes the fault with this key."""
    return mode.needs.draw(key, _NEEDS)


class Strikes:
    """The faults of one replication, as they strike.

    Args:
        setup: the scenario.
        arrivals: the faults, told of parts that live on.
        register: of the incidents.
        spread: where parts are.
        budgets: what spares of parts take in.
        open_incident: called with mode, instance, node, root cause and symptom of what shows in a part that is not in repair
            for it; returns the course of the new incident.

    Attributes:
        n_faults: that struck, of each mode.
        n_benign: of those without an effect.
    """

    def __init__(
        self,
        setup: Setup,
        arrivals: Arrivals,
        register: Register,
        spread: Spread,
        budgets: Budgets,
        open_incident: Callable[[FailureMode, int, int | None, RootCause, str], Course],
    ) -> None:
        self._setup = setup
        self._arrivals = arrivals
        self._register = register
        self._spread = spread
        self._budgets = budgets
        self._open_incident = open_incident
        self.n_faults = [0] * len(setup.modes)
        self.n_benign = [0] * len(setup.modes)

    def strike(self, due: Due) -> Course | None:
        """A fault is due: count it, and open an incident unless it has no effect or its part is in repair already.

        Returns:
            The course of the incident, which is to begin when all faults of this instant have struck.
        """
        _, _, accrued_h, mode_id, instance, life, node, origin = due
        mode = self._setup.modes[mode_id]
        if origin is None:
            key = self._arrivals.lives[mode_id].fault_key(instance, life)
            if key is None:
                return None  # the part was replaced before this could happen
            symptoms = mode.symptoms
        elif isinstance(origin, int):
            key, node, symptoms = origin, self._spread.home(mode, instance), mode.extra_symptoms
        else:
            return self._show_again(mode, instance, cast(RootCause, origin))
        self.n_faults[mode_id] += 1
        root = self._register.new_root(key, needs_of(mode, key), accrued_h, life)
        symptom = symptoms.draw(key, _SYMPTOM)
        if mode.absorbs is not None and self._budgets.overdraws(mode, instance):
            root.needs, root.overdrawn = max(root.needs, mode.absorbs.then), True
            symptom = mode.absorbs.shows or symptom
        if mode.burst is not None and life != EXTRA:
            self._arrivals.push_followers(mode, instance, key)
        if mode.incubates is not None and symptom != "benign":
            self._lurk(Hidden(mode, instance, node, root, symptom), mode.incubates)
            return None
        return self._show(mode, instance, node, root, symptom)

    def _lurk(self, latent: Hidden, incubates: Distribution) -> None:
        """The defect is there, and shows after a while."""
        self._register.reserve_id(latent.root)
        self._register.lurk(latent, incubates.draw(latent.root.key, _INCUBATES))

    def _show_again(self, mode: FailureMode, instance: int, root: RootCause) -> Course | None:
        """A defect that was there shows now, unless it was found, or the part was replaced, before it could."""
        latent = self._register.pop_latent(root)
        return None if latent is None else self._show(mode, instance, latent.node, root, latent.symptom)

    def _show(
        self, mode: FailureMode, instance: int, node: int | None, root: RootCause, symptom: str
    ) -> Course | None:
        """How the fault shows: not at all, as an incident of its own, or in one that is open already."""
        if symptom == "benign":
            self.n_benign[mode.mode_id] += 1
            self._arrivals.after_repair(mode, instance, node, root, age_kept=1.0)
            return None
        there = self._register.at(mode, instance)
        if there is None or (symptom in STOPPING and there.unattended and not there.disabled):
            return self._open_incident(mode, instance, node, root, symptom)
        self._merge(there, root)
        return None

    @staticmethod
    def _merge(incident: Incident, root: RootCause) -> None:
        """The part is in repair for the same failure already: that repair must now fix this fault too.

        If the fault ended a life, the next one begins with that repair: a life that has come to its end would end again at
        once, and for ever.
        """
        incident.root.needs = max(incident.root.needs, root.needs)
        if root.life != EXTRA:
            incident.root.life, incident.root.failed_h = root.life, root.failed_h
