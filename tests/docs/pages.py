"""Reading the documentation: its pages, and the blocks of code in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
GENERATED = {"scenario.md", "validation.md"}
"""Pages that a program writes: they have tests of their own."""
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.name not in GENERATED),
]
_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (?P<name>[\w.-]+\.(ya?ml|py))\n")


class Block(NamedTuple):
    """A fenced block: its language, its text, and the line on which it begins."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page that name a language, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(match["language"], match["text"], text.count("\n", 0, match.start()) + 2)
        for match in _FENCE.finditer(text)
    ]


def named_files(page: Path) -> dict[str, str]:
    """The blocks of a page whose first line is `# NAME.yaml` or `# NAME.py`: files that its examples use."""
    found: dict[str, str] = {}
    for block in blocks(page):
        match = _FILE.match(block.text) if block.language in ("yaml", "python") else None
        if match is not None:
            found[match["name"]] = block.text
    return found


def name_of(page: Path) -> str:
    """The page as a test calls it."""
    return str(page.relative_to(ROOT))
