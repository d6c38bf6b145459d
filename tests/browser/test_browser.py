"""The tools of the browser tests: a page opens from disk, a click is felt, and an error is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_PAGE = """<!doctype html><meta charset="utf-8"><title>before</title>
<button id="good" onclick="document.title='after'">good</button>
<button id="bad" onclick="no_such_function()">bad</button>"""


def test_click_is_felt_and_a_script_error_is_seen(
    tmp_path: Path, open_file: Callable[[Path], Chrome], console_errors: Callable[[], list[str]]
) -> None:
    page = tmp_path / "page.html"
    page.write_text(_PAGE)
    browser = open_file(page)
    browser.find_element("id", "good").click()
    assert browser.title == "after"
    assert console_errors() == []
    browser.find_element("id", "bad").click()
    errors = console_errors()
    assert len(errors) == 1
    assert "no_such_function" in errors[0]


def test_missing_resource_is_seen(
    tmp_path: Path, open_file: Callable[[Path], Chrome], console_errors: Callable[[], list[str]]
) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><title>x</title><script src='gone.js'></script>")
    open_file(page)
    assert any("gone.js" in error for error in console_errors())
