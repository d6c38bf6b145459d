"""Parallel groups placed on the machine, and what a slower fabric costs a synchronous step.

Ranks are placed tensor-fastest, then pipeline, then data: a tensor group sits on neighbouring GPUs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Traffic: TypeAlias = Literal["scale_up", "fabric", "memory"]
"""What a narrow place carries: traffic inside an NVLink domain, between domains, or to and from second-tier memory."""

_MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the job is cut.

    Args:
        tensor, pipeline, data, expert: widths; tensor x pipeline x data = GPUs of the job.
        exposed: share of a step spent waiting for each kind of group's communication, and for second-tier `memory`.
        gpus_per_domain: GPUs that one NVLink domain joins.
    """

    tensor: int
    pipeline: int
    data: int
    expert: int
    exposed: Mapping[str, float]
    gpus_per_domain: int

    def crosses_fabric(self, group: str) -> bool:
        """Whether a kind of group is wider than one NVLink domain, so that its traffic uses the fabric."""
        span = {
            "tensor": self.tensor,
            "expert": self.tensor * self.expert if self.expert > 1 else 1,
            "pipeline": self.tensor * self.pipeline if self.pipeline > 1 else 1,
            "data": self.tensor * self.pipeline * self.data if self.data > 1 else 1,
        }[group]
        return span > self.gpus_per_domain

    def waiting_frac(self, traffic: Traffic) -> float:
        """Share of a step that waits for traffic inside NVLink domains (scale-up), between them, or for memory."""
        if traffic == "memory":
            return self.exposed.get(_MEMORY, 0.0)
        scale_up = traffic == "scale_up"
        groups = (group for group in self.exposed if group != _MEMORY)
        return sum(self.exposed[group] for group in groups if self.crosses_fabric(group) != scale_up)

    def speed(self, capacity: float, traffic: Traffic) -> float:
        """Relative speed of the job when its narrowest place has `capacity` of its bandwidth.

        Communication time grows by 1/capacity: speed = 1 / (1 + f (1/capacity - 1)), f the share of a step that waits
        for it (docs/model.md, "Slow links").

        Args:
            capacity: 0 < capacity <= 1.
            traffic: what goes through that place.
        """
        return 1.0 / (1.0 + self.waiting_frac(traffic) * (1.0 / capacity - 1.0))
