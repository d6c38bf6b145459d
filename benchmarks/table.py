"""Results as lines: what was wanted, what was measured, met or missed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass

from benchmarks.timing import Sample

_HEAD = ("what", "target", "measured", "result", "repeats: min / median / max")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Args:
        what: was measured.
        target: in words, "" where there is none.
        measured: the figure that counts.
        result: "met", "missed", "skipped", or "" where there is no target.
        noise: how often it was measured and how far the repeats lie apart.
    """

    what: str
    target: str
    measured: str
    result: str
    noise: str = ""


def at_most(what: str, limit: float, measured: float, form: Callable[[float], str], noise: str) -> Line:
    """A line whose figure must not be larger than `limit`."""
    return Line(what, f"<= {form(limit)}", form(measured), "met" if measured <= limit else "missed", noise)


def at_least(what: str, limit: float, measured: float, form: Callable[[float], str], noise: str) -> Line:
    """A line whose figure must not be smaller than `limit`."""
    return Line(what, f">= {form(limit)}", form(measured), "met" if measured >= limit else "missed", noise)


def note(what: str, measured: str, sample: Sample | None = None, form: Callable[[float], str] = str) -> Line:
    """A line without a target."""
    return Line(what, "", measured, "", "" if sample is None else sample.spread(form))


def seconds(value: float) -> str:
    """Seconds, three digits."""
    return f"{value:.3f} s" if value < 10.0 else f"{value:.1f} s"


def times(value: float) -> str:
    """A ratio."""
    return f"{value:.2f} x"


def megabytes(value: float) -> str:
    """Bytes as 10^6 bytes."""
    return f"{value / 1e6:.0f} MB"


def plain(lines: Iterable[Line]) -> str:
    """The table for a terminal, columns aligned."""
    rows = [_HEAD, *(astuple(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(text.rstrip() for text in texts)


def markdown(lines: Iterable[Line]) -> str:
    """The table for a page of the docs."""
    rows = [_HEAD, ("---",) * len(_HEAD), *(astuple(line) for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
