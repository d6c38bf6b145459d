"""Loading: what a scenario becomes, every fault at its place, and back to text without loss."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ras_sim.errors import InputError
from ras_sim.scenario.load import LIBRARY, load, loads
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.writing import to_yaml

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "tests" / "scenarios"
SHIPPED = [*sorted(SCENARIOS.glob("*.yaml")), *sorted((ROOT / "scenarios").glob("*.yaml"))]
FULL = (SCENARIOS / "full.yaml").read_text()
TINY = (SCENARIOS / "tiny.yaml").read_text()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_resolved_text_loads_to_the_same_scenario(path: Path) -> None:
    scenario = load(path)
    again = loads(scenario.resolved_text)
    assert again == scenario
    assert again.resolved_text == scenario.resolved_text
    assert again.content_hash == scenario.content_hash


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_source_text_is_the_file(path: Path) -> None:
    assert load(path).source_text == path.read_text()


@settings(deadline=None, max_examples=60)
@given(
    name=st.text(min_size=1, max_size=200),
    horizon_h=st.floats(min_value=1e-3, max_value=800_000, exclude_min=True),
    rate=st.floats(min_value=0, max_value=1e-3),
    state=st.floats(min_value=0, max_value=1e18),
    bandwidth=st.floats(min_value=1e14, max_value=1e18),
    share=st.floats(min_value=0, max_value=1),
)
def test_any_values_survive_the_round_trip(
    name: str, horizon_h: float, rate: float, state: float, bandwidth: float, share: float
) -> None:
    data: dict[str, Any] = yaml.safe_load(TINY)
    data |= {"name": name, "description": name, "horizon": f"{horizon_h!r} h"}
    data["failures"]["node"]["crash"]["rate"] = f"{rate!r} /h"
    data["failures"]["node"]["crash"]["symptoms"] = {"crash": share, "hang": 1 - share}
    data["job"]["state"] = f"{state!r} B"
    data["job"]["checkpoints"]["remote"]["restore"] = {"bandwidth": f"{bandwidth!r} B/h"}
    scenario = Scenario.model_validate(data)
    again = Scenario.model_validate(yaml.load(scenario.resolved_text, Loader=yaml.SafeLoader))
    assert again.horizon_h == horizon_h
    read = loads(scenario.resolved_text)
    assert read == scenario
    assert read.content_hash == scenario.content_hash


@pytest.mark.parametrize(
    "text", ["no", "1e3", "12", "true", "~", "", "1:30", "null", ".5", "a: b", "#x", "0o7", "x\ny"]
)
def test_texts_that_look_like_something_else_are_quoted(text: str) -> None:
    scenario = loads(
        TINY, overrides=[f"description={to_yaml([text])[2:].strip()}" if "\n" not in text else "name=x"]
    )
    assert loads(scenario.resolved_text).description == scenario.description


def _problems(text: str) -> dict[str, str]:
    """Where -> message of everything wrong with a text."""
    with pytest.raises(InputError) as caught:
        loads(text, "f.yaml")
    return {problem.where: str(problem) for problem in caught.value.problems}


# what is replaced; by what, with a mark where the fault stands; its key; where it stands if not there; what is
# said (parentheses as they are, the rest a pattern)
FAULTS = [
    ("name: full", "name: §405", "name", "", "got 405, want a text (put it in quotes)"),
    ("  gpus: 160", "  gpus: §1.5", "job.gpus", "", "got 1.5, want a whole number"),
    ("  gpus: 160", "  gpus: §160.0", "job.gpus", "", "got 160.0, want a whole number (write 160)"),
    ("  gpus: 160", "  gpus: §true", "job.gpus", "", "got true, want a whole number"),
    ("  gpus: 160", "  gpus: §'160'", "job.gpus", "", "got '160', want a whole number"),
    ("  gpus: 160", "  gpus: §0", "job.gpus", "", "got 0, want >= 1"),
    ("  work: 50 d", "  work: §50", "job.work", "", "got 50, want a time with its unit"),
    ("  work: 50 d", "  work: §0 h", "job.work", "", "got '0 h', want > 0"),
    (
        "hang: {kind: exponential, mean: 10 min}",
        "hang: §1:30",
        "detection.hang",
        "",
        "got '1:30', want a time",
    ),
    (
        "  nic_loss: slow",
        "  §nic_los: slow",
        "machine.nic_los",
        "",
        "unknown key 'nic_los'.*did you mean 'nic_loss'",
    ),
    (
        "  kind: hgx",
        "  kind: §hgxx",
        "machine.kind",
        "",
        "got 'hgxx', want one of pool, hgx.*did you mean 'hgx'",
    ),
    ("clock: in_job", "clock: §injob", "failures.gpu.xid.clock", "", "want one of calendar, powered, in_job"),
    (
        "{silent: 1}",
        "{§silnt: 1}",
        "failures.gpu.sdc.symptoms.silnt",
        "",
        "the key 'silnt'.*did you mean 'silent'",
    ),
    (
        "{kind: gamma, variance: 2.0}",
        "{variance: 2.0}",
        "failures.gpu.sdc.frailty.kind",
        "frailty: {v",
        "got nothing, want one of gamma",
    ),
    ("variance: 2.0", "variance: §-2", "failures.gpu.sdc.frailty.variance", "", "got -2, want > 0"),
    ("speed: 80 %", "speed: §180 %", "failures.link.flap.speed", "", "got '180 %', want a fraction"),
    (
        "low: 30 min, high: 2 h",
        "low: 30 min, high: §2 s",
        "job.planned.release.duration.high",
        "",
        "got '2 s', want more than `low`",
    ),
    ("coverage: 70 %", "coverage: §[]", "repair.validation.coverage", "", "got a list of 0, want a fraction"),
    (
        "applies_to: [link]",
        "applies_to: §link",
        "repair.ladder.reseat.applies_to",
        "",
        "got 'link', want a list",
    ),
    (
        "      powers_off: true",
        "      powers_off: §yes",
        "repair.ladder.rma.powers_off",
        "",
        "got 'yes', want true or false (write true)",
    ),
    ("{count: 1, ", "{", "repair.technicians.count", "technicians: {t", "got nothing, want this key"),
    ("value: 100.0", "value: §1, at_least: 2", "published.interruptions.value", "", "got a bound beside it"),
    ("{tensor: 5 %,", "§{tensor: 95 %,", "job.parallel.exposed", "", "sum to 1.12, want less than 1"),
    (
        "crash: 0.6, hang: 0.2}",
        "crash: 0.6, hang: 0.3}",
        "failures.gpu.xid.symptoms",
        "{exception: 0.2, cr",
        "sum to 1.1, want 1",
    ),
    (
        "{kind: gamma, shape: 2.0, mean: 6 min}",
        "{kind: gamma, shape: 2.0, mean: 6 min, §gamma: 1}",
        "detection.diagnose.gamma",
        "",
        "unknown key 'gamma', want one of kind, shape, mean",
    ),
    (
        "restore: 30 s,",
        "restore: {§a: 1},",
        "job.checkpoints.host.restore.a",
        "",
        "unknown key 'a', want one of bandwidth, latency, copies",
    ),
    ("works: 0.98", "works: 0.98\n      §kind: node", "repair.ladder.rma.kind", "", "unknown key 'kind'"),
    (
        "{count: 1, travel",
        "{shifts: {day: {days: §mon-fry, begins: '08:00', ends: '18:00', count: 1}}, count: 1, travel",
        "repair.technicians.shifts.day.days",
        "",
        "got 'fry', want one of mon, tue, .*did you mean 'fri'",
    ),
    (
        "{count: 1, travel",
        "{shifts: {day: {days: mon-fri, begins: §8 am, ends: '18:00', count: 1}}, count: 1, travel",
        "repair.technicians.shifts.day.begins",
        "",
        "got '8 am', want a time of day such as '08:00'",
    ),
    (
        "{count: 1, travel",
        "{shifts: {day: {days: mon-fri, begins: '18:00', ends: '18:00', count: 1}}, count: 1, travel",
        "repair.technicians.shifts.day.ends",
        "'18:00', count",
        "got '18:00' as the begin, want another time",
    ),
    # cross checks
    (
        "{count: 1, travel",
        "{count: §0, crews: {optics: {count: 1, serves: [link]}}, travel",
        "repair.technicians.count",
        "",
        "got 0, want at least 1, or a crew that serves .*: rungs with `technician` apply to them",
    ),
    (
        "{count: 1, travel",
        "{count: 1, crews: {optics: {count: §0, serves: [link]}}, travel",
        "repair.technicians.crews.optics.count",
        "",
        "got 0, want at least 1 where there are no `shifts`",
    ),
    (
        "{count: 1, travel",
        "{count: 1, crews: {a: {count: 1, serves: [link]}, b: {count: 1, serves: [§link]}}, travel",
        "repair.technicians.crews.b.serves.0",
        "",
        "want a class that no crew serves yet: link is served by the crew `a`",
    ),
    (
        "{count: 1, travel",
        "{count: 1, crews: {a: {count: 1, serves: [§lnik]}}, travel",
        "repair.technicians.crews.a.serves.0",
        "",
        "'lnik', want a component class of the machine.*did you mean 'link'",
    ),
    (
        "{count: 1, travel",
        "{count: 1, batch: {by: §rak, at_most: 3}, travel",
        "repair.technicians.batch.by",
        "",
        "'rak', want `class` or a component class of the machine.*did you mean 'rack'",
    ),
    (
        "{count: 1, travel",
        "{count: 1, queue: §by_valu, travel",
        "repair.technicians.queue",
        "",
        "got 'by_valu', want one of first_come, by_value.*did you mean 'by_value'",
    ),
    (
        "gpu: {stock: 1,",
        "gpu: {reorder_point: §1, order_quantity: 2, stock: 1,",
        "repair.parts.gpu.reorder_point",
        "",
        "got 1, want less than the stock at the start, 1",
    ),
    (
        "gpu: {stock: 1,",
        "gpu: {order_quantity: 2, stock: 1,",
        "repair.parts.gpu.reorder_point",
        "gpu: {order",
        "got nothing, want this key, as `order_quantity` is stated",
    ),
    (
        "gpu: {stock: 1,",
        "gpu: {doa: §1.0, stock: 1,",
        "repair.parts.gpu.doa",
        "",
        "got 1.0, want at most 0.999: no repair would succeed",
    ),
    ("{count: 1, travel", "{count: §0, travel", "repair.technicians.count", "", "got 0, want at least 1"),
    (
        "{count: 1, travel",
        "{run_begins: §mon 00:00, count: 1, travel",
        "repair.technicians.run_begins",
        "",
        "got 'mon 00:00', want it left out",
    ),
    (
        "  technicians: {count: 1, travel",
        "  §technicians: {at_shift_end: finish, "
        "shifts: {day: {days: mon, begins: '08:00', ends: '09:00', count: 1}}, count: 1, travel",
        "repair.technicians.run_begins",
        "technicians",
        "got nothing, want the day and the time at which the run begins, e.g. mon 00:00",
    ),
    (
        "{count: 1, travel",
        "{run_begins: mon 00:00, shifts: {day: {days: mon, begins: '08:00', ends: '9:00', count: 1}}, count: 1, travel",
        "repair.technicians.shifts.day.ends",
        "'9:00'",
        "want a time of day",
    ),
    (
        "  gpus: 160",
        "  gpus: §161",
        "job.gpus",
        "",
        "got 161, want whole nodes, a multiple of 8 (160 or 168)",
    ),
    ("  gpus: 160", "  gpus: §1600", "job.gpus", "", "got 1600, want at most 192, what 24 nodes have"),
    ("    nodes: 3", "    nodes: §5", "job.spares.nodes", "", "got 5, want at most 4"),
    (
        "  gpus: 160",
        "  gpus: 152",
        "job.parallel",
        "parallel:",
        "tensor x pipeline = 8 x 2 = 16, want a divisor of the job's 152",
    ),
    (
        "expert: 2",
        "expert: §3",
        "job.parallel.expert",
        "",
        "got 3, want a divisor of the data-parallel width, 10",
    ),
    ("psus_needed: 4", "psus_needed: §7", "machine.psus_needed", "", "got 7, want 1..6"),
    ("fans_needed: 5", "fans_needed: §9", "machine.fans_needed", "", "got 9, want 1..6"),
    (
        "interval: 30 min",
        "interval: §35 min",
        "job.checkpoints.disk.interval",
        "",
        "whole multiple of the shortest interval, 15 min",
    ),
    (
        "bandwidth: 20 GB/s",
        "bandwidth: 20 MB/s",
        "job.checkpoints.remote.valid_after",
        "{bandwidth: 20 MB",
        "got 27.8 h, want at most the interval, 1 h",
    ),
    (
        "survives: gpu_reset",
        "survives: §gpu_rest",
        "job.checkpoints.host.survives",
        "",
        "did you mean 'gpu_reset'",
    ),
    ("  hbm:\n    due", "  §hmb:\n    due", "failures.hmb", "", "want a component class.*did you mean 'hbm'"),
    (
        "clears_at: {reseat: 1}",
        "clears_at: {§resat: 1}",
        "failures.link.flap.clears_at.resat",
        "",
        "did you mean 'reseat'",
    ),
    (
        "clears_at: {reseat: 1}",
        "clears_at: {§gpu_reset: 1}",
        "failures.link.flap.clears_at.gpu_reset",
        "",
        "want a rung that applies to link",
    ),
    (
        "{shares_memory: 0.05}",
        "{§share_memory: 0.05}",
        "failures.gpu.xid.spreads.share_memory",
        "",
        "did you mean 'shares_memory'",
    ),
    ("under: rack", "under: §rak", "shocks.feed_lost.under", "", "did you mean 'rack'"),
    (
        "under: rack",
        "under: hbm",
        "shocks.feed_lost.strikes",
        "node.power\n",
        "want a mode of a class that hangs on hbm",
    ),
    (
        "strikes: node.power",
        "strikes: §node.pover",
        "shocks.feed_lost.strikes",
        "",
        "did you mean 'node.power'",
    ),
    (
        "default: gpu_reset}",
        "default: §gpu_rset}",
        "repair.policy.start.default",
        "",
        "did you mean 'gpu_reset'",
    ),
    (
        ", default: gpu_reset}",
        "}",
        "repair.policy.start.default",
        "start: {gpu.xid",
        "got nothing, want this key",
    ),
    (
        "{gpu.xid: process",
        "{§gpu.xidd: process",
        "repair.policy.start.gpu.xidd",
        "",
        "did you mean 'gpu.xid'",
    ),
    (
        "link: reseat,",
        "link: §gpu_reset,",
        "repair.policy.start.link",
        "",
        "want a rung that applies to link",
    ),
    ("rung: rma}", "rung: §rmb}", "repair.policy.lemon.rung", "", "did you mean 'rma'"),
    (
        "after: [gpu_reset,",
        "after: [§gpu_reboot,",
        "repair.validation.after.0",
        "",
        "want a rung of the ladder",
    ),
    ("works: 0.98", "works: §0", "repair.ladder.rma.works", "", "want at least 0.001: it is the last rung for"),
    ("false_alarm: 2 %", "false_alarm: §100 %", "repair.validation.false_alarm", "", "no good node would return"),
    ("works: 0.98", "works: §9e-4", "repair.ladder.rma.works", "", "want at least 0.001: it is the last rung for"),
    (
        "takes_down: job,",
        "takes_down: operation,",
        "repair.ladder.process_restart",
        "process_restart: {t",
        "want it to be the first one",
    ),
    (
        "units: {hbm: gpu, psu: node}",
        "units: {hbm: gpu, psu: §gpu}",
        "repair.units.psu",
        "",
        "want a class that contains psu",
    ),
    ("    gpu: {stock", "    §gpux: {stock", "repair.parts.gpux", "", "did you mean 'gpu'"),
    (
        "applies_to: [link]",
        "applies_to: [link, §linc]",
        "repair.ladder.reseat.applies_to.1",
        "",
        "did you mean 'link'",
    ),
    (
        "  interruptions: {",
        "  §interruption: {",
        "published.interruption",
        "",
        "did you mean 'interruptions'",
    ),
    ("horizon: 60 d", "horizon: §101 y", "horizon", "", "want at most 100 years"),
    (
        "rate: 0.003 per GPU-day",
        "rate: 1 per s",
        "failures.gpu.xid",
        "xid:\n",
        "expected faults, want at most 5,000,000",
    ),
    (
        "{every: 6 d,",
        "{every: 1 ms,",
        "job.planned.release",
        "release:",
        "expected stops, want at most 5,000,000",
    ),
    (
        "values: [20 d, 90 d, 200 d, 400 d]}",
        "values: [20 d]}\n      start_age: §30 d",
        "failures.node.hangs.start_age",
        "",
        "want an age that some parts",
    ),
    (
        "    every: {kind: exponential, mean: 40 d}",
        "    every: 0",
        "shocks.feed_lost",
        "feed_lost:",
        "endlessly many expected",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "where", "anchor", "message"), FAULTS, ids=[f"{row[2]}-{row[1]}" for row in FAULTS]
)
def test_every_fault_is_named_at_its_place(old: str, new: str, where: str, anchor: str, message: str) -> None:
    assert FULL.count(old) == 1, old
    marked = FULL.replace(old, new) if not anchor else FULL.replace(old, new).replace(anchor, f"§{anchor}", 1)
    before = marked.partition("§")[0]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    problems = _problems(marked.replace("§", ""))
    assert where in problems, problems
    assert problems[where].startswith(f"f.yaml:{line}:{column}: {where}: ")
    assert re.search(message.replace("(", r"\(").replace(")", r"\)"), problems[where]), problems[where]


def test_all_faults_at_once_in_the_order_of_the_file() -> None:
    text = (
        FULL.replace("  gpus: 160", "  gpus: 161")
        .replace("under: rack", "under: rak")
        .replace("rung: rma}", "rung: x}")
    )
    with pytest.raises(InputError) as caught:
        loads(text)
    lines = [problem.line or 0 for problem in caught.value.problems]
    assert len(lines) >= 4
    assert lines == sorted(lines)


def test_no_word_of_the_library_reaches_the_user() -> None:
    jargon = (
        "Input should",
        "Value error",
        "validation",
        "pydantic",
        "tagged-union",
        "Field required",
        "extra_forbidden",
    )
    text = FULL
    for old, new, *_ in FAULTS[:20:2]:
        text = text.replace(old, new.replace("§", ""))
    with pytest.raises(InputError) as caught:
        loads(text)
    for problem in caught.value.problems:
        assert not [word for word in jargon if word in str(problem).replace("repair.validation", "")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got an empty file"),
        (b"# only\n", "got an empty file"),
        (b"[1]", "got a list of 1"),
        (b"a: \xff", "the byte 0xff"),
        (b"a" * 1_000_001, "more than 1,000,000 bytes"),
    ],
)
def test_files_that_are_no_scenario(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load(path)


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    for path, message in (
        (tmp_path, "a folder"),
        (Path("/dev/null"), "not a plain file"),
        (tmp_path / "tny.yaml", "tiny.yaml"),
    ):
        with pytest.raises(InputError, match=message):
            load(path)
    with pytest.raises(InputError):
        load(tmp_path / "a\x00b.yaml")


def test_a_large_scenario_loads_in_60_ms_of_cpu() -> None:
    mode = "{rate: 0.001 per node-day, symptoms: {crash: 1}, clears_at: {rma: 1},\n\n\n      source: assumed}"
    modes = "".join(f"    m{number}: {mode}\n" for number in range(80))
    text = TINY.replace("  node:\n", "  node:\n" + modes)
    assert text.count("\n") > 300
    loads(text)
    costs_s = []
    for _ in range(5):
        began_s = time.process_time()
        loads(text)
        costs_s.append(time.process_time() - began_s)
    assert min(costs_s) < 0.06


def test_catalogues_lie_where_extends_looks_for_them() -> None:
    assert LIBRARY.is_dir()


def test_a_way_through_a_block_that_is_not_there_lists_all_that_may_be() -> None:
    with pytest.raises(InputError, match=r"job: got 'spare', want one of .*work.*elastic.*did you mean 'spares'"):
        loads(TINY, overrides=["job.spare.nodes=1"])
    with pytest.raises(InputError, match=r"'elastic', want a block that is there \(.*job\.elastic=\{"):
        loads(TINY, overrides=["job.elastic.min_replicas=1"])
