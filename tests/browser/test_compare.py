"""The page of a comparison in a real browser: it draws, the selector works, it asks for nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ras_sim.experiment.compare import compare
from ras_sim.experiment.designs import Design
from ras_sim.report.compare_html import write_compare_report
from tests.small import exponential, fixed, ladder, mode, rung, small

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three designs whose every text tries to be markup."""
    if shutil.which("chromium") is None:
        pytest.skip("needs chromium and chromedriver")
    failures = {"node": {"crash": mode(lifetime=exponential(100))}}
    designs = [
        Design(
            f"{HOSTILE}{hours}",
            small(
                name=HOSTILE,
                description=HOSTILE,
                nodes=4,
                job_nodes=4,
                horizon_h=500.0,
                failures=failures,
                repair=ladder({"fix": rung(fixed(hours))}),
            ),
        )
        for hours in (1.0, 3.0, 0.5)
    ]
    comparison = compare(*designs, replications=8, workers=1)
    return write_compare_report(comparison, tmp_path_factory.mktemp("compare") / "compare.html")


@pytest.fixture
def opened(page: Path, open_file: Callable[[Path], Chrome]) -> Chrome:
    """The page, completely drawn."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser = open_file(page)
    drawn = "return document.documentElement.dataset.drawn === 'yes'"
    WebDriverWait(browser, 30).until(lambda one: one.execute_script(drawn))
    return browser


def test_no_error_no_request_no_markup(opened: Chrome, console_errors: Callable[[], list[str]]) -> None:
    assert console_errors() == []
    assert opened.execute_script("return performance.getEntriesByType('resource').map(one => one.name)") == []
    assert opened.execute_script("return document.images.length") == 0
    assert HOSTILE in opened.find_element("tag name", "h1").text


@pytest.mark.parametrize("chart", ["forest", "moved", "causes", "pairs"])
def test_every_chart_has_marks(opened: Chrome, chart: str) -> None:
    marks = opened.execute_script(
        "return document.getElementById(arguments[0])"
        ".querySelectorAll('.bars .point path, .scatterlayer path.point, .scatterlayer path.js-line').length",
        chart,
    )
    assert marks >= 1


def test_the_selector_shows_another_design(opened: Chrome) -> None:
    from selenium.webdriver.support.ui import Select

    def drawn() -> str:
        return str(opened.execute_script("return JSON.stringify(document.getElementById('moved').data[0].x)"))

    before = drawn()
    Select(opened.find_element("id", "replication")).select_by_index(1)
    assert drawn() != before
    Select(opened.find_element("id", "replication")).select_by_index(0)
    assert drawn() == before


@pytest.mark.parametrize("width", [480, 1280])
def test_nothing_sticks_out_at_the_side(opened: Chrome, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        # Charts follow the width of the window after a moment.
        opened.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 600))")
        assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("width", [480, 1280])
def test_no_word_of_a_table_breaks(opened: Chrome, broken_words: Callable[[int], list[str]], width: int) -> None:
    assert broken_words(width) == []
