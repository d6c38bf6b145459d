"""A result for people: a summary for the terminal and for Markdown, and a page for any browser."""

from __future__ import annotations

from ras_sim.report.html import write_report
from ras_sim.report.text import summary, summary_markdown

__all__ = ["summary", "summary_markdown", "write_report"]
