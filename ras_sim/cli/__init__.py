"""The command line: the only place that prints, and the only one that knows exit codes."""

from __future__ import annotations

from ras_sim.cli.app import main

__all__ = ["main"]
