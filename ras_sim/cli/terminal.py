"""The terminal that commands draw on."""

from __future__ import annotations

from typing import Any

from rich.console import Console


class Terminal(Console):
    """A rich console that cuts no line and leaves a broken pipe to the guard of the command (rich would end with code 1)."""

    def on_broken_pipe(self) -> None:
        """Whoever read the output has gone."""
        raise BrokenPipeError

    def print(self, *objects: Any, **look: Any) -> None:
        """Print; lines that are longer than the terminal is wide are not cut, as rich would."""
        super().print(*objects, **{"crop": False, **look})
