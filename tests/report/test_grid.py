"""Tables for the terminal: no number and no name is ever cut."""

from __future__ import annotations

import io

import pytest

from ras_sim.cli.terminal import Terminal
from ras_sim.report.grid import Grid

HEADS = ("", "spares.nodes", "from the best", "95% interval")
ROWS = (
    ("only a heading",),
    ("Technician-hours of all", "12", "-0.2086 pp", "-205,895.25 to +386,346.75"),
    ("技術者 hours", "1,024", "best", "–"),
)


def printed(width: int) -> str:
    terminal = Terminal(file=io.StringIO(), width=width)
    terminal.print(Grid(HEADS, ROWS))
    return terminal.file.getvalue()  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_numbers_stand_whole_in_one_line_at_any_width(width: int) -> None:
    text = printed(width)
    assert "…" not in text
    for _, *numbers in ROWS:
        if numbers:
            assert any(all(one in line for one in numbers) for line in text.splitlines())
    for word in (word for head in HEADS for word in head.split()):
        assert word in text
    for word in ("Technician-hours", "技術者", "heading"):
        assert word in text


def test_what_fits_is_not_wrapped() -> None:
    assert len(printed(80).splitlines()) == 1 + len(ROWS)
    lines = printed(72).splitlines()
    assert len(lines) > 1 + len(ROWS)
    assert max(len(line.rstrip()) for line in lines) <= 72
