"""When a fault that shows is noticed."""

from __future__ import annotations

from ras_sim.faults.modes import FailureMode
from ras_sim.repair.detection import Watchdog
from ras_sim.repair.incident import Incident
from ras_sim.scenario.setup import Setup
from ras_sim.streams import child_key, uniform

_DETECT, _BLOCK = 18, 64  # draw of a root cause; the n-th time that it shows uses the n-th block of draws


class Detection:
    """Detection times, for one replication.

    Args:
        setup: the scenario.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._watching: dict[tuple[int, str], list[Watchdog]] = {}  # mode and symptom -> who looks for it

    def delay_h(self, incident: Incident, mode: FailureMode) -> float:
        """Hours from the onset until somebody notices: T = min(T of the symptom, T of each watchdog that covers it)."""
        key, n_returns, symptom = incident.root.key, incident.root.n_returns, incident.symptom
        usual = mode.detection.get(symptom) or self._setup.detection[symptom]
        delay_h = usual.draw(key, _DETECT + n_returns * _BLOCK)
        for watchdog in self._setup.watchdogs and self._who(mode, symptom):
            draws = child_key(key, watchdog.branch, n_returns)
            if uniform(draws, 0) < watchdog.p_covers:
                sooner_h = watchdog.latency.hours(incident.speed, uniform(draws, 1))
                if sooner_h is not None and sooner_h < delay_h:
                    delay_h = sooner_h
        return delay_h

    def _who(self, mode: FailureMode, symptom: str) -> list[Watchdog]:
        """The watchdogs that look for such faults."""
        found = self._watching.get((mode.mode_id, symptom))
        if found is None:
            found = [
                one for one in self._setup.watchdogs if one.watches(mode.component_class, mode.key, symptom)
            ]
            self._watching[mode.mode_id, symptom] = found
        return found
