"""The design reviews as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from docs import review_views as views
from ras_sim.experiment.compare import Comparison
from ras_sim.report.text import md, md_table

if TYPE_CHECKING:
    from docs.reviews import Review


def page(answered: Sequence[tuple[Review, Comparison]]) -> str:
    """The whole page, one section per question."""
    return "\n".join([_intro(), *(section(review, comparison) for review, comparison in answered)])


def _intro() -> str:
    """What the page is, and how its tables are read."""
    terms = "\n".join(f"* **{name}**: {meaning}" for name, meaning in views.TERMS)
    made = (
        "Written by `make reviews` from [the list](../docs/reviews.py) and the scenarios that it names; "
        "with charts: [reviews.html](reviews.html)."
    )
    return f"# {views.TITLE}\n\n{views.INTRO} {made}\n\n{terms}\n* {views.TRUST}\n"


def section(review: Review, comparison: Comparison) -> str:
    """One question: the answer, the table, what it rests on."""
    designs = views.found(comparison)
    first, *others = map(md, views.answer(designs))
    lines = "\n".join(f"* {md(name)}: `{command}`" for name, command in views.commands(review))
    parts = (
        f"## {review.question}",
        " ".join((f"**{first}**", *others)),
        md_table((*views.GOODPUT_HEADS, *views.cost_heads(designs)), views.rows(designs)),
        md(views.setting(review, comparison)),
        f"<details><summary>The designs as commands</summary>\n\n{lines}\n\n</details>",
    )
    return "\n\n".join(parts) + "\n"
