"""Simulate reliability, repair and goodput of very large synchronous training clusters.

The public names are listed in `__all__`. Each is imported when it is first used (PEP 562), so that
`import ras_sim` itself costs milliseconds: no numpy, no pandas, no scipy.

>>> import ras_sim
>>> "simulate" in dir(ras_sim)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ras_sim.engine import simulate
    from ras_sim.experiment.check import Check, check
    from ras_sim.experiment.compare import Comparison, compare
    from ras_sim.experiment.optimize import Optimum, optimize
    from ras_sim.experiment.replicate import run
    from ras_sim.experiment.result import Result
    from ras_sim.experiment.sensitivity import Sensitivity, sensitivity
    from ras_sim.experiment.sweep import Sweep, sweep
    from ras_sim.ledger import Ledger
    from ras_sim.scenario.load import load
    from ras_sim.scenario.model import Scenario

__version__ = "0.1.0"

__all__ = [
    "Check",
    "Comparison",
    "Ledger",
    "Optimum",
    "Result",
    "Scenario",
    "Sensitivity",
    "Sweep",
    "__version__",
    "check",
    "compare",
    "load",
    "optimize",
    "run",
    "sensitivity",
    "simulate",
    "sweep",
]

_HOMES = {
    "Check": "ras_sim.experiment.check",
    "Comparison": "ras_sim.experiment.compare",
    "Ledger": "ras_sim.ledger",
    "Optimum": "ras_sim.experiment.optimize",
    "Result": "ras_sim.experiment.replicate",
    "Scenario": "ras_sim.scenario.model",
    "Sensitivity": "ras_sim.experiment.sensitivity",
    "Sweep": "ras_sim.experiment.sweep",
    "check": "ras_sim.experiment.check",
    "compare": "ras_sim.experiment.compare",
    "load": "ras_sim.scenario.load",
    "optimize": "ras_sim.experiment.optimize",
    "run": "ras_sim.experiment.replicate",
    "sensitivity": "ras_sim.experiment.sensitivity",
    "simulate": "ras_sim.engine",
    "sweep": "ras_sim.experiment.sweep",
}


def __getattr__(name: str) -> object:
    """Import the home of a public name and keep the name here, so that the next use costs nothing.

    Raises: AttributeError for a name that is not public.
    """
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ras_sim' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, the loaded and the ones still to be loaded."""
    return sorted({*globals(), *_HOMES})
