"""Every example runs, every link leads somewhere, every word of the code is in the glossary, once."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from ras_sim.faults.frailty import FRAILTIES
from ras_sim.faults.modes import CLOCKS, SYMPTOMS
from ras_sim.ledger import BADPUT, CATEGORIES
from ras_sim.repair.ladder import Scope
from ras_sim.report.style import EFFECT_COLOURS, OUTCOME_COLOURS
from tests.docs.pages import PAGES, ROOT, blocks, name_of, named_files

DOCS = ROOT / "docs"
INCIDENT_OUTCOMES = (
    "fixed", "comes_back", "tolerated", "sat_out", "open",
    "dismissed", "acquitted", "convicted", "in_vain", "cordoned",
)  # fmt: skip
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def python_pages() -> list[Path]:
    return [page for page in PAGES if any(block.language == "python" for block in blocks(page))]


@pytest.mark.parametrize("page", python_pages(), ids=name_of)
def test_the_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of a page, one after the other in one namespace, beside the files that it shows."""
    from ras_sim.report import html

    monkeypatch.setattr(html, "SECTIONS", html.SECTIONS)  # an example adds one of its own
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    for name, text in named_files(page).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    example = ModuleType("example")
    monkeypatch.setitem(sys.modules, "example", example)  # where dataclasses look for their names
    for block in blocks(page):
        if block.language == "python":
            # Empty lines in front, so that an error names the line of the page.
            text = "\n" * (block.line - 1) + block.text
            exec(compile(text, str(page), "exec", dont_inherit=True), example.__dict__)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for text, picture in LINK.findall(page.read_text(encoding="utf-8")):
        target = text or picture
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = page if not path else page.parent / path
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_docstrings_name_headings_of_the_model() -> None:
    known = anchors(DOCS / "model.md")
    named = {
        name.lower().replace(" ", "-")
        for file in (ROOT / "ras_sim").rglob("*.py")
        for name in re.findall(r'docs/model\.md,\s+"([^"]+)"', file.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= known


def glossary() -> list[str]:
    """The words that the glossary defines, in order."""
    rows = re.findall(
        r"^\| (.+?) \| .+ \|$", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    return [row.strip("`") for row in rows if row != "word"]


@pytest.mark.parametrize(
    "words",
    [
        CATEGORIES,
        SYMPTOMS,
        CLOCKS,
        get_args(Scope),
        tuple(EFFECT_COLOURS),
        tuple(OUTCOME_COLOURS),
        INCIDENT_OUTCOMES,
    ],
    ids=["categories", "symptoms", "clocks", "scopes", "effects", "attempt outcomes", "incident outcomes"],
)
def test_the_glossary_defines_every_word_of_the_code(words: tuple[str, ...]) -> None:
    assert [word for word in words if word not in glossary()] == []


def test_the_glossary_defines_each_word_once() -> None:
    words = glossary()
    assert len(words) > 60
    assert [word for word in words if words.count(word) > 1] == []


def test_the_model_lists_every_category_with_its_badput_name() -> None:
    text = (DOCS / "model.md").read_text(encoding="utf-8")
    for category, badput in BADPUT.items():
        name = f"`{badput}`" if badput else "(goodput)"
        assert re.search(rf"^\| `{category}` \| .+ \| {re.escape(name)} \|$", text, re.MULTILINE), category


def test_the_model_has_the_hazard_of_every_kind_of_distribution() -> None:
    from ras_sim.distributions import KINDS

    text = (DOCS / "model.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if not re.search(rf"^\| `{kind}`", text, re.MULTILINE)] == []
    assert [kind for kind in FRAILTIES if f"`{kind}`" not in text] == []


def test_assumptions_are_numbered_without_gaps() -> None:
    numbers = re.findall(
        r"^\* \*\*A(\d+)\*\* ", (DOCS / "model.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(numbers) > 20
    assert [int(number) for number in numbers] == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    "page",
    ["distribution", "fabric", "rung", "frailty", "report_section", "checkpoint_tier", "catalogue", "queue"],
)
def test_there_is_a_page_with_an_example_for_each_kind(page: str) -> None:
    path = DOCS / "adding" / f"{page}.md"
    assert any(block.language == "python" for block in blocks(path))


def test_every_decision_is_in_the_index() -> None:
    folder = DOCS / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in sorted(folder.glob("0*.md")) if f"({path.name})" not in index] == []
