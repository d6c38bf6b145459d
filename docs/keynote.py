"""The points of the keynote, each priced on the same failures: `make keynote` writes reports/keynote.md and .html."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from docs.keynote_pairs import Pair, Point, Range
from docs.keynote_points import POINTS
from ras_sim.experiment.compare import Comparison, compare
from ras_sim.experiment.designs import Design
from ras_sim.scenario.load import load

ROOT = Path(__file__).parents[1]
SCENARIOS = ROOT / "scenarios" / "keynote"
REPORTS = ROOT / "reports"
SEED = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """A point with what was found: a comparison for each pair, and for each value of each range."""

    point: Point
    comparisons: tuple[Comparison, ...]
    ranges: tuple[tuple[Comparison, ...], ...]


def designs_of(pair: Pair, sets: Sequence[str] = (), sets_with: Sequence[str] | None = None) -> tuple[Design, Design]:
    """The scenarios of a pair, the one without the property first.

    Args:
        sets: values in place of those of the files, each `key.path=value`.
        sets_with: those of the scenario with the property, if they are others.

    Raises: InputError for a scenario that is wrong.
    """
    without = load(SCENARIOS / pair.without, sets)
    with_ = load(SCENARIOS / pair.with_, sets if sets_with is None else sets_with)
    return Design(without.name, without), Design(with_.name, with_)


def designs_at(point: Point, one: Range, value: str) -> tuple[Design, Design]:
    """The scenarios of a range at one of its values."""
    sets = (f"{one.key}={value}",)
    return designs_of(
        point.pairs[one.pair], sets if one.set_in != "with" else (), sets if one.set_in != "without" else ()
    )


def run(pair: Pair, replications: int | None = None) -> Comparison:
    """A pair on the same failures."""
    return compare(*designs_of(pair), seed=SEED, replications=replications or pair.replications)


def answer(point: Point) -> Answer:
    """Run everything that a point asks."""
    ranges = tuple(
        tuple(
            compare(*designs_at(point, one, value), seed=SEED, replications=one.replications) for value in one.values
        )
        for one in point.ranges
    )
    return Answer(point, tuple(map(run, point.pairs)), ranges)


def write(answers: Iterable[Answer], folder: Path) -> None:
    """Write keynote.md and keynote.html."""
    from docs.keynote_page import markdown, page
    from ras_sim.report.html import write_page

    found = list(answers)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keynote.md").write_text(markdown(found), encoding="utf-8")
    write_page(page(found), folder / "keynote.html")


def _answered(point: Point) -> Answer:
    print(f"{point.key}: {point.prop}", file=sys.stderr, flush=True)
    return answer(point)


if __name__ == "__main__":
    write(map(_answered, POINTS), REPORTS)
    print("reports/keynote.md, reports/keynote.html")
