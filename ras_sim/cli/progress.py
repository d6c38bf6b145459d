"""Progress of long runs, on the error stream: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from ras_sim.cli.guard import say
from ras_sim.metrics.precision import Wish
from ras_sim.report.aimed import half_width_text, name_of

QUIET_S = 2.0
"""A run that is over within this time shows nothing."""
_BETWEEN_LINES_S = 10.0


class Progress:
    """Called with (finished, wanted) after each of them.

    Args:
        quiet: show nothing.
        of: what is counted.
    """

    def __init__(self, *, quiet: bool, of: str = "replications") -> None:
        self._quiet, self._of = quiet, of
        self._width = ""
        self._began_s = time.monotonic()
        self._next_line_s = self._began_s + QUIET_S
        self._bar: RichProgress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, finished: int, wanted: int) -> None:
        """Show that `finished` of `wanted` are done."""
        now_s = time.monotonic()
        if self._quiet or now_s - self._began_s < QUIET_S:
            return
        if sys.stderr.isatty():
            self._draw(finished, wanted)
        elif now_s >= self._next_line_s:
            self._next_line_s = now_s + _BETWEEN_LINES_S
            say(f"{finished} of {wanted} {self._of}" + (f": {self._width}" if self._width else ""))

    def closing_in(self, half_width: float | None, wish: Wish) -> None:
        """Show, with the next of them, how wide the interval is and how wide it is to be."""
        so_far, wanted = (
            "not known" if half is None else half_width_text(wish.metric, half, wish.relative)
            for half in (half_width, wish.half_width)
        )
        self._width = f"{name_of(wish.metric)} {so_far}, wanted {wanted}"

    def _draw(self, finished: int, wanted: int) -> None:
        if self._bar is None:
            width = TextColumn("{task.fields[width]}")
            columns = (TextColumn(self._of), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), width)
            self._bar = RichProgress(*columns, console=Console(stderr=True), transient=True)
            self._bar.add_task("", total=wanted, width=self._width)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=finished, total=wanted, width=self._width)
