"""One file, offline, safe against what a scenario may say, small however long the run was."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ras_sim import load, run
from ras_sim.report import sections, views, write_report
from ras_sim.report.html import page
from ras_sim.report.markup import Section, script_safe
from tests.synthetic import PUBLISHED, FakeScenario, make_result

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\u2028 & \"quoted\" 'too'"


class Reader(HTMLParser):
    """Tags with attributes, ids, and the text of JSON scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.json: list[str] = []
        self._in_json = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_json = tag == "script" and dict(attrs).get("type") == "application/json"

    def handle_data(self, data: str) -> None:
        if self._in_json:
            self.json.append(data)
            self._in_json = False


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def without_plotly(text: str) -> str:
    from plotly.offline import get_plotlyjs

    return text.replace(get_plotlyjs(), "")


def test_keys_break_between_their_words_and_nothing_else_breaks() -> None:
    """A key wraps at its dots and underscores; style sheets that break anywhere would split names and numbers."""
    text = without_plotly(page(make_result(3)))
    assert '<th scope="row">gpu.<wbr>faulty</th>' in text
    assert "anywhere" not in text
    assert not re.search(r"\d\.<wbr>\d", text)


def test_the_page_asks_for_nothing() -> None:
    text = without_plotly(page(make_result(3)))
    assert not re.search(r"""(src|href|action)\s*=\s*["']?\s*(https?:)?//""", text)
    assert "@import" not in text
    assert "url(" not in text
    for tag, attributes in read(text).tags:
        assert tag not in {"link", "iframe", "object", "embed", "img", "base"}
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "default-src 'none'" in text


def test_hostile_text_stays_text() -> None:
    scenario = FakeScenario(name=HOSTILE, description=HOSTILE, source_text=HOSTILE, resolved_text=HOSTILE)
    causes = (("<img src=y>", "</script>", "<b>hang", 1, 8),)
    text = without_plotly(page(make_result(2, scenario=scenario, causes=causes, n_interruptions=30)))
    reader = read(text)
    assert "img" not in {tag for tag, _ in reader.tags}
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)
    # What is left of a script is the page's own two and the JSON of the charts.
    assert text.count("<script>") == 2
    assert text.count("<script") == 2 + len(reader.json)
    for block in reader.json:
        assert "<" not in block
        json.dumps(json.loads(block))
    # A chart reads a little markup of its own: names must reach it escaped.
    assert not any("<img" in string for block in reader.json for string in strings(json.loads(block)))


def strings(node: object) -> list[str]:
    if isinstance(node, dict):
        return [text for value in node.values() for text in strings(value)]
    if isinstance(node, list):
        return [text for value in node for text in strings(value)]
    return [node] if isinstance(node, str) else []


def test_script_safe_reads_back() -> None:
    for value in (HOSTILE, "\u2029", "<!--", "]]>"):
        block = script_safe(json.dumps(value, ensure_ascii=False))
        assert json.loads(block) == value
        assert not set("<>&\u2028\u2029") & set(block)


def test_anchors_are_unique_and_links_lead_somewhere() -> None:
    reader = read(without_plotly(page(make_result(3))))
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] or "" for _, attributes in reader.tags if "href" in attributes]
    assert {link[1:] for link in links} <= set(ids)


def test_every_figure_has_a_name_and_every_table_a_caption() -> None:
    text = without_plotly(page(make_result(3)))
    tags = read(text).tags
    charts = [attributes for _, attributes in tags if attributes.get("class") == "chart"]
    assert len(charts) == 7
    assert all(len(attributes.get("aria-label") or "") > 20 for attributes in charts)
    assert text.count("<table") == text.count("<caption")


@pytest.mark.parametrize("make", sections.SECTIONS, ids=lambda make: make.__name__)
def test_each_section_stands_alone(make: object) -> None:
    priced = FakeScenario(published=PUBLISHED, currency="USD")
    section = make(make_result(2, scenario=priced))  # type: ignore[operator]
    assert isinstance(section, Section)
    assert len(section.body) > 100


def test_without_ledgers_the_page_still_has_the_numbers() -> None:
    from dataclasses import replace

    text = without_plotly(page(replace(make_result(3), ledgers=()))).replace("<wbr>", "")
    assert "gpu.faulty" in text
    assert 'id="timeline"' not in text


def test_without_failures_no_chart_is_drawn_empty() -> None:
    result = make_result(1, n_interruptions=0)
    text = without_plotly(page(result))
    assert 'id="rungs"' not in text
    assert 'id="blast"' not in text
    assert 'id="waterfall"' in text


def test_losses_by_phase_agree_with_the_measures() -> None:
    result = make_result(3)
    table = views.losses_by_phase(result.ledgers)
    for cause, estimate in result.aggregate.lost_gpu_hours_by_mode.items():
        assert sum(table[cause].values()) == pytest.approx(estimate.mean)
    assert list(table) == [one.name for one in views.causes(result) if one.lost_gpu_h > 0]


def test_selector_offers_worst_median_and_best() -> None:
    result = make_result(30)
    shown = views.ranked(result, 5)
    goodputs = [result.measures[i].goodput for i in shown]
    everything = sorted(one.goodput for one in result.measures)
    assert goodputs == sorted(goodputs)
    assert (goodputs[0], goodputs[-1]) == (everything[0], everything[-1])
    assert views.ranked(result, 1) != shown


def test_writing_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write_report(make_result(1), path) == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == [path]


def test_same_result_same_bytes() -> None:
    assert page(make_result(2)) == page(make_result(2))


@pytest.mark.slow
def test_a_thousand_replications_stay_small_and_quick(tmp_path: Path) -> None:
    result = make_result(1000, n_interruptions=100)
    assert sum(len(one.incidents) for one in result.ledgers) > 80_000
    began = time.perf_counter()
    path = write_report(result, tmp_path / "report.html")
    assert time.perf_counter() - began < 5
    assert path.stat().st_size < 8_000_000


@pytest.mark.slow
def test_very_long_replications_stay_small_too(tmp_path: Path) -> None:
    path = write_report(make_result(5, n_interruptions=20_000), tmp_path / "report.html")
    assert path.stat().st_size < 8_000_000
    text = path.read_text(encoding="utf-8")
    assert "were merged with their neighbours" in text
    assert "are not drawn" in text


def test_chart_has_as_many_figures_as_the_selector_has_choices() -> None:
    text = without_plotly(page(make_result(4)))
    for key in ("timeline", "resources"):
        assert text.count(f'data-of="{key}"') == text.count("<option") == 4


def test_a_supply_that_runs_out_is_told_of_all_replications_and_of_the_drawn_one() -> None:
    """The heading is a mean; above each curve stands what that curve shows."""
    result = run(load(TINY, ["job.spares.nodes=1", "failures.node.crash.rate=0.2 per node-day"]), replications=3, workers=1)
    chart = sections._resources([result.ledgers[i] for i in range(2)], views.scarcity(result))[0]
    assert chart.finding.endswith(f"of the time, mean of {len(result.measures)} replications")
    titles = [json.loads(spec)["layout"]["annotations"] for spec in chart.specs]
    for measures, texts in zip(result.measures[:2], titles, strict=True):
        told = [one["text"] for one in texts if "spare nodes free" in one["text"]]
        share = measures.resources["spare_nodes"].zero_frac
        assert told == [f"<b>spare nodes free</b>: none for {100 * share:.1f}% of this replication"]
    assert len({measures.resources["spare_nodes"].zero_frac for measures in result.measures}) > 1
