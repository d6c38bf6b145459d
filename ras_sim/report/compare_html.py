"""The page of a comparison: the same frame, look and helpers as the report of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ras_sim.report import compare_figures as figures
from ras_sim.report import compare_views as views
from ras_sim.report.html import document, write_page
from ras_sim.report.markup import Column, Section, details, figure, fold, paragraph, selector, table
from ras_sim.report.setting import changed
from ras_sim.report.style import label_of

if TYPE_CHECKING:
    from ras_sim.experiment.compare import Against, Comparison
    from ras_sim.experiment.matching import Parting

N_OPEN = 4
"""Up to this many designs every table is open; beyond, each is folded under its design."""
N_ROWS = 15
N_STORIES = 6
N_STORIES_OF_MANY = 2
N_CHANGES = 40
N_SCENARIOS = 12

_DIFFERENCES = (
    Column(""),
    Column("base", True),
    Column("other", True),
    Column("difference", True),
    Column("95% interval", True),
    Column("P(better)", True),
    Column("pairing", True),
)


def write_compare_report(comparison: Comparison, path: str | Path) -> Path:
    """Write the page of a comparison.

    Raises:
        InputError: the file cannot be written.
    """
    return write_page(compare_page(comparison), path)


def compare_page(comparison: Comparison) -> str:
    """The whole page as text."""
    found = [section for make in SECTIONS if (section := make(comparison)) is not None]
    title = f"{comparison.designs[0].scenario.name} – comparison of {len(comparison.designs)} designs"
    facts = escape(" · ".join(views.subtitle(comparison)))
    header = f'<header><h1>{escape(title)}</h1><p class="facts">{facts}</p></header>'
    return document(title, header, found)


def _for_each(comparison: Comparison, body: Callable[[Against], str]) -> str:
    """Something for every design but the base, folded where there are many."""
    if len(comparison.against) > N_OPEN:
        return "".join(fold(one.design.label, body(one)) for one in comparison.against)
    return "".join(f"<h3>{escape(one.design.label)}</h3>{body(one)}" for one in comparison.against)


def which(comparison: Comparison) -> Section:
    """Which design is better, by how much, how sure."""
    words = "".join(paragraph(views.verdict(one)) for one in comparison.against)
    note = ""
    if comparison.n_finished < 2:
        note = paragraph("One replication has no interval: run more to see how far chance moves it.", "note")
    return Section("verdict", "Which is better", words + note + figure(figures.forest(comparison)))


def numbers(comparison: Comparison) -> Section:
    """Every metric of every design."""
    caption = "Means of a replication; every difference is other − base"
    body = _for_each(comparison, lambda one: table(caption, _DIFFERENCES, views.metric_lines(one)))
    note = paragraph(
        "P(better): probability that the other design is truly better, from Student's t of the paired difference. "
        "Pairing: how many times more replications the same interval would need without common failures, "
        "(var a + var b) / var(b − a). “1.8x of 3x”: one design varies so much more than the other that no pairing could be "
        "worth more than 3, since no two numbers correlate by more than 1.",
        "note",
    )
    return Section("numbers", "The numbers", body + note)


def time_moved(comparison: Comparison) -> Section:
    """Which hours moved where."""
    charts = [figures.moved(comparison), figures.pairs(comparison)]
    causes = figures.causes(comparison)
    if causes is not None:
        charts.insert(1, causes)
    choice = ""
    if len(comparison.against) > 1:
        labels = [one.design.label for one in comparison.against]
        choice = selector("Design", labels, [chart.key for chart in charts], 0)
    return Section("time", "Where the time moved", choice + "".join(map(figure, charts)) + _hours(comparison))


def _hours(comparison: Comparison) -> str:
    """Category x design: hours of the base, and how many more or fewer in each other design."""
    columns = [Column("category"), Column("base", True)]
    columns += [Column(one.design.label, True) for one in comparison.against]
    rows = []
    for name, first in comparison.against[0].time_h.items():
        cells = [views.spread(one.time_h[name], "number") for one in comparison.against]
        if first.base or any(not one.time_h[name].is_zero for one in comparison.against):
            rows.append((label_of(name), views.level(first.base, "number"), *(amount for amount, _ in cells)))
    return table("Hours of the job per replication; differences of the others from the base", columns, rows)


def costs(comparison: Comparison) -> Section | None:
    """What the designs cost, and at which prices one of them would pay for itself."""
    why_not = views.unpriced(comparison)
    if not why_not and comparison.designs[0].scenario.currency is None:
        return None

    def body(one: Against) -> str:
        bill = views.bill_lines(one)
        if not bill:
            return paragraph("Not compared.")
        words = views.break_even(one) or [
            "No price of a single item would make both cost the same, as far as can be told."
        ]
        caption = f"Per replication, amounts in {one.design.scenario.currency}"
        return "".join(map(paragraph, words)) + table(caption, (Column("item"), *_DIFFERENCES[1:]), bill)

    note = paragraph(
        "A design pays for itself where it costs no more per effective GPU-hour than the base. The price of one item is "
        "varied, all others stay as they are; the interval holds every price at which the replications cannot tell which "
        "design is cheaper (Fieller). Only what has a price is charged.",
        "note",
    )
    return Section(
        "cost", "What it costs", (paragraph(why_not) if why_not else "") + _for_each(comparison, body) + note
    )


def causes(comparison: Comparison) -> Section:
    """What the differences are charged to."""
    columns = (Column("lost GPU-hours"), *_DIFFERENCES[1:])

    def body(one: Against) -> str:
        found = (
            ("By root cause", "lost_gpu_hours_by_mode"),
            ("By category", "lost_gpu_hours_by_category"),
        )
        tables = ((caption, views.table_lines(one, name, N_ROWS)) for caption, name in found)
        rungs = views.table_lines(one, "rungs", N_ROWS, "count")
        stops = views.table_lines(one, "interruptions_by_mode", N_ROWS, "count")
        text = "".join(
            table(f"{caption}, per replication", columns, rows) for caption, rows in tables if rows
        )
        if stops:
            text += table("Interruptions per replication", (Column("root cause"), *_DIFFERENCES[1:]), stops)
        if rungs:
            text += table("Tries of a rung per replication", (Column("rung"), *_DIFFERENCES[1:]), rungs)
        return text or paragraph("Nothing differs.")

    return Section("causes", "Lost GPU-hours, interruptions and tries", _for_each(comparison, body))


def faults(comparison: Comparison) -> Section:
    """The same faults in both designs, and where the designs parted most."""
    n = N_STORIES if len(comparison.against) <= N_OPEN else N_STORIES_OF_MANY

    def body(one: Against) -> str:
        text = paragraph(views.matching(one)) + paragraph(views.attribution(one))
        for parting in _chosen(one.partings, n):
            columns = (Column(""), Column("base"), Column(one.design.label))
            heading = f"{views.name_of(parting)}: {views.extra(parting)}"
            text += fold(heading, table("The same fault in both designs", columns, views.story(parting)))
        return text

    note = paragraph(
        "A fault is matched by its part, its failure mode and its turn among the faults of that part; first failures "
        "on the calendar strike at the same hour in every design. Below: the faults with the largest difference in lost "
        "GPU-hours over all replications, first those that the designs handled in another way. A fault that was handled "
        "alike costs more or less because it struck at another moment between two checkpoints, or had to wait.",
        "note",
    )
    return Section("faults", "Faults where the designs parted", note + _for_each(comparison, body))


def _chosen(partings: Sequence[Parting], n: int) -> list[Parting]:
    """At most n faults of each kind."""
    kinds = ([one for one in partings if one.is_alike is alike][:n] for alike in (False, True))
    return [one for kind in kinds for one in kind]


def what_differs(comparison: Comparison) -> Section:
    """Settings that differ, and what of the histories is shared."""
    columns = (Column("setting"), Column("base"), Column("other"))

    def body(one: Against) -> str:
        rows = changed(one.changes)
        more = f", the first {N_CHANGES} of {len(rows)}" if len(rows) > N_CHANGES else ""
        found = table(f"Settings that differ{more}", columns, rows[:N_CHANGES]) if rows else ""
        return (found or paragraph("No setting differs.")) + paragraph(views.shared_histories(one))

    return Section("differs", "What differs", _for_each(comparison, body))


def scenarios(comparison: Comparison) -> Section:
    """The designs as they were written."""
    body = ""
    for design in comparison.designs[:N_SCENARIOS]:
        text = design.scenario.source_text or design.scenario.resolved_text
        changed = "".join(f"\n# --set {change}" for change in design.changes)
        body += details(f"{design.name} ({design.scenario.content_hash[:12]})", text + changed)
    if len(comparison.designs) > N_SCENARIOS:
        body += paragraph(f"The first {N_SCENARIOS} of {len(comparison.designs)} designs.", "note")
    return Section("scenarios", "Scenarios", body)


_TERMS = (
    ("paired difference", "d = b − a of one replication, in which both designs met the same faults"),
    (
        "95% interval",
        "mean(d) ± t(n−1) · sd(d) / √n; of ratios of sums (MTTI, cost): jackknife of their difference",
    ),
    (
        "a wanted precision",
        "Stein's rule in two stages: the first replications decide how many there are, and give the standard deviation "
        "of the interval of goodput, which so covers as often as it says",
    ),
    ("P(better)", "P(T < mean(d) / se(d)) with n−1 degrees of freedom; turned round where less is better; "
        "not told of interruptions, planned stops and spares taken, which are also fewer where the job merely stands still"),
    ("spares taken", "nodes that left the pool of spares, to serve the job or because they broke there"),
    ("technician-hours", "hours in which technicians were busy, travel included"),
)


def method(comparison: Comparison) -> Section:
    """Definitions, seed, version."""
    from ras_sim import __version__

    terms = "".join(f"<dt>{escape(name)}</dt><dd>{escape(meaning)}</dd>" for name, meaning in _TERMS)
    facts = (
        f"ras-sim {__version__}, seed {comparison.seed}, {comparison.n_finished} of {comparison.replications} "
        "replications of each design. The same designs, seed and version give the same numbers."
    )
    return Section(
        "method", "How the numbers were made", f'<dl class="terms">{terms}</dl>' + paragraph(facts)
    )


SECTIONS: tuple[Callable[[Comparison], Section | None], ...] = (
    which,
    numbers,
    time_moved,
    costs,
    causes,
    faults,
    what_differs,
    scenarios,
    method,
)
"""The page in its order: a new section is one function and one line here."""
