"""A real Dask scheduler with worker processes on the loopback device of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
WITHOUT_RAS_SIM = "import sys; sys.modules['ras_sim'] = None"
OTHER_VERSION = "import ras_sim; ras_sim.__version__ = '0.0.1'"


class LocalCluster:
    """Processes of a cluster, and its address."""

    def __init__(self, scheduler: subprocess.Popen[bytes], address: str, options: Sequence[str], logs: Path) -> None:
        self.scheduler, self.address = scheduler, address
        self.workers: list[subprocess.Popen[bytes]] = []
        self._options, self._logs = options, logs

    def add_worker(self, before: str = "") -> None:
        """Start a worker process of one thread.

        Args:
            before: Python that it runs first.
        """
        options = [*self._options, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        log = self._logs / f"worker{len(self.workers)}.log"
        self.workers.append(_started("dask_worker", [self.address, *options], log, before))

    def wait_for_workers(self, n: int) -> None:
        """Wait until the scheduler knows so many."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(n, timeout=60)


def _started(program: str, options: Sequence[str], log: Path, before: str = "") -> subprocess.Popen[bytes]:
    code = f"import sys\n{before}\nfrom distributed.cli.{program} import main\nsys.exit(main())"
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code, *options],
            env={**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__WORKER__DEATH_TIMEOUT": "60"},
            cwd=log.parent,
            stdout=file,
            stderr=file,
        )


@contextmanager
def local_cluster(folder: Path, n_workers: int, tls: Path | None = None) -> Iterator[LocalCluster]:
    """A scheduler on a free port with so many workers; every process is ended at the end."""
    file, secure = folder / "scheduler.json", []
    if tls is not None:
        names = {"--tls-ca-file": "ca.pem", "--tls-cert": "cert.pem", "--tls-key": "key.pem"}
        secure = [text for option, name in names.items() for text in (option, str(tls / name))]
    protocol = [] if tls is None else ["--protocol", "tls"]
    options = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)]
    options += ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    with ExitStack() as stack:
        scheduler = _started("dask_scheduler", [*options, *protocol, *secure], folder / "scheduler.log")
        stack.callback(_end, scheduler)
        address = _address(file, scheduler, folder / "scheduler.log")
        cluster = LocalCluster(scheduler, address, secure, folder)
        stack.callback(lambda: [_end(worker) for worker in cluster.workers])
        for _ in range(n_workers):
            cluster.add_worker()
        yield cluster


def _address(file: Path, scheduler: subprocess.Popen[bytes], log: Path) -> str:
    began_s = time.monotonic()
    while time.monotonic() - began_s < 60 and scheduler.poll() is None:
        try:
            return str(json.loads(file.read_text())["address"])
        except (FileNotFoundError, ValueError):
            time.sleep(0.05)
    raise AssertionError(log.read_text())


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
