"""What a result depends on besides what the user wrote: the program."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import ras_sim


def key_of(*identity: Any) -> str:
    """32 hexadecimal digits from what results depend on, plain values, and this program: equal keys are equal results."""
    return hashlib.sha256(json.dumps([*identity, program()]).encode()).hexdigest()[:32]


@functools.cache
def program() -> str:
    """The version of this package and its source as a few hexadecimal digits: two states of one version are told apart."""
    found = hashlib.sha256()
    folder = Path(__file__).parents[1]
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".yaml")):
        found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{ras_sim.__version__} ({found.hexdigest()[:8]})"
