"""Writes the generated pages of this folder: `make docs`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from docs import validation
from docs.scenario_page import scenario_page
from ras_sim.scenario.schema import json_schema

DOCS = Path(__file__).parent


def _schema_text() -> str:
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


PAGES: dict[str, Callable[[], str]] = {"scenario.md": scenario_page, "scenario.schema.json": _schema_text}
"""File in this folder -> what makes its text."""


def main() -> None:
    """Write every page."""
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
        print(f"docs/{name}")
    validation.write(DOCS / "validation.md")  # a minute of simulation: no test makes it again
    print("docs/validation.md")


if __name__ == "__main__":
    main()
