"""How a command ends that runs many points: its folder, what it prints, and what is left where it was stopped."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ras_sim.cli.guard import GOOD, INTERRUPTED, say

if TYPE_CHECKING:
    from rich.console import RenderableType


class Study(Protocol):
    """Many points, some of which may have been there before."""

    @property
    def n_reused(self) -> int:
        """Points that the folder held."""

    def to_json(self) -> dict[str, Any]:
        """All of it as one JSON object."""

    def save(self, directory: str | Path) -> Path:
        """Write it; returns the folder."""


S = TypeVar("S", bound=Study)


@dataclass(frozen=True, slots=True)
class Texts(Generic[S]):
    """What is written of a study for readers.

    Args:
        page: name of the page in its folder.
        write_page: writes it.
        markdown: text of summary.md.
        summary: for the terminal.
    """

    page: str
    write_page: Callable[[S, Path], Path]
    markdown: Callable[[S], str]
    summary: Callable[[S], RenderableType]


@dataclass(frozen=True, slots=True)
class Said:
    """Options of the command line that say what is told where.

    Args:
        out: folder of the results, None for none.
        as_json: one JSON object to stdout in place of the summary.
        quiet: nothing is told.
    """

    out: Path | None
    as_json: bool
    quiet: bool


def finish(found: S, texts: Texts[S], said: Said, files: str = "") -> int:
    """Write and print a whole study; returns the exit code.

    Args:
        files: what to look for in its folder, "" for nothing in particular.
    """
    if said.out is not None:
        _write(found, texts, said.out)
    if said.as_json:
        print(json.dumps(found.to_json(), allow_nan=False))
    elif not said.quiet:
        from ras_sim.cli.terminal import Terminal

        Terminal().print(texts.summary(found))
    if said.out is not None and not said.quiet:
        say(f"written to {said.out}{files and f': {files}'}{reused(found.n_reused)}")
    return GOOD


def _write(found: S, texts: Texts[S], out: Path) -> None:
    """The folder of the result with its report."""
    from ras_sim.experiment.files import put_text

    folder = found.save(out)
    texts.write_page(found, folder / texts.page)
    put_text(folder / "summary.md", texts.markdown(found))


def reused(n: int) -> str:
    """How many points were there already, "" for none.

    >>> reused(0), reused(1), reused(1200)
    ('', '; 1 point was there already', '; 1,200 points were there already')
    """
    return f"; {n:,} point{'s were' if n != 1 else ' was'} there already" if n else ""


def stopped(finished: str, out: Path | None) -> int:
    """Say what is left of a study that was stopped; returns the exit code.

    Args:
        finished: such as "3 of 8 points".
    """
    sys.stdout.flush()
    say(f"interrupted: {finished} finished")
    if out is not None:
        say("the same command goes on from there")
    return INTERRUPTED
