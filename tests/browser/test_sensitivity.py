"""The pages of sensitivity and optimize in a real browser: every chart draws, and nothing is asked of a network."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ras_sim.experiment.optimize import optimize
from ras_sim.experiment.sensitivity import sensitivity
from ras_sim.report.optimize import write_optimize_report
from ras_sim.report.sensitivity import write_sensitivity_report
from tests.responses import Response, ishigami, ranges
from tests.small import small

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)>"
SCENARIO = small(
    name=HOSTILE, detection__exception="1.4 h", detection__crash="1.2 h", detection__hang="1.7 h"
)


def look(page: Path, request: pytest.FixtureRequest, charts: list[str]) -> None:
    """Open a page and check it."""
    if shutil.which("chromium") is None:
        pytest.skip("needs chromium and chromedriver")
    from selenium.webdriver.support.ui import WebDriverWait

    open_file: Callable[[Path], Chrome] = request.getfixturevalue("open_file")
    console_errors: Callable[[], list[str]] = request.getfixturevalue("console_errors")
    browser = open_file(page)
    drawn = "return document.documentElement.dataset.drawn === 'yes'"
    WebDriverWait(browser, 30).until(lambda one: one.execute_script(drawn))
    assert console_errors() == []
    assert browser.execute_script("return performance.getEntriesByType('resource').map(one => one.name)") == []
    assert browser.execute_script("return document.images.length") == 0
    assert browser.execute_script("return [...document.querySelectorAll('.chart')].map(one => one.id)") == charts
    points = "return document.getElementById(arguments[0]).querySelectorAll('.point').length"
    assert all(browser.execute_script(points, chart) >= 3 for chart in charts)
    assert HOSTILE in browser.find_element("tag name", "h1").text
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    broken_words: Callable[[int], list[str]] = request.getfixturevalue("broken_words")
    assert [broken_words(width) for width in (480, 1280)] == [[], []]


@pytest.mark.parametrize(
    ("method", "chart", "n"),
    [
        ("tornado", "tornado", {}),
        ("morris", "plane", {"trajectories": 4}),
        ("sobol", "shares", {"samples": 8}),
    ],
)
def test_each_method_draws(
    tmp_path: Path, request: pytest.FixtureRequest, method: str, chart: str, n: dict[str, int]
) -> None:
    found = sensitivity(
        SCENARIO, ranges(3), method=method, replications=2, workers=1, simulate=Response(ishigami, 3), **n
    )
    look(write_sensitivity_report(found, tmp_path / "sensitivity.html"), request, [chart])


def test_an_optimum_and_a_front_draw(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    arguments = {"trials": 8, "replications": 2, "fresh": 2, "workers": 1, "simulate": Response(ishigami, 3)}
    one = optimize(SCENARIO, ranges(3), **arguments)
    look(
        write_optimize_report(one, tmp_path / "one.html"),
        request,
        ["history", "slice-0", "slice-1", "slice-2"],
    )
    two = optimize(SCENARIO, ranges(3), objective=["goodput", "time_h.initialise"], **arguments)
    charts = ["front", "history", "slice-0", "slice-1", "slice-2"]
    look(write_optimize_report(two, tmp_path / "two.html"), request, charts)
