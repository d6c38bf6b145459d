"""What a repair is worth to the job, from what a dispatcher can know: who waits, how many spares are left, what is slow."""

from __future__ import annotations

from functools import partial

import simpy

from ras_sim.cluster import Cluster
from ras_sim.engine.impact import Impact
from ras_sim.engine.spread import Spread
from ras_sim.ledger import ResourceRow
from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import Rung
from ras_sim.repair.queue import Order
from ras_sim.repair.workshop import Technicians
from ras_sim.scenario.setup import Setup

_SOON_H = 1e-6  # technician-hours of work that is expected to take none


class SpareRecord:
    """How fast spares were taken and came back until now, read from the rows that tell their number.

    Args:
        rows: the resources table of the ledger, as it grows.
    """

    def __init__(self, rows: list[ResourceRow]) -> None:
        self._rows = rows
        self._n_read = 0
        self._n_at_start: int | None = None
        self._level = 0
        self._since_h = 0.0
        self._n_taken = 0
        self._n_back = 0
        self._short_h = 0.0

    def p_taken_first(self, now_h: float) -> float:
        """Probability that the next to happen is that a spare is taken, not that one comes back: l / (l + m).

        l = taken per hour; m = (1 + came back) per hour in which one was out, so that what was never seen is possible.
        """
        self._read()
        short_h = self._short_h + self._short_since(now_h)
        if not self._n_taken or short_h <= 0.0:
            return 0.0
        taken_per_h, back_per_h = self._n_taken / now_h, (1 + self._n_back) / short_h
        return taken_per_h / (taken_per_h + back_per_h)

    def _read(self) -> None:
        for row in self._rows[self._n_read :]:
            if row.resource == "spare_nodes":
                self._note(row)
        self._n_read = len(self._rows)

    def _note(self, row: ResourceRow) -> None:
        if self._n_at_start is None:
            self._n_at_start = self._level = row.change
            return
        self._short_h += self._short_since(row.time_h)
        self._since_h = row.time_h
        self._level += row.change
        self._n_taken += max(0, -row.change)
        self._n_back += max(0, row.change)


    def _short_since(self, now_h: float) -> float:
        """Hours since the last change, if a spare was out in them."""
        return now_h - self._since_h if self._level < (self._n_at_start or 0) else 0.0


class Worth:
    """Makes the orders for technicians, with what each is worth.

    Args:
        env: the simulation.
        setup: the scenario.
        cluster: who serves the job, and how many spares there are.
        impact: who holds the job, and what slows it.
        spread: where parts are.
        rows: the resources table of the ledger.
    """

    def __init__(
        self,
        env: simpy.Environment,
        setup: Setup,
        cluster: Cluster,
        impact: Impact,
        spread: Spread,
        rows: list[ResourceRow],
    ) -> None:
        self._env = env
        self._setup = setup
        self._cluster = cluster
        self._impact = impact
        self._spread = spread
        self._spares = SpareRecord(rows)
        self._mean_h: dict[int, float] = {}  # rung -> technician-hours that a try is expected to take

    def order(self, incident: Incident, rung: Rung, technicians: Technicians) -> Order:
        """The order for one try of a rung."""
        mean_h = self._mean_h.get(rung.level)
        if mean_h is None:
            work_h = technicians.travel.mean_h + rung.duration.mean_h
            mean_h = max(_SOON_H, work_h / max(rung.p_works, _SOON_H))
            self._mean_h[rung.level] = mean_h
        return Order(
            incident.incident_id,
            rung.name,
            incident.component_class,
            mean_h,
            partial(self.gain, incident),
            self._spread.alike(incident, technicians.batch_by),
        )

    def gain(self, incident: Incident) -> float:
        """GPUs' worth of goodput that is lost while this incident is open, as things stand (docs/model.md, "Workshop")."""
        n_gpus = self._setup.job.n_gpus
        repairs, short = self._impact.holding()
        n_back = self._cluster.n_coming_back(incident.held)
        share = 1.0 / max(1, len(repairs) + bool(short))
        frac = self._impact.exposure.speed_gained(incident)
        if incident in repairs:
            frac += share
        if short:
            n_needed = sum(len(self._cluster.of_job(one.held)) for one in short) - self._cluster.n_spares
            n_mine = n_back + (len(self._cluster.of_job(incident.held)) if incident in short else 0)
            frac += share * min(1.0, n_mine / max(1, n_needed))
        elif n_back:
            frac += self.spare_price(n_back)
        narrow, n_out = self._impact.lacking(incident)
        return n_gpus * (frac + min(narrow, (n_back + n_out) / self._setup.n_job_nodes))

    def spare_price(self, n: int) -> float:
        """Probability that the job lacks a node before the next return with the spares that are left, but not with n more.

        With k spares, k + 1 must be taken first: p^(k+1) - p^(k+n+1).
        """
        p = self._spares.p_taken_first(self._env.now)
        left: float = p ** (self._cluster.n_spares + 1)
        return left * (1.0 - p**n)
