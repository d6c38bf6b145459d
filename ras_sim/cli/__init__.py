"""The command line: the only place that prints, and the only one that knows exit codes."""

from __future__ import annotations

from ras_sim.cli import importance as _importance  # noqa: F401 - adds its command to the application
from ras_sim.cli import inside as _inside  # noqa: F401 - adds its commands to the application
from ras_sim.cli import optimize as _optimize  # noqa: F401 - adds its command to the application
from ras_sim.cli import sensitivity as _sensitivity  # noqa: F401 - adds its command to the application
from ras_sim.cli.app import main

__all__ = ["main"]
