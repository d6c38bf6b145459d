"""Tables for the terminal of which nothing is cut, whatever its width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_GAPS = (2, 1)
"""Blanks between columns: where there is room, and where there is none."""


class Grid:
    """Rows under headings: numbers to the right and always whole.

    Where the lines do not fit, headings and names wrap between words, never within one; where they still do not fit, the
    lines are longer than the terminal is wide: half a number is a wrong number.

    Args:
        heads: headings.
        rows: cells as text; a row of one cell is a heading of those below it.
        names: columns of words, to the left; all others are columns of numbers.
        title: a line above, "" for none.
        style: look of the headings.
    """

    def __init__(
        self,
        heads: Sequence[str],
        rows: Iterable[Sequence[str]],
        names: Sequence[int] = (0,),
        *,
        title: str = "",
        style: str = "dim",
    ) -> None:
        """See the class."""
        self._heads = list(heads)
        self._rows = [list(row) for row in rows]
        self._names = set(names)
        self._title = title
        self._style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table in the width that there is, or in the least that it can do with."""
        from rich.table import Table
        from rich.text import Text

        gap, widths = self._widths(options.max_width)
        table = Table(
            title=Text(self._title, style="bold") if self._title else None,
            title_justify="left",
            box=None,
            padding=(0, gap, 0, 0),
            pad_edge=False,
            header_style=self._style,
        )
        for place, width in enumerate(widths):
            lines = wrap(self._heads[place], width, break_long_words=False, break_on_hyphens=False)
            justify: Literal["left", "right"] = "left" if place in self._names else "right"
            table.add_column(Text("\n".join(lines)), justify=justify, width=width)
        for row in self._rows:
            look = "bold" if len(row) == 1 < len(self._heads) else ""
            table.add_row(*(Text(cell, style=look) for cell in row))
        yield from console.render(table, options.update(width=max(options.max_width, sum(widths) + gap * len(widths))))

    def _widths(self, available: int) -> tuple[int, list[int]]:
        """The gap between columns and their widths: the gap gives way, then the widest headings and names, until the lines
        fit or none can."""
        columns = range(len(self._heads))
        full, least = [self._full(place) for place in columns], [self._least(place) for place in columns]
        gap = next((gap for gap in _GAPS if sum(full) + gap * (len(full) - 1) <= available), _GAPS[-1])
        while sum(full) + gap * (len(full) - 1) > available:
            loose = [place for place in columns if full[place] > least[place]]
            if not loose:
                break
            full[max(loose, key=lambda place: full[place])] -= 1
        return gap, full

    def _cells(self, place: int) -> list[str]:
        return [row[place] for row in self._rows if place < len(row)]

    def _full(self, place: int) -> int:
        """Width of a column of which nothing wraps."""
        from rich.cells import cell_len

        return max(map(cell_len, [*self._cells(place), self._heads[place], " "]))

    def _least(self, place: int) -> int:
        """Width of a column of which all wraps that may."""
        from rich.cells import cell_len

        cells = self._cells(place)
        parts = [word for cell in cells for word in cell.split()] if place in self._names else cells
        return max(map(cell_len, [*parts, *self._heads[place].split(), " "]))
