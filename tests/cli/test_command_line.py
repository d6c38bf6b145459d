"""The command line through the real executable: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ras_sim import __version__
from ras_sim.experiment import rundir
from tests.cli.saying import said
from tests.cli.within import called, refused

ROOT = Path(__file__).parents[2]
EXECUTABLE = Path(sys.executable).with_name("ras-sim")
TINY = ROOT / "tests" / "scenarios" / "tiny.yaml"
FULL = ROOT / "tests" / "scenarios" / "full.yaml"
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "RAS_SIM_DEBUG"} | {
    "COLUMNS": "100",
    "NO_COLOR": "1",
}

pytestmark = pytest.mark.skipif(
    not EXECUTABLE.exists(), reason="the package is not installed beside this Python"
)


def _ras_sim(*arguments: str | Path, code: int = 0, debug: bool = False) -> subprocess.CompletedProcess[str]:
    environment = ENVIRONMENT | ({"RAS_SIM_DEBUG": "1"} if debug else {})
    done = subprocess.run(
        [str(EXECUTABLE), *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    if not debug:
        assert "Traceback" not in done.stderr
    return done


def test_help_costs_less_than_half_a_second_of_cpu() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "Simulate" in _ras_sim("--help").stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_version() -> None:
    assert _ras_sim("--version").stdout.strip() == f"ras-sim {__version__}"


def test_summary_for_people() -> None:
    done = _ras_sim("run", TINY, "--replications", "2", "--horizon", "5 d", "--workers", "1")
    assert "Goodput" in done.stdout
    assert "5 d" in done.stdout
    assert said(done) == ""


def test_json_is_one_object_alone_and_the_seed_decides() -> None:
    done = _ras_sim("run", TINY, "--json", "--seed", "7", "--set", "job.spares.nodes=2", "--workers", "2")
    result = json.loads(done.stdout)
    assert result["scenario"] == "tiny"
    assert (result["schema"], result["seed"], result["replications"]) == (1, 7, 8)
    assert done.stdout.count("\n") == 1
    assert said(done) == ""
    again = json.loads(
        _ras_sim("run", TINY, "--json", "--seed", "7", "--set", "job.spares.nodes=2", "--workers", "1").stdout
    )
    assert {**result, "wall_s": 0} == {**again, "wall_s": 0}


def test_run_directory(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = _ras_sim("run", TINY, "--quiet", "--out", out)
    assert done.stdout == said(done) == ""
    assert {
        "manifest.json",
        "replications.parquet",
        "incidents.parquet",
        "job.parquet",
        "report.html",
        "summary.md",
    } <= {path.name for path in out.iterdir()}
    assert rundir.read(out).manifest["scenario"] == "tiny"
    _ras_sim("run", TINY, "--quiet", "--out", TINY, code=2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        ("run",),
        ("run", TINY, "--sed", "3"),
        ("run", TINY, "--seed", "x"),
        ("run", TINY, "--replications", "0"),
        ("run", TINY, "--workers", "0"),
        ("run", TINY, "--horizon", "3 parsec"),
        ("run", TINY, "--set", "job.gpuss=3"),
        ("run", ROOT / "missing.yaml"),
        ("run", ROOT),
        ("show", TINY, "--class", "gpu"),
        ("show", TINY, "--blast", "node:40"),
        ("show", TINY, "--blast", "node:1:crush"),
        ("show", FULL, "--graph", "/nowhere/x.svg", "--blast", "gpu:1", "--hops", "1"),
        ("show", FULL, "--graph", "x.pdf", "--blast", "gpu:1"),
        ("show", FULL, "--graph", "x.svg"),
    ],
    ids=lambda arguments: " ".join(Path(str(one)).name for one in arguments),
)
def test_bad_input_ends_with_2_and_a_message(arguments: Sequence[str | Path]) -> None:
    assert refused(*arguments)


def test_bad_input_ends_the_real_executable_in_the_same_way() -> None:
    for arguments in (("run", TINY, "--seed", "x"), ("run", TINY, "--set", "job.gpuss=3")):
        there, here = _ras_sim(*arguments, code=2), called(*arguments)
        assert (there.stdout, there.stderr) == (here.stdout, here.stderr)


def test_validate_goes_on_after_a_bad_file(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(TINY.read_text().replace("gpus: 32", "gpus: -32").replace("clears_at", "clear_at"))
    done = _ras_sim("validate", bad, TINY, code=2)
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
        "job.gpus",
        "failures.node.crash.clears_at",
        "failures.node.crash.clear_at",
    ]
    assert done.stderr.startswith(f"{bad}:6:9: job.gpus: got -32, want >= 1\n")
    assert done.stdout.startswith(f"{TINY}: good: tiny")


def test_what_could_steer_a_terminal_is_shown(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text('"\\e[31mred": 1\n"[bold]": 2\n')
    done = _ras_sim("validate", bad, code=2)
    assert "\x1b" not in done.stderr
    assert "[bold]" in done.stderr


def test_show_states_counts_rates_and_what_they_mean() -> None:
    shown = _ras_sim("show", TINY).stdout
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line.strip()}
    # 40 nodes at 0.02 a day: 0.8 a day, one in 30 h; all of them stop the job.
    assert rows["node"][:3] == ["node", "40", "0.8"]
    assert "30 h" in shown
    assert "long-run" in shown
    assert "32 GPUs on 32 nodes" in shown


def test_show_class_blast_and_graph(tmp_path: Path) -> None:
    picture = tmp_path / "gpu.svg"
    shown = _ras_sim(
        "show", FULL, "--class", "gpu", "--blast", "gpu:17:xid", "--graph", picture, "--hops", "1"
    ).stdout
    assert "xid" in shown
    assert "gpu:17 (xid) in node:2" in shown
    assert "gpu:17 -> hbm: 85..89  (gpu_contains_hbm)" in shown
    assert "gpu_shares_memory_gpu, with probability 0.05" in shown
    assert picture.read_text().startswith("<svg")


def test_parts_that_hang_on_many_others_take_one_line_an_edge() -> None:
    shown = _ras_sim("show", ROOT / "scenarios" / "quickstart.yaml", "--blast", "leaf:0").stdout
    why = shown.partition("why:\n")[2].splitlines()
    assert why[0].startswith("  leaf:0 -> link: 0, 8, 16, ")
    assert sorted(line.rpartition("(")[2] for line in why) == sorted(
        [
            "leaf_connects_link)",
            "link_connects_nic)",
            "nic_connects_gpu)",
            "gpu_contains_hbm)",
            "gpu_contains_nvlink)",
        ]
    )


def test_schema_is_the_one_in_the_documentation() -> None:
    assert json.loads(_ras_sim("schema").stdout) == json.loads(
        (ROOT / "docs" / "scenario.schema.json").read_text()
    )


def test_broken_pipe_is_quiet() -> None:
    for arguments in (["schema"], ["show", str(FULL)]):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [str(EXECUTABLE), *arguments], stdout=writer, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (141, b"")


def _wait_for(condition: object, process: subprocess.Popen[str]) -> None:
    deadline_s = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_leaves_what_was_finished_and_the_same_command_goes_on(tmp_path: Path, workers: str) -> None:
    out, wanted = tmp_path / "run", 4000
    command = [str(EXECUTABLE), "run", str(TINY), "-n", str(wanted), "--workers", workers, "--out", str(out)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    assert process.stderr is not None
    # The first line of progress comes once replications have been running for two seconds.
    assert "replications" in process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "interrupted: " in errors
    assert "Goodput" in output
    finished = rundir.read(out).manifest["finished"]
    assert 0 < len(finished) < wanted
    again = _ras_sim("run", TINY, "-n", str(len(finished) + 1), "--out", out, "--json")
    assert f"; {len(finished)} of the replications were there already" in again.stderr
    assert json.loads(again.stdout)["replications"] == len(finished) + 1
