"""The terminal that commands draw on."""

from __future__ import annotations

from rich.console import Console


class Terminal(Console):
    """A rich console that leaves a broken pipe to the guard of the command (rich would end with code 1)."""

    def on_broken_pipe(self) -> None:
        """Whoever read the output has gone."""
        raise BrokenPipeError
