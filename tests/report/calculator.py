"""Google's `GoodputCalculator`, without the packages that its own package imports and the calculator never calls."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

PACKAGE = "ml_goodput_measurement"

IMPORTED = {
    "google.api_core.exceptions": "GoogleAPIError",
    "google.cloud.logging": "Client",
    "google.cloud.monitoring_v3": "TimeSeries",
    "google.cloud.storage": "Client",
    "requests": "Session",
    "tensorboardX.writer": "SummaryWriter",
    "urllib3.util.retry": "Retry",
}
"""Module -> the one name of it that is read when the package is imported (in an annotation, or to be called later).

They send logs and metrics to Google Cloud or to TensorBoard. In place of a module that is not installed there is an empty
one: whoever calls into it gets an AttributeError, so nothing that the calculator computes can come from here."""


@contextmanager
def calculator() -> Iterator[Any]:
    """The class `GoodputCalculator`; modules are as they were before once it is left.

    Raises:
        ModuleNotFoundError: ml-goodput-measurement is not installed.
    """
    before = dict(sys.modules)
    try:
        for name, attribute in IMPORTED.items():
            _stand_in(name, attribute)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ml_goodput_measurement.src.goodput import GoodputCalculator  # type: ignore[import-not-found]

            yield GoodputCalculator
    finally:
        for name in set(sys.modules) - set(before):
            if name.partition(".")[0] == PACKAGE or is_stand_in(sys.modules[name]):
                del sys.modules[name]


def is_stand_in(module: ModuleType) -> bool:
    """True for an empty module that `calculator` made."""
    return getattr(module, "__doc__", None) == _stand_in.__doc__


def _stand_in(name: str, attribute: str) -> None:
    """An empty module in place of one that is not installed."""
    if _is_installed(name):
        return
    path = ""
    for part in name.split("."):
        parent, path = path, f"{path}.{part}" if path else part
        if path in sys.modules or _is_installed(path):
            continue
        module = ModuleType(path, _stand_in.__doc__)
        module.__path__ = []  # importable as a package
        sys.modules[path] = module
        if parent:
            setattr(sys.modules[parent], part, module)
    setattr(sys.modules[name], attribute, type(attribute, (), {}))


def _is_installed(name: str) -> bool:
    """True if a module of that name can be imported, or has been."""
    try:
        return find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):  # its parent is missing, or a stand-in without a spec
        return False
