"""The run comes to an end: not too long, not too many events."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from ras_sim.distributions import Distribution
from ras_sim.formats import format_count
from ras_sim.scenario.checks.finding import Finding
from ras_sim.scenario.failures import ModeSpec
from ras_sim.scenario.model import Scenario
from ras_sim.topology.parts import MACHINE
from ras_sim.units import HOURS_PER_YEAR

MAX_YEARS = 100
MAX_EVENTS = 5_000_000


def extent_findings(scenario: Scenario, counts: Mapping[str, int]) -> Iterator[Finding]:
    """What would keep a run from ending."""
    if scenario.horizon > MAX_YEARS * HOURS_PER_YEAR:
        yield Finding(("horizon",), f"at most {MAX_YEARS} years")
    for cls, modes in scenario.failures.items():
        n_parts = counts.get(cls, 0)
        for name, mode in modes.items():
            yield from too_many(
                ("failures", cls, name), _n_faults(mode, n_parts, scenario.horizon), "faults"
            )
    for name, shock in scenario.shocks.items():
        n_sources = 1 if shock.under == MACHINE else counts.get(shock.under, 0)
        n_shocks = _n_renewals(shock.every.build(), scenario.horizon)
        n_parts = counts.get(shock.strikes.partition(".")[0], 0)
        n_events = n_shocks * max(n_sources, n_parts * shock.p_struck)
        yield from too_many(("shocks", name), n_events, "shocks and struck parts")
    for name, stop in scenario.job.planned.items():
        n_stops = _n_renewals(stop.every.build(), scenario.horizon)
        yield from too_many(("job", "planned", name), n_stops, "stops")


    yield from _diagnostics(scenario, counts)


def _diagnostics(scenario: Scenario, counts: Mapping[str, int]) -> Iterator[Finding]:
    """Tests, false alarms, and corruption events that a monitor notices while nothing comes of it."""
    horizon_h, monitors = scenario.horizon, scenario.detection.monitors or {}
    for name, test in (scenario.repair.tests or {}).items():
        if test.every is not None:
            turns = counts.get("node", 0) / test.at_once if test.takes == "spares" and not test.only_after else 1
            yield from too_many(("repair", "tests", name), horizon_h / test.every * turns, "tests")
    for name, monitor in monitors.items():
        n_alarms = monitor.false_alarms * horizon_h
        yield from too_many(("detection", "monitors", name), n_alarms, "false alarms")
    p_missed = math.prod(1.0 - monitor.notices for monitor in monitors.values())
    for cls, modes in scenario.failures.items():
        for name, mode in modes.items():
            if mode.corrupts is not None:
                n_parts = counts.get(cls, 0)
                n_defects = n_parts * (mode.present or 0.0) + _n_faults(mode, n_parts, horizon_h)
                n_noticed = n_defects * mode.corrupts.rate * (1.0 - p_missed) * horizon_h
                yield from too_many(("failures", cls, name, "corrupts"), n_noticed, "alarms")


def too_many(where: tuple[str, ...], n_events: float, what: str) -> Iterator[Finding]:
    if not n_events <= MAX_EVENTS:  # NaN is too many
        expected = format_count(float(f"{n_events:.3g}")) if math.isfinite(n_events) else "endlessly many"
        yield Finding(where, f"at most {MAX_EVENTS:,} in a run", f"{expected} expected {what}", at_key=True)


def _n_faults(mode: ModeSpec, n_parts: int, horizon_h: float) -> float:
    """Expected faults of a mode, first lives from its start age and later ones, that are simulated one by one."""
    lifetime = mode.build_lifetime()
    if lifetime is None:
        return 0.0
    n_each = _n_renewals(lifetime, horizon_h) + _p_first(lifetime, mode.start_age, horizon_h)
    if mode.burst is not None:
        return n_parts * n_each * (1.0 + mode.burst.extra)
    if mode.absorbs is not None:
        return n_parts * n_each  # the benign ones use up budgets, too
    return n_parts * n_each * (1.0 - mode.symptoms.get("benign", 0.0))


def _n_renewals(lifetime: Distribution, horizon_h: float) -> float:
    """About how many lives fit into the horizon."""
    return horizon_h / lifetime.mean_h if lifetime.mean_h > 0.0 else math.inf


def _p_first(lifetime: Distribution, age_h: float, horizon_h: float) -> float:
    """Probability to fail within the horizon T at an age: 1 - exp(-(H(age + T) - H(age)))."""
    with np.errstate(all="ignore"):
        at_start, at_end = lifetime.cumulative_hazard(np.array([age_h, age_h + horizon_h])).tolist()
    return -math.expm1(at_start - at_end) if math.isfinite(at_end) else 1.0
