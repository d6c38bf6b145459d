"""Takes the picture of a report that README.md shows: a real run, opened in a headless chromium.

`python -m docs.picture` (chromium must be installed; see README.md). The run is seeded, so the picture changes when
the results or the report do, and only then.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import ras_sim
from ras_sim.report import write_report

ROOT = Path(__file__).parents[1]
SCENARIO = ROOT / "scenarios" / "quickstart.yaml"
PICTURE = ROOT / "docs" / "images" / "report.png"
REPLICATIONS = 20
WIDTH, HEIGHT = 1200, 1500
MAX_BYTES = 300_000
_SETTLE_MS = (
    20_000  # of the page's own clock: charts are drawn when they scroll into view, or soon after loading
)


def main() -> int:
    """Run, report, and take the picture."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("needs chromium: apt-get install chromium", file=sys.stderr)
        return 2
    result = ras_sim.run(ras_sim.load(SCENARIO), seed=1, replications=REPLICATIONS)
    with tempfile.TemporaryDirectory() as folder:
        page = write_report(result, Path(folder) / "report.html")
        _shoot(chromium, page, PICTURE)
    size = PICTURE.stat().st_size
    print(f"{PICTURE.relative_to(ROOT)}: {size:,} bytes")
    return 0 if size <= MAX_BYTES else 1


def _shoot(chromium: str, page: Path, picture: Path) -> None:
    """The top of a page as a PNG file."""
    picture.parent.mkdir(exist_ok=True)
    subprocess.run(
        [
            chromium,
            "--headless=new",
            "--no-sandbox",  # the sandbox does not start for root, as in a container
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={page.parent / 'profile'}",
            f"--window-size={WIDTH},{HEIGHT}",
            f"--virtual-time-budget={_SETTLE_MS}",
            f"--screenshot={picture}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )


if __name__ == "__main__":
    sys.exit(main())
