"""The page: one file that opens offline, asks for nothing, and shows text from a scenario as text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ras_sim.experiment.files import put_text
from ras_sim.report.aimed import facts
from ras_sim.report.markup import Section
from ras_sim.report.sections import SECTIONS

if TYPE_CHECKING:
    from ras_sim.experiment.result import Result

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
"""The browser itself refuses every request, whatever ends up in the page."""


def write_report(result: Result, path: str | Path) -> Path:
    """Write the page of a result.

    Args:
        result: a finished (or interrupted) run.
        path: the file to write; an older one is replaced once the new one is complete.

    Returns:
        the path that was written.

    Raises:
        InputError: the file cannot be written.
    """
    return write_page(page(result), path)


def write_page(text: str, path: str | Path) -> Path:
    """Write a text to a file, as a whole or not at all.

    Returns:
        the path that was written.

    Raises:
        InputError: the file cannot be written.
    """
    put_text(Path(path), text)
    return Path(path)


def page(result: Result) -> str:
    """The whole page as text."""
    found = [section for make in SECTIONS if (section := make(result)) is not None]
    return document(f"{result.scenario.name} – goodput report", _header(result), found)


def document(title: str, header: str, sections: Sequence[Section]) -> str:
    """A page of any kind as text.

    Args:
        title: plain text.
        header: finished HTML.
        sections: in their order.
    """
    from plotly.offline import get_plotlyjs

    return "".join(
        (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_asset('report.css')}</style></head><body>",
            header,
            f'<nav aria-label="sections">{"".join(map(_link, sections))}</nav><main>',
            *map(_section, sections),
            "</main>",
            f"<script>{get_plotlyjs()}</script><script>{_asset('report.js')}</script></body></html>\n",
        )
    )


def _asset(name: str) -> str:
    """A file that goes into the page as it is."""
    return files("ras_sim.report").joinpath("assets", name).read_text(encoding="utf-8")


def _header(result: Result) -> str:
    """Name, description, and what was run."""
    scenario = result.scenario
    description = f'<p class="intro">{escape(scenario.description)}</p>' if scenario.description else ""
    what = escape(" · ".join(facts(result)))
    return f'<header><h1>{escape(scenario.name)}</h1>{description}<p class="facts">{what}</p></header>'


def _link(section: Section) -> str:
    return f'<a href="#{section.anchor}">{escape(section.title)}</a>'


def _section(section: Section) -> str:
    title = escape(section.title)
    anchor = f'<a class="anchor" href="#{section.anchor}" aria-label="link to {title}">#</a>'
    return f'<section id="{section.anchor}"><h2>{title} {anchor}</h2>{section.body}</section>'
