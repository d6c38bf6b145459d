"""Corruption events of defects in the job, and which of them a monitor notices.

Only the events that matter are drawn: the first one since the work was sound, which taints it, and after that those that
a monitor notices. A Poisson process thinned with probability p is one with p times the rate, and has no memory, so
the next noticed event of tainted work is a single draw (docs/model.md, "Silent corruption").
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ras_sim.engine.countdown import Countdown, Countdowns
from ras_sim.faults.corruption import Corruption
from ras_sim.job.training import TrainingJob
from ras_sim.repair.diagnostics import Monitor, Watch
from ras_sim.repair.incident import Incident
from ras_sim.streams import child_key, uniform

_EVENTS = 25  # branch of a fault's key from which the draws of its corruption events descend
_GAP, _NOTICED, _BY, _LATENCY = range(4)
_PER_EVENT = 4

Notice = Callable[[Monitor, Incident, float, float], None]
"""Told of an event that a monitor noticed: the monitor, the defect, the work in hand at the event, a uniform number."""


class _Source:
    """One defect whose node is in the job: which event comes next, and whether the work is tainted by it already."""

    __slots__ = ("countdown", "ordinal", "tainted")

    def __init__(self) -> None:
        self.countdown: Countdown | None = None
        self.ordinal = 0  # first draw of that event
        self.tainted = False


class Corruptions:
    """The defects that corrupt the work of the job.

    Args:
        job: what is tainted.
        countdowns: of the job's clock.
        watch: the monitors.
        notice: called when a monitor notices an event.
    """

    def __init__(self, job: TrainingJob, countdowns: Countdowns, watch: Watch, notice: Notice) -> None:
        self._job = job
        self._countdowns = countdowns
        self._watch = watch
        self._notice = notice
        self._sources: dict[Incident, tuple[Corruption, _Source]] = {}

    def begin(self, incident: Incident, corruption: Corruption) -> None:
        """A node of the defect is in the job from now on; one that hits several nodes may be there already."""
        if incident in self._sources:
            return
        self._sources[incident] = corruption, _Source()
        self._await(incident)

    def end(self, incident: Incident) -> None:
        """The node has left the job, or the defect is gone."""
        known = self._sources.pop(incident, None)
        if known is not None and known[1].countdown is not None:
            self._countdowns.cancel(known[1].countdown)

    def change_load(self, load: float) -> None:
        """The nodes of the job compute at this share of full speed, 0 < load <= 1, whenever the job does."""
        self._countdowns.change_load(load)

    def job_runs(self) -> None:
        """The job is about to compute: where it went back to sound work, the next event of a defect counts anew."""
        for incident, (_, source) in self._sources.items():
            if source.tainted and not self._job.is_tainted_by(incident.incident_id):
                if source.countdown is not None:
                    self._countdowns.cancel(source.countdown)
                self._await(incident)

    def _await(self, incident: Incident) -> None:
        """Draw the next event that matters, afresh each time: a draw that has waited in vain is known to be a large one."""
        corruption, source = self._sources[incident]
        root = incident.root
        source.ordinal = root.n_corruptions * _PER_EVENT
        root.n_corruptions += 1
        source.tainted = self._job.is_tainted_by(incident.incident_id)
        source.countdown = None
        rate_per_h = corruption.rate_per_h * (self._watch.p_notices if source.tainted else 1.0)
        if rate_per_h > 0.0:
            gap_h = -math.log(uniform(child_key(root.key, _EVENTS), source.ordinal + _GAP)) / rate_per_h
            source.countdown = self._countdowns.begin(
                gap_h, lambda: self._strike(incident), corruption.window, corruption.from_load
            )

    def _strike(self, incident: Incident) -> None:
        """Work is corrupted; perhaps a monitor notices."""
        _, source = self._sources[incident]
        key, ordinal = child_key(incident.root.key, _EVENTS), source.ordinal
        position_h = self._job.corrupt(incident.incident_id)
        noticed = source.tainted or uniform(key, ordinal + _NOTICED) < self._watch.p_notices
        self._await(incident)
        if noticed:
            monitor = self._watch.who(uniform(key, ordinal + _BY))
            self._notice(monitor, incident, position_h, uniform(key, ordinal + _LATENCY))
