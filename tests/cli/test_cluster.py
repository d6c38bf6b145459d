"""`--cluster`: against a real scheduler and real workers, the same bytes as alone; what goes wrong is said clearly."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ras_sim.experiment.journal import Journal
from ras_sim.experiment.rows import unpack
from tests.cli.dask_cluster import OTHER_VERSION, ROOT, WITHOUT_RAS_SIM, LocalCluster, local_cluster
from tests.cli.killing import ENVIRONMENT, TINY

EXECUTABLE = Path(sys.executable).with_name("ras-sim")

pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,  # a scheduler, workers, and many starts of the command
    pytest.mark.skipif(not EXECUTABLE.exists(), reason="the package is not installed beside this Python"),
]

SWEEP = ("--vary", "job.checkpoints.remote.interval=15 min,1 h", "--vary", "job.spares.nodes=2,4")
RANGES = ("--vary", "job.checkpoints.remote.interval=15 min..4 h", "--vary", "detection.crash=30 s..1 h")
COMMANDS = {
    "run": ("run", TINY, "-n", "9"),
    "compare": ("compare", TINY, "--set-b", "job.spares.nodes=0", "-n", "5"),
    "sweep": ("sweep", TINY, *SWEEP, "-n", "3"),
    "importance": ("importance", TINY, "-n", "3"),
    "tornado": ("sensitivity", TINY, *RANGES, "-n", "2"),
    "morris": ("sensitivity", TINY, *RANGES, "--method", "morris", "--trajectories", "4", "-n", "2"),
    "optimize": ("optimize", TINY, *RANGES, "--trials", "5", "--fresh", "3", "-n", "2"),
    "policy": ("run", ROOT / "scenarios" / "policies" / "repeat_offenders.yaml", "--allow-code", "-n", "5"),
}


def ras_sim(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(EXECUTABLE), *map(str, arguments)],
        capture_output=True, check=False, text=True, env={**ENVIRONMENT, "PYTHONWARNINGS": "error"}, timeout=180,
    )  # fmt: skip
    assert done.returncode == code, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    assert " - distributed." not in done.stderr, "Dask's own log"
    return done


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    with local_cluster(tmp_path_factory.mktemp("cluster"), n_workers=2) as found:
        yield found


def results(folder: Path) -> dict[str, object]:
    """Tables and scenarios byte for byte, JSON without the time that it took."""
    files = [path for kind in ("parquet", "yaml") for path in folder.rglob(f"*.{kind}")]
    found: dict[str, object] = {str(path.name): path.read_bytes() for path in files}
    for path in folder.glob("*.json"):
        if path.name != "manifest.json":
            found[path.name] = {**json.loads(path.read_text()), "wall_s": 0}
    assert found
    return found


@pytest.mark.parametrize("command", list(COMMANDS))
def test_the_same_bytes_from_one_process_two_and_a_cluster(tmp_path: Path, cluster: LocalCluster, command: str) -> None:
    ways = {"1": ("--workers", "1"), "2": ("--workers", "2"), "dask": ("--cluster", cluster.address)}
    for name, way in ways.items():
        ras_sim(*COMMANDS[command], *way, "--out", tmp_path / name)
    assert results(tmp_path / "1") == results(tmp_path / "2") == results(tmp_path / "dask")


def test_check_on_a_cluster(tmp_path: Path, cluster: LocalCluster) -> None:
    held = tmp_path / "held.yaml"
    held.write_text(TINY.read_text() + "\nexpect:\n  goodput: {at_least: 1 %}\n")
    ways = (("--workers", "1"), ("--cluster", cluster.address))
    made = [json.loads(ras_sim("check", held, *way, "--json").stdout) for way in ways]
    for one in made:
        one["checks"][0]["wall_s"] = 0
    assert made[0] == made[1]


def test_both_workers_work_and_the_results_say_nothing_of_it(tmp_path: Path, cluster: LocalCluster) -> None:
    found = ras_sim(*COMMANDS["run"], "--cluster", cluster.address, "--out", tmp_path / "run")
    assert f"{cluster.address}: 2 workers" in found.stderr
    assert "Goodput" in found.stdout


def test_with_certificates(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    tls, other = tmp_path / "tls", tmp_path / "other"
    for folder in (tls, other):
        make_certificates(folder)
    with local_cluster(tmp_path, n_workers=1, tls=tls) as cluster:
        assert cluster.address.startswith("tls://")
        way = ("--cluster", cluster.address)
        ras_sim(*COMMANDS["run"], *way, "--cluster-tls", tls, "--out", tmp_path / "dask")
        refused = ras_sim(*COMMANDS["run"], *way, "--cluster-tls", other, code=2)
        assert f"--cluster: got {cluster.address}, where no scheduler answers" in refused.stderr
        lacking = ras_sim(*COMMANDS["run"], *way, "--cluster-tls", tmp_path, code=2)
        assert "ca.pem: --cluster-tls: got nothing there" in lacking.stderr
        bare = ras_sim(*COMMANDS["run"], *way, code=2)
        assert f"--cluster: got {cluster.address} and no certificates, want --cluster-tls DIR" in bare.stderr
        assert "Traceback" not in bare.stderr + refused.stderr
    ras_sim(*COMMANDS["run"], "--workers", "1", "--out", tmp_path / "alone")
    assert results(tmp_path / "alone") == results(tmp_path / "dask")


def make_certificates(folder: Path) -> None:
    """A certificate that vouches for itself."""
    folder.mkdir()
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=ras-sim"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    shutil.copy(folder / "cert.pem", folder / "ca.pem")


def test_no_scheduler_there() -> None:
    refused = ras_sim(*COMMANDS["run"], "--cluster", "tcp://127.0.0.1:9", code=2)
    assert "--cluster: got tcp://127.0.0.1:9, where no scheduler answers" in refused.stderr


def slow_command(folder: Path, address: str) -> subprocess.Popen[str]:
    """A run that takes a while, in a folder."""
    arguments = ["run", ROOT / "scenarios" / "quickstart.yaml", "-n", "600", "-q", "--cluster", address, "--out", folder]
    return subprocess.Popen(
        [str(EXECUTABLE), *map(str, arguments)], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )


def wait_for_records(folder: Path, process: subprocess.Popen[str]) -> int:
    """Wait until something is finished; returns the bytes of the journal."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < 60 and process.poll() is None:
        sizes = [path.stat().st_size for path in folder.glob("*.journal")]
        if sizes and sizes[0] > 100_000:
            return sizes[0]
        time.sleep(0.01)
    raise AssertionError(process.communicate()[1])


