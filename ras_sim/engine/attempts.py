"""Attempts: one try of one rung on an incident, from the call for a technician to the verdict of the test after it."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

import simpy

from ras_sim.engine.arrivals import Arrivals
from ras_sim.engine.impact import Impact
from ras_sim.engine.spread import Spread
from ras_sim.engine.worth import Worth
from ras_sim.ledger import AttemptRow, Ledger, new_row
from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import Rung
from ras_sim.repair.policy import RootCause
from ras_sim.repair.workshop import Workshop
from ras_sim.scenario.setup import Setup
from ras_sim.streams import child_key, uniform

# Draws of one try of one rung: blocks of _PER_TRY from _TRY on, by rung and number of the try.
_TRY, _PER_TRY = 1 << 32, 8
_DURATION, _WORKS, _SEEN, _TEST, _VERDICT, _TRAVEL, _DOA, _RETURNED = 0, 1, 2, 3, 4, 5, 6, 7


def first_try_h(setup: Setup, rung: Rung, key: int) -> float:
    """Hours of the first try of a rung on the fault with this key, and of a technician's way to it."""
    draws = _TRY + (rung.level << 16) * _PER_TRY
    travel_h = 0.0
    if rung.technician and setup.technicians is not None:
        travel_h = setup.technicians.travel.quantile(uniform(key, draws + _TRAVEL))
    return travel_h + rung.duration.draw(key, draws + _DURATION)


class Attempts:
    """All tries of rungs in one replication.

    Args:
        env: the simulation.
        setup: the scenario.
        spread: what a rung takes down.
        impact: the incidents' side of the job.
        worth: what it is worth to send a technician.
        workshop: technicians and parts.
        arrivals: told who is powered off.
        ledger: where rows go.
    """

    def __init__(
        self,
        env: simpy.Environment,
        setup: Setup,
        spread: Spread,
        impact: Impact,
        worth: Worth,
        workshop: Workshop,
        arrivals: Arrivals,
        ledger: Ledger,
    ) -> None:
        self._env = env
        self._setup = setup
        self._spread = spread
        self._impact = impact
        self._worth = worth
        self._workshop = workshop
        self._arrivals = arrivals
        self._ledger = ledger

    def one(self, incident: Incident, rung: Rung) -> Generator[simpy.Event, None, str]:
        """One try of one rung; returns its outcome, as in `AttemptRow`."""
        env, root = self._env, incident.root
        asked_h = env.now
        draws = _TRY + (rung.level << 16 | root.count_try(rung.level, asked_h)) * _PER_TRY
        incident.n_attempts += 1
        incident.final_rung = rung.name
        if rung.drains and self._impact.save(incident):
            yield env.timeout(self._setup.job.save_h)
        nodes = self._spread.scope(incident, rung)
        self._impact.take_down(incident, nodes, rung)
        self._impact.meanwhile(incident, rung.swap)
        if rung.powers_off:
            off = self._arrivals.power_off(nodes)
        start_h = asked_h
        works = True
        if rung.part:
            unit, u_doa = self._spread.unit_class(incident), partial(uniform, root.key, draws + _DOA)
            works = yield from self._workshop.take_part(incident.incident_id, rung.name, unit, u_doa)
            start_h = env.now
        duration_h = rung.duration.draw(root.key, draws + _DURATION)
        if rung.technician:
            start_h = yield from self._attended(incident, rung, duration_h, draws)
        elif duration_h > 0.0:
            yield env.timeout(duration_h)
        if rung.powers_off:
            self._arrivals.power_on(off)
        if rung.part:
            self._exchange(incident, rung, works, draws)
        outcome = self._outcome(root, rung, draws, works)
        if rung.tested and outcome != "failed":
            outcome = yield from self._test(incident, outcome, draws)
        self._ledger.attempts.append(
            new_row(AttemptRow, (incident.incident_id, rung.name, asked_h, start_h, env.now, outcome))
        )
        return outcome

    def _attended(
        self, incident: Incident, rung: Rung, duration_h: float, draws: int
    ) -> Generator[simpy.Event, None, float]:
        """The work of a technician; returns when somebody first stood at the machine."""
        technicians = self._setup.technicians
        if technicians is None:
            return self._workshop.attend_at_once(incident.incident_id, rung.name, duration_h)
        order = self._worth.order(incident, rung, technicians)
        return self._workshop.attend(order, duration_h, partial(_travel_draw, incident.root.key, draws + _TRAVEL))

    def ride(self, incident: Incident, rung: Rung, asked_h: float) -> str:
        """A rung was tried for another incident of the node, and counts as a try for this one; returns its outcome."""
        root, now_h = incident.root, self._env.now
        draws = _TRY + (rung.level << 16 | root.count_try(rung.level, asked_h)) * _PER_TRY
        incident.n_attempts += 1
        incident.final_rung = rung.name
        outcome = self._outcome(root, rung, draws, True)
        row = (incident.incident_id, rung.name, asked_h, asked_h, now_h, outcome)
        self._ledger.attempts.append(new_row(AttemptRow, row))
        return outcome

    def _exchange(self, incident: Incident, rung: Rung, works: bool, draws: int) -> None:
        """A part was put in; the one before goes back. It is faulty if this rung is the one that the fault needs."""
        root = incident.root
        faulty = root.needs == rung.level if root.installed is None else not root.installed
        shelf = self._workshop.shelf(self._spread.unit_class(incident))
        if shelf is not None:
            shelf.send_back(faulty, child_key(root.key, draws + _RETURNED))
        root.installed = works
        if not works:
            root.needs = max(root.needs, rung.level)  # whatever was wrong, now it takes another part

    def _outcome(self, root: RootCause, rung: Rung, draws: int, part_works: bool) -> str:
        """Whether the try fixed the fault, and if not whether that is seen; or whether it took the part out of use."""
        if rung.disables:
            works = rung.p_works == 1.0 or uniform(root.key, draws + _WORKS) < rung.p_works
            return "disabled" if works else "failed"
        if part_works and rung.level >= root.needs and (
            rung.p_works == 1.0 or uniform(root.key, draws + _WORKS) < rung.p_works
        ):
            return "fixed"
        return (
            "failed"
            if rung.p_seen == 1.0 or uniform(root.key, draws + _SEEN) < rung.p_seen
            else "seems_fixed"
        )

    def _test(self, incident: Incident, outcome: str, draws: int) -> Generator[simpy.Event, None, str]:
        """The validation test before return to service."""
        test = self._setup.validation
        if test is None:
            return outcome
        self._impact.stage(incident, "validate")
        yield self._env.timeout(test.duration.draw(incident.root.key, draws + _TEST))
        sound = outcome in ("fixed", "disabled")
        mode_key = f"{incident.component_class}.{incident.mode}"
        p_rejects = test.p_false_alarm if sound else test.covers(incident.component_class, mode_key)
        if uniform(incident.root.key, draws + _VERDICT) >= p_rejects:
            return outcome
        return "false_alarm" if sound else "caught"


def _travel_draw(key: int, ordinal: int, n: int) -> float:
    """The draw of the n-th way to the machine for one try: more than one where work is handed over."""
    return uniform(key, ordinal) if n == 0 else uniform(child_key(key, ordinal), n)
