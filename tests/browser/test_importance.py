"""The page of goodput importance in a real browser: every tornado draws, and it asks for nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ras_sim.experiment.importance import importance
from ras_sim.report.importance import write_importance_report
from tests.small import exponential, fixed, h, ladder, mode, rung, small, tier

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)>"


def test_each_tornado_draws_without_an_error_or_a_request(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("needs chromium and chromedriver")
    from selenium.webdriver.support.ui import WebDriverWait

    scenario = small(
        name=HOSTILE,
        horizon_h=500.0,
        detection__crash=h(0.5),
        job__checkpoints={"disk": tier(1.0, 0.1)},
        failures={"node": {name: mode(lifetime=exponential(100)) for name in ("one", "two")}},
        repair=ladder({"fix": rung(fixed(1.0))}),
    )
    found = importance(scenario, replications=4, workers=1)
    page = write_importance_report(found, tmp_path / "importance.html")
    open_file: Callable[[Path], Chrome] = request.getfixturevalue("open_file")
    console_errors: Callable[[], list[str]] = request.getfixturevalue("console_errors")
    browser = open_file(page)
    drawn = "return document.documentElement.dataset.drawn === 'yes'"
    WebDriverWait(browser, 30).until(lambda one: one.execute_script(drawn))
    assert console_errors() == []
    assert (
        browser.execute_script("return performance.getEntriesByType('resource').map(one => one.name)") == []
    )
    assert browser.execute_script("return document.images.length") == 0
    assert HOSTILE in browser.find_element("tag name", "h1").text
    bars = "return document.getElementById(arguments[0]).querySelectorAll('.barlayer .point').length"
    assert [browser.execute_script(bars, f"gain-{what}") for what in ("fewer", "never", "found")] == [3, 3, 3]
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    broken_words: Callable[[int], list[str]] = request.getfixturevalue("broken_words")
    assert [broken_words(width) for width in (480, 1280)] == [[], []]
