"""Watchdogs and the errors of diagnosis, from what a person wrote to what the engine computes with."""

from __future__ import annotations

from ras_sim.repair.detection import Heartbeat, Latency, LocationRule, PaceWatch, Timers, Watchdog
from ras_sim.scenario.detection import DetectionSpec, WatchdogSpec
from ras_sim.streams import base_key


def build_watchdogs(detection: DetectionSpec, n_gpus: int) -> tuple[Watchdog, ...]:
    """All watchdogs by name, whatever the order in the file.

    Args:
        detection: the block of the scenario.
        n_gpus: of the job, each with a timer where timers are per rank.
    """
    return tuple(
        Watchdog(
            name=name,
            symptoms=frozenset(spec.symptoms),
            of=None if spec.of is None else frozenset(spec.of),
            p_covers=spec.coverage,
            latency=build_latency(spec, n_gpus),
            false_per_h=spec.false_alarms,
            branch=base_key(0, 0, "watchdog", name),
        )
        for name, spec in sorted((detection.watchdogs or {}).items())
    )


def build_latency(spec: WatchdogSpec, n_gpus: int) -> Latency:
    """How long one watchdog takes."""
    if spec.window is not None and spec.threshold is not None:
        return PaceWatch(spec.threshold, spec.window)
    if spec.latency is not None:
        return Timers(spec.latency.build(), n_gpus if spec.per_rank else 1)
    return Heartbeat(spec.every or 0.0, spec.misses)


def build_location(detection: DetectionSpec) -> LocationRule | None:
    """The errors of diagnosis, None if it has none."""
    spec = detection.location
    return None if spec is None else LocationRule(spec.wrong, spec.group, spec.group_nodes or 1)
