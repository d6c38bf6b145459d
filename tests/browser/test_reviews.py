"""The kept page of the design reviews in a real browser: every chart is drawn, nothing is asked for, it fits a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docs.reviews import REPORTS, REVIEWS, Review

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def opened(open_file: Callable[[Path], Chrome]) -> Chrome:
    """The page, completely drawn."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser = open_file(REPORTS / "reviews.html")
    drawn = "return document.documentElement.dataset.drawn === 'yes'"
    WebDriverWait(browser, 60).until(lambda one: one.execute_script(drawn))
    return browser


def test_no_error_and_no_request(opened: Chrome, console_errors: Callable[[], list[str]]) -> None:
    assert console_errors() == []
    assert opened.execute_script("return performance.getEntriesByType('resource').map(one => one.name)") == []


@pytest.mark.parametrize("review", REVIEWS, ids=lambda one: one.name)
def test_every_chart_has_a_mark_for_each_design_but_the_base(opened: Chrome, review: Review) -> None:
    marks = opened.execute_script(
        "return document.getElementById(arguments[0]).querySelectorAll('.scatterlayer path.point').length",
        f"goodput-{review.name}",
    )
    assert marks == len(review.designs) - 1


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
