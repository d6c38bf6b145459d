"""The page of a sweep in a real browser: every kind of chart draws, and it asks for nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ras_sim.experiment.sweep import sweep
from ras_sim.report.sweep_html import write_sweep_report
from tests.small import exponential, fixed, ladder, mode, rung, small, tier

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)>"
FACTORS = {
    "job.checkpoints.disk.interval": ["1 h", "5 h", "30 h"],
    "detection.crash": ["0", "2 h"],
    "description": [HOSTILE, "plain"],
}


@pytest.mark.parametrize(("n", "chart"), [(1, "curve"), (2, "map"), (3, "parallel")])
def test_each_chart_draws_without_an_error_or_a_request(
    n: int, chart: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("needs chromium and chromedriver")
    from selenium.webdriver.support.ui import WebDriverWait

    scenario = small(
        name=HOSTILE,
        horizon_h=500.0,
        job__checkpoints={"disk": tier(1.0, 0.1)},
        failures={"node": {"crash": mode(lifetime=exponential(100))}},
        repair=ladder({"fix": rung(fixed(1.0))}),
    )
    vary = dict(list(FACTORS.items())[-n:] if n == 1 else list(FACTORS.items())[:n])
    found = sweep(scenario, vary, replications=4, workers=1)
    page = write_sweep_report(found, tmp_path / "sweep.html")
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
    marks = browser.execute_script(
        "return document.getElementById(arguments[0])"
        ".querySelectorAll('.scatterlayer path.point, .scatterlayer path.js-line, .hm image').length",
        chart,
    )
    assert marks >= 1
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    broken_words: Callable[[int], list[str]] = request.getfixturevalue("broken_words")
    assert [broken_words(width) for width in (480, 1280)] == [[], []]
