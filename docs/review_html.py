"""The design reviews as one page that opens offline: the frame, look and helpers of the report of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from docs import review_views as views
from ras_sim.experiment.compare import Comparison
from ras_sim.report.compare_figures import forest
from ras_sim.report.html import document
from ras_sim.report.markup import Column, Section, details, figure, paragraph, table

if TYPE_CHECKING:
    from docs.reviews import Review

Answered = Sequence[tuple["Review", Comparison]]

N_GOODPUT = len(views.GOODPUT_HEADS)


def page(answered: Answered) -> str:
    """The whole page as text: all answers, one section per question, how to read it."""
    facts = f"{len(answered)} questions · the designs of each on the same failures · written by make reviews"
    header = (
        f'<header><h1>{escape(views.TITLE)}</h1><p class="intro">{escape(views.INTRO)}</p>'
        f'<p class="facts">{escape(facts)}</p></header>'
    )
    questions = [question(review, comparison) for review, comparison in answered]
    return document(views.TITLE, header, [answers(answered), *questions, method()])


def answers(answered: Answered) -> Section:
    """Every question with the first sentence of its answer."""
    lines = "".join(
        f'<dt><a href="#{review.name}">{escape(review.question)}</a></dt>'
        f"<dd>{escape(views.answer(views.found(comparison))[0])}</dd>"
        for review, comparison in answered
    )
    return Section("answers", "All answers", f'<dl class="terms">{lines}</dl>')


def question(review: Review, comparison: Comparison) -> Section:
    """One question: the answer, the chart, the table, what it rests on, how to run it again."""
    designs = views.found(comparison)
    first, *others = views.answer(designs)
    finding = f"Goodput less that of the base, “{designs[0].name}”"
    again = "\n\n".join(f"# {name}\n{command}" for name, command in views.commands(review))
    body = (
        f"<p><strong>{escape(first)}</strong> {escape(' '.join(others))}</p>",
        figure(replace(forest(comparison), key=f"goodput-{review.name}", finding=finding)),
        *tables(designs),
        paragraph(views.setting(review, comparison), "note"),
        details("The designs as commands", again),
    )
    return Section(review.name, review.question, "".join(body))


def tables(designs: Sequence[views.Found]) -> tuple[str, str]:
    """Goodput of every design, and what it costs: side by side they would be wider than a page."""
    rows = views.rows(designs)
    return (
        table("Goodput", _columns(views.GOODPUT_HEADS), [row[:N_GOODPUT] for row in rows]),
        table(
            "What it costs",
            _columns(("design", *views.cost_heads(designs))),
            [(row[0], *row[N_GOODPUT:]) for row in rows],
        ),
    )


def _columns(heads: Sequence[str]) -> list[Column]:
    return [Column(head, place > 0) for place, head in enumerate(heads)]


def method() -> Section:
    """What the columns mean, and how far to trust them."""
    terms = "".join(f"<dt>{escape(name)}</dt><dd>{escape(meaning)}</dd>" for name, meaning in views.TERMS)
    body = f'<dl class="terms">{terms}</dl>' + paragraph(views.TRUST.replace("`", ""))
    return Section("method", "How to read it", body)
