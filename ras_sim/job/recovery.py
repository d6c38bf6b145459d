"""How long a job takes to come up again, as a function of its size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartUp:
    """Start-up time: base + at_1000_gpus x (GPUs / 1000) ** exponent (docs/model.md, "Start-up")."""

    base_h: float
    at_1000_gpus_h: float
    exponent: float

    def hours(self, n_gpus: int) -> float:
        """Hours from process start to the first step of `n_gpus` ranks, restore not counted."""
        scale: float = (n_gpus / 1000.0) ** self.exponent
        return self.base_h + self.at_1000_gpus_h * scale


@dataclass(frozen=True, slots=True)
class Transfer:
    """Time to move bytes: latency + bytes / bandwidth."""

    bandwidth_bytes_per_h: float
    latency_h: float

    def hours(self, n_bytes: float) -> float:
        return self.latency_h + n_bytes / self.bandwidth_bytes_per_h
