"""The commands of the documentation do what the page says: same exit, same shape of output, other numbers.

In a ```console block a line that begins with `$ ` is run. The lines below it must appear in the output, in their
order, numbers and bars apart; `...` stands for anything.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, blocks, name_of, named_files

BIN = Path(sys.executable).parent
LEGEND = re.compile(r"^[░-▟■-◿] [a-z]")
BARS = re.compile(r"^[\s░-▟■-◿]+$")


def commands(page: Path) -> list[tuple[str, list[str]]]:
    """(command, expected lines) of a page, in order."""
    return [one for part in parts(page).values() for one in part]


def parts(page: Path) -> dict[str, list[tuple[str, list[str]]]]:
    """The same by the heading under which they stand: each part runs by itself, so that a reader may begin there."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for block in blocks(page):
        if block.language != "console":
            continue
        headings = [line for line in lines[: block.line] if line.startswith("## ")]
        part = found.setdefault(headings[-1].removeprefix("## ") if headings else "", [])
        for line in block.text.splitlines():
            if line.startswith("$ "):
                part.append((line[2:], []))
            else:
                part[-1][1].append(line)
    return found


def masked(line: str) -> str:
    """What stays when results change: words. Numbers and hashes go; which categories a legend names is a result."""
    if LEGEND.match(line):
        return "legend"
    line = re.sub(r"\([0-9a-f]{12}\)", "(#)", line)
    return " ".join(re.sub(r"[+-]?\d[\d,.]*", "#", line).split())


def assert_same_shape(expected: list[str], output: str) -> None:
    """Every expected line is in the output, in order."""
    lines = iter([masked(line) for line in output.splitlines()])
    for line in expected:
        if line.strip() in ("", "...") or BARS.match(line):
            continue
        assert any(masked(line) == got for got in lines), (
            f"not in the output, or not here: {line!r}\n{output}"
        )


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile, with the variables that it sets filled in."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    match = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert match is not None, target
    lines = [line.strip().lstrip("@") for line in match[1].splitlines()]
    return [line.replace("$(BIN)", str(BIN)).replace("$(WORKERS)", "2") for line in lines]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would, with this interpreter's programs first."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "80", "NO_COLOR": "1"}
    return subprocess.run(
        command,
        check=False,
        shell=True,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where commands run: the scenarios are there, and nothing that a command writes stays."""
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    return tmp_path


def parts_with_commands() -> list[tuple[Path, str]]:
    return [(page, part) for page in PAGES for part in parts(page)]


@pytest.mark.parametrize(
    ("page", "part"), parts_with_commands(), ids=lambda it: it if isinstance(it, str) else name_of(it)
)
def test_commands_run_as_shown(page: Path, part: str, folder: Path) -> None:
    for name, text in named_files(page).items():
        (folder / name).write_text(text, encoding="utf-8")
    for command, expected in parts(page)[part]:
        if command.startswith("make "):
            continue
        done = run(command, folder)
        wanted = 2 if any(": got " in line for line in expected) else 0
        assert done.returncode == wanted, done.stderr
        assert_same_shape(expected, done.stdout + done.stderr)


def test_the_first_screen_shows_make_run_and_make_test() -> None:
    first = [command for command, _ in commands(ROOT / "README.md")][:2]
    assert first == ["make run", "make test"]


def test_make_run_prints_what_the_readme_shows(folder: Path) -> None:
    (command,) = recipe("run")
    shown = dict(commands(ROOT / "README.md"))["make run"]
    done = run(command, folder)
    assert done.returncode == 0, done.stderr
    assert_same_shape(shown, done.stdout)


def test_make_test_runs_what_the_readme_says() -> None:
    text = "\n".join(recipe("lint") + recipe("test"))
    for tool in ("ruff check", "mypy --strict", "lint-imports", "pytest"):
        assert tool in text
    shown = "\n".join(dict(commands(ROOT / "README.md"))["make test"])
    for words in (
        "All checks passed!",
        "no issues found in # source files",
        "Contracts: # kept, # broken.",
        "# passed",
    ):
        assert words in masked(shown)


def test_a_line_that_is_not_printed_is_noticed() -> None:
    assert_same_shape(["Goodput  12.3%", "...", "MTTI 4 h"], "Goodput 99.1%\nother\nMTTI   3.5 h\n")
    with pytest.raises(AssertionError, match="Badput"):
        assert_same_shape(["Badput 1%"], "Goodput 99.1%\n")
    with pytest.raises(AssertionError, match="MTTI"):
        assert_same_shape(["Goodput 1%", "MTTI 1 h"], "MTTI 1 h\nGoodput 1%\n")
