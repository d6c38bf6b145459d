"""Commands that look inside a saved run, through the real executable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.saying import said
from tests.cli.within import refused

ROOT = Path(__file__).parents[2]
EXECUTABLE = Path(sys.executable).with_name("ras-sim")
FULL = ROOT / "tests" / "scenarios" / "full.yaml"
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "RAS_SIM_DEBUG"} | {
    "COLUMNS": "100",
    "NO_COLOR": "1",
    "PYTHONWARNINGS": "error",
}

pytestmark = [
    pytest.mark.slow,  # many starts of the command
    pytest.mark.skipif(not EXECUTABLE.exists(), reason="the package is not installed beside this Python"),
]


def ras_sim(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(EXECUTABLE), *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inside") / "run"
    ras_sim("run", FULL, "-n", "3", "--out", folder, "--workers", "1", "--quiet")
    return folder


def test_explain_tells_one_incident(saved: Path) -> None:
    done = ras_sim("explain", saved, "--incident", "9")
    assert done.stdout.startswith("node.hangs #")
    for part in ("goes down       node -> 8 gpu", "rungs walked", "strikes: hang", "lost GPU-hours"):
        assert part in done.stdout
    assert said(done) == ""


def test_explain_tells_the_worst_of_all_or_of_one_replication(saved: Path) -> None:
    every = json.loads(ras_sim("explain", saved, "--worst", "3", "--json").stdout)
    costs = [one["lost_gpu_h"] for one in every["stories"]]
    assert costs == sorted(costs, reverse=True)
    assert len(costs) == 3
    one = json.loads(ras_sim("explain", saved, "--worst", "2", "--replication", "1", "--json").stdout)
    assert {story["replication"] for story in one["stories"]} == {1}
    assert ras_sim("explain", saved).stdout.startswith("5 root causes, ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--incident", "99999"), "--incident: got 99999, want an incident of replication 0: 0 to "),
        (
            ("--incident", "1", "--replication", "7"),
            "--replication: got 7, want a replication of this run: 0 to 2",
        ),
        (("--incident", "1", "--worst", "2"), "got --incident 1 and --worst 2, want one of them"),
    ],
)
def test_explain_says_what_there_is(saved: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused("explain", saved, *arguments)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    assert "want a run directory" in refused("explain", tmp_path)
    assert "want a run directory" in refused("explain", tmp_path / "none")


def test_trace_is_written_whole(saved: Path, tmp_path: Path) -> None:
    out = tmp_path / "trace.json"
    done = ras_sim("trace", saved, "--replication", "2", "--out", out)
    assert done.stdout == ""
    assert "perfetto" in done.stderr
    made = json.loads(out.read_text())
    assert made["otherData"]["replication"] == 2
    assert {one["ph"] for one in made["traceEvents"]} == {"M", "X", "C"}
    assert list(tmp_path.iterdir()) == [out]


def test_trace_refuses_what_is_not_there(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "none" / "trace.json", tmp_path / "file" / "trace.json", tmp_path, "."):
        assert "want a file that can be written" in refused("trace", saved, "--out", out)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    said = refused("trace", saved, "--replication", "3")
    assert "want a replication of this run: 0 to 2" in said


def test_one_replication_alone_is_the_one_of_the_run(saved: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    ras_sim("run", FULL, "--replication", "2", "--out", alone, "--quiet")
    asked = ("--worst", "9", "--replication", "2", "--json")
    assert ras_sim("explain", alone, *asked).stdout == ras_sim("explain", saved, *asked).stdout
    assert json.loads((alone / "manifest.json").read_text())["finished"] == [2]
    ras_sim("run", FULL, "--replication", "-1", code=2)


def test_export_writes_a_log_that_other_tools_read(saved: Path, tmp_path: Path) -> None:
    out = tmp_path / "log.jsonl"
    assert ras_sim("export", saved, "--format", "goodput-log", "--out", out).stdout == ""
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert {one["job_name"] for one in lines} == {"full"}
    assert "job_start_time" in lines[0]
    assert "job_end_time" in lines[-1]


def test_export_names_the_formats_that_there_are(saved: Path) -> None:
    said = refused("export", saved, "--format", "goodputlog")
    assert "--format: got 'goodputlog', want one of goodput-log (did you mean 'goodput-log'?)" in said


def test_query_asks_the_tables_of_many_runs(saved: Path, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    other = tmp_path / "it's [another]*"
    ras_sim("run", FULL, "-n", "2", "--seed", "9", "--out", other, "--workers", "1", "--quiet")
    sql = "select run, count(*) n, avg(goodput) goodput from replications group by run order by n"
    asked = json.loads(ras_sim("query", other, saved, sql, "--json").stdout)
    assert asked["columns"] == ["run", "n", "goodput"]
    assert [row[:2] for row in asked["rows"]] == [[str(other), 2], [str(saved), 3]]
    manifest = json.loads(ras_sim("run", FULL, "-n", "2", "--seed", "9", "--json", "--workers", "1").stdout)
    assert asked["rows"][0][2] == pytest.approx(manifest["metrics"]["goodput"]["mean"])


def test_query_for_people_and_what_json_has_no_word_for(saved: Path) -> None:
    pytest.importorskip("duckdb")
    sql = "select rung, count(*) as tries from attempts group by rung order by tries desc"
    assert ras_sim("query", saved, sql).stdout.split()[:2] == ["rung", "tries"]
    nothing = "select 'NaN'::double, null, 1.5::decimal(3, 1), true"
    assert json.loads(ras_sim("query", saved, nothing, "--json").stdout)["rows"] == [[None, None, 1.5, True]]


@pytest.mark.parametrize("sql", ["selekt 1", "select nothing from replications", "select * from none"])
def test_query_that_cannot_be_answered(saved: Path, sql: str) -> None:
    pytest.importorskip("duckdb")
    assert "want a statement that DuckDB understands" in refused("query", saved, sql)
    assert "want a run directory" in refused("query", saved.parent, sql)
