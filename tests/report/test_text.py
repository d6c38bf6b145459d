"""The summary says what matters, fits the terminal, and needs no colour."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from ras_sim.ledger import CATEGORIES
from ras_sim.metrics import Estimate, aggregate
from ras_sim.report import summary, summary_markdown
from ras_sim.report.text import cells
from ras_sim.report.views import folded, interval, time_shares
from tests.synthetic import FakeScenario, make_result


def printed(result: object, width: int, **options: object) -> str:
    console = Console(file=io.StringIO(), width=width, **options)  # type: ignore[arg-type]
    console.print(summary(result, width=width))  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_headline_and_worst_cause_are_there() -> None:
    result = make_result(5)
    text = printed(result, 80)
    goodput = result.aggregate.metrics["goodput"]
    assert goodput.mean is not None
    assert goodput.ci95 is not None
    assert f"{100 * goodput.mean:.2f}%" in text
    assert f"{100 * goodput.ci95[0]:.2f}% to {100 * goodput.ci95[1]:.2f}%" in text
    assert "16,384 GPUs in the job, 16,640 installed" in text
    assert "gpu.faulty" in text
    assert text.index("exception") < text.index("process restart") < text.index("rma")


def test_one_replication_has_no_interval() -> None:
    text = printed(make_result(1), 80)
    assert "95% interval" not in text
    assert "needs 2" in text


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = printed(make_result(3), width).splitlines()
    assert max(map(len, lines)) <= width
    # A bar fills the width exactly: its glyphs are the shares.
    assert any(len(line.rstrip()) == width and line.startswith("█") for line in lines)


def test_no_color_is_respected_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = printed(make_result(3), 80, force_terminal=True, color_system="truecolor")
    assert "\x1b[38;" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    plain = printed(make_result(3), 80, force_terminal=True, color_system="truecolor")
    assert "\x1b[38;" not in plain
    assert "outside" in plain
    assert "within" in plain


def test_every_glyph_of_a_bar_is_in_the_legend_once() -> None:
    lines = printed(make_result(3), 80).splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("Where the time went"))
    bars = lines[begin + 1] + lines[begin + 3]
    legend = "\n".join(lines[begin + 4 : begin + 14])
    for glyph in set(bars):
        assert legend.count(f"{glyph} ") == 1


def test_shares_sum_to_one_and_small_ones_are_folded() -> None:
    shares = time_shares(make_result(3))
    assert list(shares) == list(CATEGORIES)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
    long, short = make_result(1), make_result(1, scenario=FakeScenario(horizon_h=100.0), n_interruptions=200)
    measures = (*long.measures, *short.measures)
    mixed = replace(long, measures=measures, aggregate=aggregate(measures))
    assert time_shares(mixed)["productive"] == pytest.approx(mixed.aggregate.metrics["goodput"].mean)
    assert folded({"a": 0.9996, "b": 0.0004}) == {"a": 0.9996, "other": 0.0004}
    assert sum(cells([0.333, 0.333, 0.334], 79)) == 79


def test_what_never_happened_is_said_so() -> None:
    quiet = printed(make_result(3, n_interruptions=0), 80)
    assert "MTTI             none seen" in quiet
    assert "nan" not in quiet


def test_no_interval_leaves_the_scale() -> None:
    close = Estimate(0.995, (0.98, 1.01), 0.01, 4)
    assert interval(close, "percent") == "98.00% to 100.00%"


def test_a_name_is_never_read_as_markup() -> None:
    name = "[bold]x[/bold] [/nonsense] <img src=x>"
    scenario = FakeScenario(name=name)
    assert name in printed(make_result(1, scenario=scenario), 80)
    causes = (("[red]gpu", "due|[/x]", "crash", 1, 8),)
    result = make_result(1, scenario=scenario, causes=causes)
    assert "[red]gpu.due|[/x]" in printed(result, 80)
    markdown = summary_markdown(result)
    assert "<img" not in markdown
    assert r"\[red\]gpu.due\|\[/x\]" in markdown


def test_markdown_says_the_same_as_the_terminal() -> None:
    result = make_result(4)
    text, markdown = printed(result, 200), summary_markdown(result)
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert len(rows) > 30
    for wanted in ("Goodput", "MTTI", "hbm.due", "node reboot", "at least 90%", "lost work"):
        assert wanted in text
        assert wanted in markdown
    assert len({line.count("|") for line in rows if "hbm.due" in line and "%" in line}) == 1
