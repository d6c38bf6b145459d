"""A policy in Python, as a scenario holds it: its name and its text. A scenario runs code only for who allows it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationInfo, model_validator

from ras_sim.repair.function import PolicyFunction
from ras_sim.scenario.fields import Strict

ALLOWS_CODE: Mapping[str, bool] = {"allow_code": True}
"""The context in which a scenario with code can be made: `load(..., allow_code=True)` gives it, and whoever makes a scenario
of one that was loaded in that way."""

NAME = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
MAX_CHARS = 100_000


def code_words(code: str) -> str:
    """A text of code by its size and the beginning of its SHA-256.

    >>> code_words("def f(case):\\n    return None")
    '2 lines (c20ded2b0058)'
    """
    digest = hashlib.sha256(code.encode()).hexdigest()[:12]
    n = code.count("\n") + 1
    return f"{n:,} line{'' if n == 1 else 's'} ({digest})"


def or_its_name(schema: dict[str, Any]) -> None:
    """A file states the name alone; what is resolved has the text as well."""
    schema["anyOf"].insert(0, {"type": "string", "pattern": NAME, "examples": ["my_policy:first_try"]})


class FunctionSpec(Strict):
    """A policy in Python and the text that is run. A file states its name alone: `function: my_module:my_function`."""

    name: str = Field(
        pattern=NAME,
        max_length=200,
        description="Module and function; the module is a `.py` beside the file that names it, or one that can be imported.",
        examples=["my_policy:first_try"],
    )
    code: str = Field(
        min_length=1, max_length=MAX_CHARS, description="Text of the module, as it was read; kept with results."
    )

    @model_validator(mode="after")
    def _is_allowed(self, info: ValidationInfo) -> FunctionSpec:
        if not (info.context or {}).get("allow_code"):
            raise ValueError("got Python code, want leave to run it: ras_sim.load(path, allow_code=True)")
        return self

    def build(self) -> PolicyFunction:
        """The function that the engine asks."""
        return PolicyFunction(self.name, self.code)
