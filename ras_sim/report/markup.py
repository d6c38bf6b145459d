"""Small pieces of HTML. Everything that is text is escaped here, so that no section has to remember it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from ras_sim.report.figures import Chart


class Column(NamedTuple):
    """A column of a table: its heading, and whether it holds numbers (aligned to the right)."""

    heading: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: anchor, title and finished HTML."""

    anchor: str
    title: str
    body: str


_JOINT = re.compile(r"(?<=\w[._])(?=[^\W\d_])")
"""Where a key of a scenario may go on in the next line: after a dot or an underscore before a letter, so not in 1.5."""


def prose(text: str) -> str:
    """Plain text, escaped, in which long keys break between their words and never within one.

    >>> prose("job.max_loss < 1.5 h")
    'job.<wbr>max_<wbr>loss &lt; 1.5 h'
    """
    return _JOINT.sub("<wbr>", escape(text))


def paragraph(text: str, css: str = "") -> str:
    """A paragraph of plain text."""
    return f"<p{_class(css)}>{prose(text)}</p>"


def table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """A table with a caption; every cell is plain text. The first cell of a row is its heading.

    >>> "&lt;b&gt;" in table("t", [Column("a")], [["<b>"]])
    True
    """
    heads = "".join(f'<th scope="col"{_class(_css(c))}>{prose(c.heading)}</th>' for c in columns)
    body = "".join(f"<tr>{_cells(columns, row)}</tr>" for row in rows)
    head = f"<caption><span>{prose(caption)}</span></caption><thead><tr>{heads}</tr></thead>"
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'


def _cells(columns: Sequence[Column], row: Sequence[str]) -> str:
    """The cells of one row."""
    first, *rest = row
    cells = "".join(
        f"<td{_class(_css(column))}>{prose(cell)}</td>"
        for column, cell in zip(columns[1:], rest, strict=True)
    )
    return f'<th scope="row">{prose(first)}</th>{cells}'


def _css(column: Column) -> str:
    return "number" if column.is_number else ""


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def figure(chart: Chart) -> str:
    """A chart with its finding as caption; drawn by the script of the page from the JSON beside it."""
    data = "".join(
        f'<script type="application/json" data-of="{chart.key}">{script_safe(spec)}</script>'
        for spec in chart.specs
    )
    return (
        f'<figure id="figure-{chart.key}"><figcaption>{prose(chart.finding)}</figcaption>'
        f'<div class="chart" id="{chart.key}" role="img" aria-label="{escape(chart.finding)}" '
        f'style="height:{chart.height_px}px"></div>{data}</figure>'
    )


def script_safe(json_text: str) -> str:
    """JSON that cannot end the script element that holds it; it reads back as the same values.

    >>> script_safe('{"a": "</script>&"}')
    '{"a": "\\\\u003c/script\\\\u003e\\\\u0026"}'
    """
    for sign in "<>&\u2028\u2029":
        json_text = json_text.replace(sign, f"\\u{ord(sign):04x}")
    return json_text


def details(summary: str, text: str) -> str:
    """Long plain text that opens on a click."""
    return f"<details><summary>{escape(summary)}</summary><pre>{escape(text)}</pre></details>"


def fold(summary: str, body: str) -> str:
    """Finished HTML that opens on a click."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def selector(label: str, options: Sequence[str], charts: Sequence[str], chosen: int) -> str:
    """A choice among the figures of one or several charts."""
    items = "".join(
        f'<option value="{i}"{" selected" if i == chosen else ""}>{escape(text)}</option>'
        for i, text in enumerate(options)
    )
    return (
        f'<label class="choice">{escape(label)} <select id="replication" data-charts="{" ".join(charts)}">'
        f"{items}</select></label>"
    )
