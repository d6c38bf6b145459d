"""The page in a real browser: it draws, it zooms, it asks for nothing, and a hostile name is only a name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ras_sim.report import write_report
from tests.synthetic import PUBLISHED, FakeScenario, make_result

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)>"
CHARTS = ("waterfall", "losses", "timeline", "resources", "rungs", "blast", "distribution")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose every text tries to be markup."""
    if shutil.which("chromium") is None:
        pytest.skip("needs chromium and chromedriver")
    scenario = FakeScenario(name=HOSTILE, description=HOSTILE, source_text=HOSTILE, published=PUBLISHED)
    causes = (
        (HOSTILE, HOSTILE, "crash", 3, 8),
        ("hbm", "due", "hang", 1, 1),
        ("leaf", "down", "hang", 1, 512),
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    return write_report(make_result(8, scenario=scenario, causes=causes, n_interruptions=60), path)


@pytest.fixture
def opened(report: Path, open_file: Callable[[Path], Chrome]) -> Iterator[Chrome]:
    """The page, completely drawn."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser = open_file(report)
    drawn = "return document.documentElement.dataset.drawn === 'yes'"
    WebDriverWait(browser, 30).until(lambda page: page.execute_script(drawn))
    yield browser
    browser.set_window_size(1400, 900)


def zoom_of(browser: Chrome, chart: str) -> list[float]:
    text = browser.execute_script(
        f"return JSON.stringify(document.getElementById('{chart}')._fullLayout.xaxis.range)"
    )
    low, high = json.loads(text)
    return [float(low), float(high)]


def test_no_error_and_no_request(opened: Chrome, console_errors: Callable[[], list[str]]) -> None:
    assert console_errors() == []
    assert opened.execute_script("return performance.getEntriesByType('resource').map(one => one.name)") == []


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_has_marks(opened: Chrome, chart: str) -> None:
    marks = opened.execute_script(
        "return document.getElementById(arguments[0])"
        ".querySelectorAll('.bars .point path, .scatterlayer path.point, .scatterlayer path.js-line').length",
        chart,
    )
    assert marks >= 2


def test_hostile_text_is_shown_as_text(opened: Chrome) -> None:
    from selenium.common.exceptions import NoAlertPresentException

    with pytest.raises(NoAlertPresentException):
        _ = opened.switch_to.alert.text
    assert opened.find_element("tag name", "h1").text == HOSTILE
    assert opened.execute_script("return document.images.length") == 0
    labels = opened.execute_script(
        "return [...document.querySelectorAll('#timeline .ytick text')].map(one => one.textContent)"
    )
    assert any(label.startswith("<img src=x") for label in labels)


def test_hover_shows_the_incident(opened: Chrome) -> None:
    opened.execute_script(
        "const chart = document.getElementById('timeline');"
        "const index = chart.data.findIndex(trace => trace.type === 'scatter');"
        "Plotly.Fx.hover(chart, [{curveNumber: index, pointNumber: 0}]);"
    )
    text = opened.execute_script("return document.querySelector('#timeline .hoverlayer').textContent")
    assert "arrived day" in text
    assert "GPUs hit" in text


def test_buttons_zoom_both_charts_and_back(opened: Chrome) -> None:
    whole = zoom_of(opened, "timeline")
    buttons = opened.find_elements("css selector", "button[data-days]")
    for button, wanted in zip(buttons, ([0, 1], [0, 7], whole), strict=True):
        opened.execute_script("arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})", button)
        button.click()
        assert zoom_of(opened, "timeline") == wanted
        assert zoom_of(opened, "resources") == wanted


def test_selector_shows_another_replication(opened: Chrome) -> None:
    from selenium.webdriver.support.ui import Select

    def bars() -> str:
        return str(
            opened.execute_script("return JSON.stringify(document.getElementById('timeline').data[0].x)")
        )

    choice = Select(opened.find_element("id", "replication"))
    before = bars()
    choice.select_by_index(0)
    after = bars()
    assert after != before
    choice.select_by_index(len(choice.options) // 2)
    assert bars() == before


@pytest.mark.parametrize("width", [480, 1280])
def test_nothing_sticks_out_at_the_side(opened: Chrome, width: int) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        # Charts follow the width of the window after a moment.
        opened.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 600))")
        wide = opened.execute_script(
            "const width = document.documentElement.clientWidth;"
            "const inner = (one) => one.closest('.scroll, pre, .chart');"
            "return [...document.querySelectorAll('body *')].filter("
            "  (one) => !inner(one) && one.getBoundingClientRect().right > width + 1"
            ").map((one) => one.outerHTML.slice(0, 120))"
        )
        assert wide == []
        assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_dark_mode_reaches_the_charts(opened: Chrome) -> None:
    ink = "return document.getElementById('waterfall')._fullLayout.font.color"
    colours = []
    for scheme in ("light", "dark"):
        feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
        opened.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 300))")
        colours.append(opened.execute_script(ink))
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert colours[0] != colours[1]


@pytest.mark.parametrize("width", [480, 1280])
def test_no_word_of_a_table_breaks(opened: Chrome, broken_words: Callable[[int], list[str]], width: int) -> None:
    assert broken_words(width) == []
