"""The design reviews: every design is valid and differs, the page says what was computed, and signs that must hold."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from docs import review_html, reviews
from docs.review_views import Found, answer, cost_heads, idle_gpu_h_per_year, rows
from docs.reviews import REPORTS, REVIEWS, SCENARIOS, Review, designs_of
from ras_sim import load
from ras_sim.experiment.compare import Comparison
from ras_sim.experiment.designs import changes_between
from ras_sim.metrics.paired import Difference, paired
from ras_sim.metrics.samples import Sample

BY_NAME = {review.name: review for review in REVIEWS}
SMALL = ("horizon=20 d", "machine.nodes=136", "job.gpus=1024")


def name_of(review: Review) -> str:
    return review.name


def test_reviews_and_their_designs_have_names_of_their_own() -> None:
    assert len(BY_NAME) == len(REVIEWS)
    assert len({review.question for review in REVIEWS}) == len(REVIEWS)
    for review in REVIEWS:
        assert len({one.name for one in review.designs}) == len(review.designs) >= 2


@pytest.mark.parametrize("review", REVIEWS, ids=name_of)
def test_every_design_is_valid_and_like_no_other(review: Review) -> None:
    designs = designs_of(review)
    for i, one in enumerate(designs):
        for other in designs[:i]:
            assert changes_between(one.scenario, other.scenario), (one.name, other.name)


def test_every_review_scenario_is_used() -> None:
    files = {path.name for path in SCENARIOS.glob("review_*.yaml")}
    named = {one.file or review.file for review in REVIEWS for one in review.designs}
    extended = {
        name for file in files for name in re.findall(r"review_\w+\.yaml", (SCENARIOS / file).read_text())
    }
    assert named <= files <= named | extended


@pytest.fixture(scope="module")
def small() -> tuple[Review, Comparison]:
    """A question on a small machine."""
    review = replace(BY_NAME["swap"], replications=3, common=SMALL)
    return review, reviews.run(review, workers=1)


def test_the_page_is_made_of_the_numbers(small: tuple[Review, Comparison], tmp_path: Path) -> None:
    review, comparison = small
    markdown, html = reviews.write([small], tmp_path / "reports")
    text = markdown.read_text(encoding="utf-8")
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [review.question]
    rows = [line.split(" | ") for line in text.splitlines() if re.match(r"\| (wait|swap)", line)]
    assert [row[0].removeprefix("| ") for row in rows] == [one.name for one in review.designs]
    for row, aggregate in zip(rows, comparison.aggregates, strict=True):
        assert row[1] == f"{100 * (aggregate.metrics['goodput'].mean or 0.0):.3f}%"
        assert len(row) == 9
    assert "1,024 GPUs, 20 days, 3 pairs of histories; base: review_swap.yaml" in text
    assert f"--set '{review.designs[1].sets[0]}'" in text
    assert tables(html)[review.question] == [[cell.strip("| ") for cell in row] for row in rows]


def test_the_chart_has_the_differences_and_their_intervals(small: tuple[Review, Comparison]) -> None:
    review, comparison = small
    (drawn,) = re.findall(rf'data-of="goodput-{review.name}">(.*?)</script>', review_html.page([small]))
    (points,) = (trace for trace in json.loads(drawn)["data"] if trace["mode"] == "markers")
    expected = [one.metrics["goodput"].estimate for one in comparison.against]
    assert points["x"] == pytest.approx([100 * (one.mean or 0.0) for one in expected])
    above = [100 * ((one.ci95 or (0.0, 0.0))[1] - (one.mean or 0.0)) for one in expected]
    assert points["error_x"]["array"] == pytest.approx(above)


def tables(path: Path) -> dict[str, list[list[str]]]:
    """The rows of both tables of each question side by side, of the page that opens in a browser."""
    found: dict[str, list[list[str]]] = {}
    for part in path.read_text(encoding="utf-8").split("<section ")[1:]:
        heading, _, rest = part.partition("</h2>")
        bodies = [
            [re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("</tr>")[:-1]]
            for body in re.findall("<tbody>(.*?)</tbody>", rest)
        ]
        if bodies:
            goodput, cost = bodies
            assert [row[0] for row in goodput] == [row[0] for row in cost]
            question = unescape(re.sub(r"^.*?<h2>| <a.*$", "", heading, flags=re.DOTALL))
            rows = zip(goodput, cost, strict=True)
            found[question] = [[unescape(cell.replace("<wbr>", "")) for cell in (*left, *right[1:])] for left, right in rows]
    return found


def test_the_pages_that_are_kept_have_every_question_and_design() -> None:
    text = (REPORTS / "reviews.md").read_text(encoding="utf-8")
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [review.question for review in REVIEWS]
    assert set(kept()) == {(review.question, one.name) for review in REVIEWS for one in review.designs}


def test_the_pages_that_are_kept_say_the_same() -> None:
    text = (REPORTS / "reviews.md").read_text(encoding="utf-8")
    html = tables(REPORTS / "reviews.html")
    assert list(html) == [review.question for review in REVIEWS]
    for review in REVIEWS:
        part = text.partition(f"## {review.question}\n")[2].partition("\n## ")[0]
        lines = [unescape(line).strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
        assert html[review.question] == lines[2:]  # after the heads and the rule


def found(name: str, *goodput: float, n_spares: int = 0, idle: float = 0.0) -> Found:
    return Found(name, list(goodput), [1e6 * (1.0 - one) + idle for one in goodput], n_spares)


def test_an_answer_names_the_best_the_worst_and_those_between_that_cannot_be_told() -> None:
    designs = [
        found("low", 0.80, 0.81, 0.80, 0.81),
        found("high", 0.90, 0.911, 0.90, 0.91),
        found("near", 0.89, 0.921, 0.89, 0.91),
    ]
    first, second, third = answer(designs)
    assert first.startswith("“high” has the highest goodput, 90.525%, 10.025 points above “low” (+")
    assert second == "Too close to it to tell: “near”."
    assert third.startswith("From the worst to the best 100.2")


def test_an_answer_says_when_nothing_is_decided() -> None:
    assert answer([found("a", 0.8, 0.9), found("b", 0.9, 0.8)]) == [
        "Undecided: with 2 pairs goodput does not tell the designs apart."
    ]
    assert answer([found("a", 0.8, 0.9), found("b", 0.8, 0.9)])[0].startswith("Undecided")
    assert answer([found("a", 0.8), found("b", 0.9)])[0].startswith("Undecided")


def test_spares_are_charged() -> None:
    few, many = found("few", 0.80, 0.81, n_spares=1), found("many", 0.90, 0.911, n_spares=2, idle=5e5)
    words = answer([few, many])
    assert words[0].startswith("“many” has the highest goodput")
    assert words[1].startswith("Spares charged, “few” is cheapest")
    assert words[1].endswith("below the dearest, “many”.")


def test_money_is_said_where_all_designs_have_prices() -> None:
    def priced(name: str, *goodput: float, cost: float, pays: tuple[str, ...] = ()) -> Found:
        amounts = Sample([cost] * len(goodput), [1000 * one for one in goodput])
        return found(name, *goodput)._replace(currency="EUR", cost=amounts, pays=pays)

    few = priced("few", 0.80, 0.81, 0.82, cost=2000.0)
    many = priced("many", 0.90, 0.911, 0.92, cost=2100.0, pays=("many pays for itself up to 2 EUR.",))
    first, second, third = answer([few, many])
    assert first.startswith("“many” has the highest goodput")
    assert second.startswith("“many” is cheapest, 2.307 EUR per effective GPU-hour, 0.16")
    assert third == "many pays for itself up to 2 EUR."
    assert cost_heads([few, many])[0] == "EUR per effective GPU-hour"
    base, other = rows([few, many])
    assert base[6:] == ("2.469", "base", "–")
    assert other[6:8] == ("2.307", "-0.162")
    assert cost_heads([few, found("free", 0.9)])[0].startswith("idle GPU-hours")


def test_idle_gpu_hours_of_a_year() -> None:
    scenario = load(SCENARIOS / "review_spares.yaml")
    assert idle_gpu_h_per_year(scenario, [1.0, 0.0]) == pytest.approx([64 * 8766, (4096 + 64) * 8766])


def kept() -> dict[tuple[str, str], float]:
    """Goodput in percent by question and design, of the pages that are kept."""
    values: dict[tuple[str, str], float] = {}
    for part in (REPORTS / "reviews.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        question = part.partition("\n")[0]
        for name, goodput in re.findall(r"^\| ([^|]+?) \| ([\d.]+)% \|", part, re.MULTILINE):
            values[question, name] = float(goodput)
    return values


@pytest.fixture(scope="module")
def answered() -> dict[str, Comparison]:
    return {review.name: reviews.run(review) for review in REVIEWS}


def of(comparison: Comparison, name: str) -> list[float]:
    """Goodput of a design, one per replication."""
    index = [design.name for design in comparison.designs].index(name)
    return [one.goodput for one in comparison.measures[index]]


def gain(comparison: Comparison, better: str, worse: str) -> Difference:
    return paired(of(comparison, worse), of(comparison, better))


def is_clear_gain(comparison: Comparison, better: str, worse: str) -> bool:
    found = gain(comparison, better, worse)
    return found.is_clear and (found.estimate.mean or 0.0) > 0


def is_no_clear_loss(comparison: Comparison, better: str, worse: str) -> bool:
    found = gain(comparison, better, worse)
    return not found.is_clear or (found.estimate.mean or 0.0) > 0


@pytest.mark.slow
def test_the_kept_numbers_are_those_of_today(answered: dict[str, Comparison]) -> None:
    """A change of results by more than 0.2 points wants `make reviews`."""
    found = {
        (BY_NAME[name].question, design.name): 100 * (aggregate.metrics["goodput"].mean or 0.0)
        for name, comparison in answered.items()
        for design, aggregate in zip(comparison.designs, comparison.aggregates, strict=True)
    }
    assert found == pytest.approx(kept(), abs=0.2)


@pytest.mark.slow
def test_spares_help_until_there_are_enough(answered: dict[str, Comparison]) -> None:
    spares = answered["spares"]
    assert is_clear_gain(spares, "8 spare nodes", "0 spare nodes")
    assert is_no_clear_loss(spares, "16 spare nodes", "8 spare nodes")
    assert is_no_clear_loss(spares, "64 spare nodes", "16 spare nodes")


@pytest.mark.slow
def test_a_swap_is_worth_more_the_longer_a_reset_takes(answered: dict[str, Comparison]) -> None:
    quick, slow = (
        gain(answered[name], "swap at once", "wait").estimate.mean or 0.0
        for name in ("swap", "swap_slow_reset")
    )
    assert slow > quick > 0


@pytest.mark.slow
@pytest.mark.parametrize("interval", ["5 min", "15 min", "60 min"])
def test_a_checkpoint_that_does_not_stop_the_job_is_better(
    answered: dict[str, Comparison], interval: str
) -> None:
    better, worse = f"every {interval}, asynchronous", f"every {interval}, synchronous"
    assert is_clear_gain(answered["checkpoint"], better, worse)


@pytest.mark.slow
def test_local_tiers_add_to_a_remote_one(answered: dict[str, Comparison]) -> None:
    """The same remote checkpoints, and copies near the GPUs besides."""
    comparison = answered["checkpoint"]
    assert is_clear_gain(comparison, "three tiers: 5, 15, 60 min", "every 60 min, asynchronous")


@pytest.mark.slow
def test_nearer_and_more_technicians_help(answered: dict[str, Comparison]) -> None:
    comparison = answered["technicians"]
    assert is_clear_gain(comparison, "6 technicians, 2 h away", "6 technicians, 8 h away")
    assert is_clear_gain(comparison, "6 technicians, 8 h away", "6 technicians, 24 h away")
    assert is_clear_gain(comparison, "24 h away, 8 spares", "6 technicians, 24 h away")
    assert is_no_clear_loss(comparison, "6 technicians, 8 h away", "2 technicians, 8 h away")
    assert is_no_clear_loss(comparison, "24 technicians, 8 h away", "6 technicians, 8 h away")


@pytest.mark.slow
def test_technicians_who_are_short_had_better_go_where_it_counts(answered: dict[str, Comparison]) -> None:
    comparison = answered["queue"]
    assert is_clear_gain(comparison, "36 technicians", "5, first come")
    assert is_clear_gain(comparison, "5, by value", "5, first come")
    assert is_no_clear_loss(comparison, "8, by value", "8, first come")


@pytest.mark.slow
def test_nights_without_anybody_cost_what_spares_can_buy_back(answered: dict[str, Comparison]) -> None:
    comparison = answered["technicians"]
    assert is_clear_gain(comparison, "6 technicians, 8 h away", "6 technicians, day shift")
    assert is_no_clear_loss(comparison, "20 technicians, day shift", "6 technicians, day shift")
    assert is_clear_gain(comparison, "day shift, 8 spares", "6 technicians, day shift")
    assert is_no_clear_loss(comparison, "2 technicians, by value", "2 technicians, 8 h away")


@pytest.mark.slow
def test_containment_matters_in_a_wide_domain(answered: dict[str, Comparison]) -> None:
    comparison = answered["blast_radius"]
    assert is_clear_gain(comparison, "72, contained", "72, not contained")
    assert is_clear_gain(comparison, "8, not contained", "72, not contained")
    wide, narrow = (
        gain(comparison, f"{size}, contained", f"{size}, not contained").estimate.mean or 0.0
        for size in (72, 8)
    )
    assert wide > narrow


@pytest.mark.slow
def test_the_more_a_caught_exception_cures_the_better(answered: dict[str, Comparison]) -> None:
    comparison = answered["exception"]
    names = [design.name for design in comparison.designs]
    for better, worse in zip(names[1:], names, strict=False):
        assert is_clear_gain(comparison, better, worse)
