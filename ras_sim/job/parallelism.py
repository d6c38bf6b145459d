"""Parallel groups placed on the machine, and what a slower fabric costs a synchronous step.

Ranks are placed tensor-fastest, then pipeline, then data: a tensor group sits on neighbouring GPUs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """How the job is cut.

    Args:
        tensor, pipeline, data, expert: widths; tensor x pipeline x data = GPUs of the job.
        exposed: share of a step spent waiting for each kind of group's communication.
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

    def waiting_frac(self, scale_up: bool) -> float:
        """Share of a step that waits for traffic inside NVLink domains (scale-up), or between them."""
        return sum(share for group, share in self.exposed.items() if self.crosses_fabric(group) != scale_up)

    def speed(self, capacity: float, scale_up: bool) -> float:
        """Relative speed of the job when its narrowest place has `capacity` of its bandwidth.

        Communication time grows by 1/capacity: speed = 1 / (1 + f (1/capacity - 1)), f the share of a step that waits
        for it (docs/model.md, "Slow links").

        Args:
            capacity: 0 < capacity <= 1.
            scale_up: whether the place is inside an NVLink domain.
        """
        return 1.0 / (1.0 + self.waiting_frac(scale_up) * (1.0 / capacity - 1.0))