def test_a_worker_that_is_killed_is_made_up_for(tmp_path: Path) -> None:
    with local_cluster(tmp_path, n_workers=2) as cluster, slow_command(tmp_path / "run", cluster.address) as process:
        wait_for_records(tmp_path / "run", process)
        cluster.workers[0].kill()
        errors = process.communicate(timeout=120)[1]
        assert (process.returncode, errors) == (0, "")
    scenario = ROOT / "scenarios" / "quickstart.yaml"
    ras_sim("run", scenario, "-n", "600", "-q", "--workers", "2", "--out", tmp_path / "alone")
    assert results(tmp_path / "alone") == results(tmp_path / "run")


def test_a_scheduler_that_goes_away_loses_nothing_finished(tmp_path: Path) -> None:
    with local_cluster(tmp_path, n_workers=2) as cluster, slow_command(tmp_path / "run", cluster.address) as process:
        wait_for_records(tmp_path / "run", process)
        cluster.scheduler.kill()
        errors = process.communicate(timeout=120)[1]
        assert process.returncode == 75, errors
        assert f"{cluster.address}: the scheduler is gone; " in errors
        assert "pieces of work left" in errors
        assert "Traceback" not in errors
    (journal,) = (tmp_path / "run").glob("*.journal")
    n_kept = sum(unpack(record).replication < 40 for record in Journal(journal).records)
    assert n_kept > 0
    scenario = ROOT / "scenarios" / "quickstart.yaml"
    again = ras_sim("run", scenario, "-n", "40", "--workers", "1", "--out", tmp_path / "run")
    assert f"; {n_kept} of the replications were there already" in again.stderr


@pytest.mark.parametrize(
    ("before", "message"),
    [(OTHER_VERSION, " with ras_sim 0.0.1 ("), (WITHOUT_RAS_SIM, " without ras_sim, tcp://")],
)
def test_a_worker_with_another_ras_sim_or_none_is_refused(tmp_path: Path, before: str, message: str) -> None:
    with local_cluster(tmp_path, n_workers=0) as cluster:
        cluster.add_worker(before)
        cluster.wait_for_workers(1)
        refused = ras_sim(*COMMANDS["run"], "--cluster", cluster.address, code=2)
        assert f"--cluster: got a worker of {cluster.address}{message}" in refused.stderr
