"""A headless chromium for these tests. No download: browser and driver are those of the machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # the sandbox does not start for root, as in a container
    "--disable-dev-shm-usage",  # /dev/shm is small in containers
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--window-size=1400,900",
)


@pytest.fixture(scope="module")
def _chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("needs chromium and chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def browser(_chrome: Chrome) -> Chrome:
    """The browser that the tests of a file share, on an empty page and with an empty console."""
    _chrome.get("about:blank")
    _chrome.get_log("browser")
    return _chrome


@pytest.fixture
def open_file(browser: Chrome) -> Callable[[Path], Chrome]:
    """Open a file as somebody who was mailed it would: from disk."""

    def open_it(path: Path) -> Chrome:
        browser.get(path.resolve().as_uri())
        return browser

    return open_it


_BROKEN = """
const broken = [];
for (const cell of document.querySelectorAll('th, td')) {
  const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    for (const word of node.data.matchAll(/[^\\s-]+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
      if (lines.size > 1) broken.push(cell.textContent);
    }
  }
}
return broken;
"""


@pytest.fixture
def broken_words(browser: Chrome) -> Callable[[int], list[str]]:
    """Cells of tables with a word, or a part of a key between its dots, that goes on in the next line at a width."""

    def read(width: int) -> list[str]:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        try:
            return list(browser.execute_script(_BROKEN))
        finally:
            browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    return read


@pytest.fixture
def console_errors(browser: Chrome) -> Callable[[], list[str]]:
    """Errors in the browser's console since the page was opened or since the last call."""

    def read() -> list[str]:
        return [str(entry["message"]) for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]

    return read
