"""The report of a comparison: what it says, and that every text in it is only text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from ras_sim.experiment.compare import Comparison, compare
from ras_sim.experiment.compare_json import p_better
from ras_sim.experiment.designs import Design
from ras_sim.metrics.estimates import Estimate
from ras_sim.metrics.paired import Difference, paired
from ras_sim.report import compare_figures
from ras_sim.report import compare_views as views
from ras_sim.report.compare_html import compare_page, write_compare_report
from ras_sim.report.compare_text import compare_markdown, compare_summary
from ras_sim.scenario.model import Scenario
from tests.prices import prices
from tests.small import exponential, fixed, ladder, mode, rung, small, tier

HOSTILE = "<img src=x onerror=alert(1)>|*b*"


def designs(hostile: bool = False) -> tuple[Design, Design]:
    """A pool whose crashes are repaired in one hour or in three."""
    name = HOSTILE if hostile else "pool"
    failures = {"node": {"crash": mode(lifetime=exponential(100))}}
    base, other = (
        small(
            name=name,
            nodes=4,
            job_nodes=4,
            horizon_h=500.0,
            failures=failures,
            repair=ladder({"fix": rung(fixed(hours))}),
        )
        for hours in (1.0, 3.0)
    )
    change = f"repair.ladder.fix.duration={HOSTILE if hostile else '3 h'}"
    return Design(name, base), Design(f"{name}, slower", other, (change,))


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(*designs(), replications=10, workers=1)


@pytest.fixture(scope="module")
def hostile() -> Comparison:
    return compare(*designs(hostile=True), replications=3, workers=1)


def shown(comparison: Comparison, width: int = 80) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(compare_summary(comparison))
    console.file.close()
    return console.export_text()


def test_the_verdict_says_which_how_much_how_sure_and_what_pairing_was_worth(comparison: Comparison) -> None:
    text = views.verdict(comparison.against[0])
    assert re.match(
        r"fix\.duration=3 h is worse: goodput -\d+\.\d+ points \(95% interval -\S+ to -\S+\), probability to be "
        r"better \d\.\d%\. Unpaired runs would need \S+ times as many replications for the same interval\.$",
        text,
    )


def test_the_verdict_says_where_pairing_cannot_be_worth_much() -> None:
    base, other = (
        small(
            500.0,
            failures={"node": {"crash": mode(lifetime=exponential(100))}},
            repair=ladder({"fix": rung(fixed(hours))}),
            job__checkpoints={"disk": tier(1.0)},
        )
        for hours in (1.0, 3.0)
    )
    one = compare(Design("quick", base), Design("slow", other), replications=10, workers=1).against[0]
    goodput = one.metrics["goodput"]
    assert goodput.variance_factor is not None
    assert goodput.most_by_pairing is not None
    assert 2 < goodput.variance_factor < goodput.most_by_pairing < 10
    assert views.verdict(one).endswith(
        f"; one varies so much more than the other that no pairing is worth more than {goodput.most_by_pairing:.1f} times."
    )


@pytest.mark.parametrize(
    ("found", "most", "text"),
    [(1.84, 3.02, "1.8x of 3.0x"), (18.2, 9.96, "18x of 10.0x"), (18.2, 10.0, "18x"), (18.2, None, "18x"),
     (12_345.0, None, ">10,000x"), (None, None, views.NOTHING)],
)  # fmt: skip
def test_the_worth_of_pairing_says_the_most_where_that_is_little(
    found: float | None, most: float | None, text: str
) -> None:
    assert views.factor(Difference(0.5, 0.6, Estimate(0.1, None, None, 9), None, found, most)) == text


def test_no_difference_is_said_so() -> None:
    base, _ = designs()
    one = compare(base, base, replications=2, workers=1)
    assert "goodput is the same in every replication" in views.verdict(one.against[0])
    assert "No setting differs" in compare_page(one)
    assert "No setting differs" in compare_markdown(one)


def test_one_history_is_no_interval() -> None:
    one = compare(*designs(), replications=1, workers=1)
    assert "in one history; run more replications" in views.verdict(one.against[0])
    assert "One replication has no interval" in compare_page(one)


def test_a_difference_that_is_not_clear_is_not_called_one() -> None:
    row = paired([1.0, 2.0, 3.0], [2.0, 1.0, 3.1])
    assert not row.is_clear
    assert paired([1.0, 2.0, 3.0], [2.0, 3.1, 4.0]).is_clear


@pytest.mark.parametrize(
    ("mean", "half", "kind", "amount", "interval"),
    [
        (0.0020542, 0.00021, "percent", "+0.205 points", "+0.184 to +0.226"),
        (-253.2, 307.0, "number", "-253", "-560 to +54"),
        (0.25, 0.4, "span", "+15 min", "-9 to +39"),
        (100.0, 36.0, "span", "+4.2 d", "+2.7 to +5.7"),
        (-44250.0, 1e-11, "thousands", "-44.25", "-44.25 to -44.25"),  # the rounding of sums
        (1234567.0, 0.0, "number", "+1,234,567", "+1,234,567 to +1,234,567"),
    ],
)
def test_a_difference_has_the_decimals_that_its_interval_bears(
    mean: float, half: float, kind: str, amount: str, interval: str
) -> None:
    row = Difference(1.0, 2.0, Estimate(mean, (mean - half, mean + half), 1.0, 9), 0.5, 2.0)
    assert views.spread(row, kind) == (amount, interval)


def test_a_story_tells_both_sides_aspect_by_aspect(comparison: Comparison) -> None:
    parting = next(one for one in comparison.against[0].partings if one.is_alike)
    story = views.story(parting)
    assert [aspect for aspect, *_ in story] == [
        "struck",
        "showed as",
        "job",
        "rungs walked",
        "stages",
        "job's hours",
        "lost GPU-hours",
    ]
    rows = {aspect: sides for aspect, *sides in story}
    assert rows["rungs walked"] == ["fix (fixed)", "fix (fixed)"]
    assert "repair 3 h" in rows["job's hours"][1]


def test_terminal_fits_80_columns_and_says_what_matters(comparison: Comparison) -> None:
    text = shown(comparison)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for word in ("Goodput", "Lost GPU-hours by root cause", "node.crash", "same in both designs"):
        assert word in text


def test_markdown_is_escaped(hostile: Comparison) -> None:
    text = compare_markdown(hostile)
    assert "<img" not in text
    assert "\\*b\\*" in text
    table_rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in table_rows)


def test_the_page_is_escaped_and_complete(hostile: Comparison) -> None:
    page = compare_page(hostile)
    assert "<img" not in page.partition("<script>!function")[0].partition("<script>/*")[0]
    for anchor in ("verdict", "numbers", "time", "causes", "faults", "differs", "scenarios", "method"):
        assert f'<section id="{anchor}">' in page
    for found in re.finditer(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S):
        assert "<" not in found[1]
        json.loads(found[1])


def test_many_designs_are_folded_and_the_page_stays_small(tmp_path: Path) -> None:
    base, other = designs()
    many = compare(base, *[other] * 30, replications=2, workers=1)
    page = write_compare_report(many, tmp_path / "compare.html")
    assert page.stat().st_size < 8e6
    text = page.read_text()
    assert "<h3>" not in text
    assert text.count("<option") == 30
    assert "27 more designs" in shown(many)


def test_rounding_of_sums_is_no_difference() -> None:
    noise = paired([11.8, 12.0, 11.7], [11.8 + 2e-13, 12.0 - 1e-13, 11.7 + 3e-13])
    assert views.spread(noise, "span") == ("no difference", views.NOTHING)
    assert (noise.is_zero, noise.is_clear, p_better(noise, 1)) == (True, False, None)
    always = paired([11.8, 12.0, 11.7], [11.8 + 2e-13, 12.0 + 2e-13, 11.7 + 2e-13])
    assert (always.is_zero, always.is_clear, p_better(always, 1)) == (True, False, None)
    small = paired([11.8, 12.0, 11.7], [11.8002, 12.0001, 11.7003])
    assert views.spread(small, "span")[0].startswith("+")
    assert (small.is_zero, p_better(small, 1) is None) == (False, False)


def test_the_first_line_says_how_much_of_the_failures_is_shared() -> None:
    lasting, other = (mode(lifetime=exponential(hours)) for hours in (100, 50))
    both = small(nodes=4, failures={"node": {"crash": lasting, "hang": lasting}})
    half = small(nodes=4, failures={"node": {"crash": lasting, "hang": other}})
    none = small(nodes=4, failures={"node": {"crash": other, "hang": other}})
    larger = small(nodes=8, failures={"node": {"crash": lasting, "hang": lasting}})

    def first(*scenarios: Scenario) -> str:
        found = compare(*scenarios, replications=1, workers=1)
        assert compare_markdown(found).count(views.subtitle(found)[0]) == 1
        return " · ".join(views.subtitle(found)[:2])

    assert first(both, both).startswith("2 designs on the same failures · base")
    assert "same in part (1 of 2 failure modes and shocks shared)" in first(both, half)
    assert "of their own (0 of 2 failure modes and shocks shared)" in first(both, none)
    assert "same in part (0 of 2, 1 of 2, 2 of 2 failure" in first(both, none, half, both)
    assert "of their own (0 of 2 failure modes and shocks shared)" in first(both, larger)


def test_jobs_of_different_size_are_said_to_be_so() -> None:
    sizes = [small(nodes=4, job_nodes=n) for n in (4, 2)]
    found = compare(*sizes, replications=1, workers=1)
    gpus = [design.scenario.job.gpus for design in found.designs]
    assert gpus[0] != gpus[1]
    assert f"jobs of {gpus[0]} and {gpus[1]} GPUs" in views.subtitle(found)


def test_titles_along_the_bottom_wrap_and_no_step_reads_as_nothing(comparison: Comparison) -> None:
    for chart in (compare_figures.moved(comparison), compare_figures.causes(comparison)):
        assert chart is not None
        for spec in chart.specs:
            layout = json.loads(spec)["layout"]
            assert max(map(len, layout["xaxis"]["title"]["text"].split("<br>"))) <= 44
    [waterfall] = [json.loads(spec) for spec in compare_figures.moved(comparison).specs]
    steps = waterfall["data"][0]["text"][1:-1]
    assert steps
    assert all(float(text) for text in steps)


def test_a_bill_ends_with_its_total() -> None:
    failures = {"node": {"crash": mode(lifetime=exponential(100))}}
    kept = {"nodes": 4, "failures": failures, "cost": prices(parts=None)}
    found = compare(*(small(job_nodes=n, **kept) for n in (4, 3)), replications=3, workers=1)
    *items, total = views.bill_lines(found.against[0])
    assert total.label == "total"
    rows = found.against[0].cost_by_item.values()
    assert found.against[0].metrics["cost"].base == pytest.approx(sum(row.base or 0.0 for row in rows))
    assert total.base == views.level(sum(row.base or 0.0 for row in rows), "number")
    assert items


def goodputs(differences: list[list[float]]) -> Comparison:
    """A comparison of as many designs with a base whose goodput is 0.9 in every history."""
    base, _ = designs()
    one = compare(base, *[Design(f"d{i}", base.scenario) for i in range(len(differences))], replications=2, workers=1)
    against = [
        replace(each, metrics={**each.metrics, "goodput": paired([0.9] * len(gains), [0.9 + gain for gain in gains])})
        for each, gains in zip(one.against, differences, strict=True)
    ]
    return replace(one, against=tuple(against))


@pytest.mark.parametrize(
    ("differences", "finding"),
    [
        ([[0.001, -0.0005, 0.0004]], "No design is clearly better than pool"),
        ([[-0.01, -0.011, -0.012]], "No design is clearly better than pool"),
        ([[0.01, 0.011, 0.012]], "d0 is clearly better than pool: +1.100 points"),
        ([[0.03, -0.01, 0.02], [0.01, 0.011, 0.012]], "1 of 2 designs is clearly better than pool: d1 by +1.100 points"),
    ],
)
def test_the_heading_claims_no_more_than_is_clear(differences: list[list[float]], finding: str) -> None:
    assert compare_figures.forest(goodputs(differences)).finding == finding


def test_the_axis_begins_where_it_says(comparison: Comparison) -> None:
    for spec in compare_figures.moved(comparison).specs:
        axis = json.loads(spec)["layout"]["xaxis"]
        told = float(axis["title"]["text"].rpartition("begins at ")[2].removesuffix("%)"))
        assert told == pytest.approx(axis["range"][0], abs=1e-9)
