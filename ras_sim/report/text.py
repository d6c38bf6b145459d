"""A result in ten seconds: for the terminal (rich) and as Markdown. Nothing is said by colour alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ras_sim.report.aimed import aimed_headlines, facts, quantiles_line
from ras_sim.report.bill import HEADS as BILL_HEADS
from ras_sim.report.bill import bill_rows, left_out
from ras_sim.report.published import UNDECIDED, Comparison, comparisons
from ras_sim.report.style import CATEGORY_COLOURS, NEUTRAL, label_of, percent
from ras_sim.report.technicians import HEADS, TITLE, use_by_class, use_rows
from ras_sim.report.views import (
    Cause,
    Rung,
    cause_rows,
    causes,
    folded,
    headlines,
    rung_rows,
    rungs,
    time_shares,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from ras_sim.experiment.result import Result

N_CAUSES = 5
MIN_WIDTH = 40
_GLYPHS = "█▓▒░▚▞▤▥▦▧▨▩◆●"


def summary(result: Result, *, width: int) -> RenderableType:
    """The terminal summary of a result.

    Args:
        result: a finished (or interrupted) run.
        width: columns of the terminal, at least 40.
    """
    from rich.console import Group
    from rich.text import Text

    width = max(width, MIN_WIDTH)
    parts: list[RenderableType] = [
        Text(result.scenario.name, style="bold"),
        Text(" · ".join(facts(result)), style="dim"),
        Text(),
        *_headline_lines(result),
        Text(),
        *_time_lines(time_shares(result), width),
        Text(),
        _causes_table(causes(result)[:N_CAUSES]),
    ]
    ladder = rungs(result)
    if ladder:
        parts += [Text(), _rungs_table(ladder)]
    bill = bill_rows(result)
    if bill:
        parts += [Text(), _bill_table(result, bill), Text(left_out(result), style="dim")]
    used = use_by_class(result)
    if used:
        parts += [Text(), _technicians_table(use_rows(used))]
    published = comparisons(result)
    if published:
        parts += [Text(), *_published_lines(published)]
    return Group(*parts)


def _headline_lines(result: Result) -> list[Text]:
    """Goodput in bold with its interval, the other numbers below it in columns."""
    from rich.text import Text

    lines = []
    found = [*headlines(result), *aimed_headlines(result)]
    width = max(16, *(len(one.label) for one in found))
    value_width = max(10, *(len(one.value) for one in found))
    for index, one in enumerate(found):
        line = Text(f"{one.label:<{width}}", style="bold" if index == 0 else "")
        line.append(f"{one.value:>{value_width}}", style="bold green" if index == 0 else "bold")
        if one.interval:
            line.append(f"   95% interval {one.interval}", style="dim")
        lines.append(line)
    spread = quantiles_line(result)
    return [*lines, Text(spread, style="dim")] if spread else lines


def _time_lines(shares: Mapping[str, float], width: int) -> list[RenderableType]:
    """One stacked bar of the whole time, one of the lost part alone, and the legend of both."""
    from rich.text import Text

    kept = folded(shares)
    glyphs = {name: _GLYPHS[i % len(_GLYPHS)] for i, name in enumerate(kept)}
    lines: list[RenderableType] = [Text("Where the time went", style="bold"), _bar(kept, glyphs, width)]
    lost = {name: share for name, share in kept.items() if name != "productive"}
    if len(lost) > 1:
        lines += [Text(f"the lost {percent(sum(lost.values()))}, enlarged:"), _bar(lost, glyphs, width)]
    return [*lines, _legend(kept, glyphs, width)]


def cells(shares: Sequence[float], width: int) -> list[int]:
    """Split `width` cells in proportion to the shares, by largest remainder; the cells sum to `width`.

    >>> cells([0.90, 0.06, 0.04], 10)
    [9, 1, 0]
    """
    total = sum(shares)
    if total <= 0:
        return [0] * len(shares)
    exact = [share / total * width for share in shares]
    whole = [int(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (whole[i] - exact[i], i))
    for index in by_remainder[: width - sum(whole)]:
        whole[index] += 1
    return whole


def _bar(shares: Mapping[str, float], glyphs: Mapping[str, str], width: int) -> Text:
    """A stacked bar: each part in its own glyph as well as its own colour."""
    from rich.text import Text

    bar = Text(no_wrap=True)
    for name, n in zip(shares, cells(list(shares.values()), width), strict=True):
        bar.append(glyphs[name] * n, style=CATEGORY_COLOURS.get(name, NEUTRAL))
    return bar


def _legend(shares: Mapping[str, float], glyphs: Mapping[str, str], width: int) -> Table:
    """Glyph, name and share of each part, in as many columns as fit."""
    from rich.table import Table
    from rich.text import Text

    column = 28
    n_columns = max(1, width // column)
    entries = []
    for name, share in shares.items():
        entry = Text(glyphs[name], style=CATEGORY_COLOURS.get(name, NEUTRAL))
        entries.append(entry.append(f" {label_of(name):<17} {percent(share):>6}", style="default"))
    table = Table.grid(padding=(0, 2, 0, 0))
    for begin in range(0, len(entries), n_columns):
        table.add_row(*entries[begin : begin + n_columns])
    return table


def _plain_table(title: str, columns: Sequence[tuple[str, bool]]) -> Table:
    """An undecorated table; (heading, True) is a column of numbers."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading, is_number in columns:
        table.add_column(heading, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    return table


def _causes_table(worst: Sequence[Cause]) -> Table:
    """The causes that cost most."""
    from rich.text import Text

    columns = (("cause", False), ("interruptions", True), ("lost GPU-hours", True), ("of the loss", True))
    table = _plain_table("What cost most", columns)
    for cells_of_row in cause_rows(worst):
        table.add_row(*map(Text, cells_of_row))
    return table


def _rungs_table(ladder: Sequence[Rung]) -> Table:
    """What each rung was good for."""
    from rich.text import Text

    table = _plain_table(
        "Repair ladder", (("rung", False), ("attempts", True), ("fixed", True), ("share", True))
    )
    for cells_of_row in rung_rows(ladder):
        table.add_row(*map(Text, cells_of_row))
    return table


def _bill_table(result: Result, bill: Sequence[Sequence[str]]) -> Table:
    """The bill without its prices and without what was not used."""
    from rich.text import Text

    heads = (("item", False), ("quantity", True), ("unit", False), ("amount", True), ("share", True))
    table = _plain_table(f"What it costs, {result.scenario.currency}", heads)
    for item, quantity, unit, _, amount, share, _ in (row for row in bill if row[1] != "0"):
        table.add_row(*map(Text, (item, quantity, unit, amount, share)))
    return table


def _technicians_table(rows: Sequence[Sequence[str]]) -> Table:
    """What the hours of technicians brought back: the classes with the most hours, and all together."""
    from rich.text import Text

    heads = (("class", 0), ("visits", 1), ("hours", 2), ("wait for one", 5), ("GPUs back per hour", 6))
    table = _plain_table(TITLE, [(head, column > 0) for head, column in heads])
    for cells_of_row in [*rows[:N_CAUSES], *rows[N_CAUSES:][-1:]]:
        table.add_row(*(Text(cells_of_row[column]) for _, column in heads))
    return table


def _published_lines(rows: Sequence[Comparison]) -> list[RenderableType]:
    """Published figures beside simulated ones."""
    from rich.text import Text

    columns = (
        ("figure", False),
        ("published", True),
        ("simulated", True),
        ("one run (95%)", True),
        ("verdict", False),
    )
    table = _plain_table("Published beside simulated", columns)
    notes = ["Names with a dot are interruptions by failure mode; sources: report.html."]
    for one in rows:
        judged = one.verdict != UNDECIDED
        verdict = one.verdict if judged else "-"
        style = {"within": "green", "outside": "bold red"}.get(verdict, "")
        label = Text(one.label.removeprefix("interruptions: "))
        cells_of_row = (one.published, one.simulated, one.one_run or "-")
        table.add_row(label, *map(Text, cells_of_row), Text(verdict, style=style))
    if any(one.verdict == UNDECIDED for one in rows):
        notes.insert(0, f"A verdict {UNDECIDED}, e.g. --replications 20.")
    return [table, *(Text(note, style="dim") for note in notes)]


def summary_markdown(result: Result) -> str:
    """The same summary as Markdown, for `summary.md`."""
    parts = [f"# {md(result.scenario.name)}", md(" · ".join(facts(result)))]
    shown = [*headlines(result), *aimed_headlines(result)]
    rows = [(one.label, one.value, one.interval or "-") for one in shown]
    parts.append(md_table(("", "mean", "95% interval"), rows))
    spread = quantiles_line(result)
    parts += [md(spread)] if spread else []
    shares = folded(time_shares(result))
    parts += ["## Where the time went"]
    parts.append(md_table(("category", "share"), [(label_of(n), percent(s)) for n, s in shares.items()]))
    parts += ["## What cost most"]
    worst = cause_rows(causes(result)[:N_CAUSES])
    parts.append(md_table(("cause", "interruptions", "lost GPU-hours", "of the loss"), worst))
    ladder = rung_rows(rungs(result))
    if ladder:
        parts += ["## Repair ladder", md_table(("rung", "attempts", "fixed", "share"), ladder)]
    bill = bill_rows(result)
    if bill:
        title = f"## What it costs, {md(result.scenario.currency or '')}"
        parts += [title, md_table(BILL_HEADS, bill), md(left_out(result))]
    used = use_rows(use_by_class(result))
    if used:
        parts += [f"## {TITLE}", md_table(HEADS, used)]
    published = [
        (
            one.label,
            one.published,
            one.simulated,
            one.interval or "-",
            one.one_run or "-",
            one.verdict,
            one.source,
        )
        for one in comparisons(result)
    ]
    if published:
        heads = ("figure", "published", "simulated", "95% interval", "one run (95%)", "verdict", "source")
        parts += ["## Published beside simulated", md_table(heads, published)]
    return "\n\n".join(parts) + "\n"


def md_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; every column after the first is aligned to the right."""
    rule = [":--", *["--:"] * (len(heads) - 1)]
    return "\n".join("| " + " | ".join(map(md, row)) + " |" for row in (heads, rule, *rows))


def md(text: str) -> str:
    """Text that Markdown shows as it is, on one line.

    >>> md("a|b <img> *c*")
    'a\\\\|b &lt;img&gt; \\\\*c\\\\*'
    """
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for sign in "\\`*[]|":
        text = text.replace(sign, "\\" + sign)
    return text
