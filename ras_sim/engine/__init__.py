"""The engine: one replication of a scenario as a discrete-event simulation."""

from ras_sim.engine.replication import simulate

__all__ = ["simulate"]
