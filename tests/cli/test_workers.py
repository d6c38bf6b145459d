"""Who does the work, as options say it: what cannot be is refused before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ras_sim.cli.workers import chosen
from ras_sim.errors import InputError
from ras_sim.experiment.executors import Cluster, spread


def test_processes_are_passed_on() -> None:
    assert chosen(None, None, None, quiet=True) is None
    assert chosen(3, None, None, quiet=True) == 3


@pytest.mark.parametrize(
    ("workers", "address", "tls", "message"),
    [
        (2, "tcp://a:1", None, "--workers: got --cluster beside it, want one of them"),
        (None, None, Path("tls"), "--cluster-tls: got no --cluster"),
        (None, "scheduler", None, "--cluster: got 'scheduler', want PROTOCOL://HOST:PORT"),
        (None, "tcp://scheduler", None, "--cluster: got 'tcp://scheduler', want PROTOCOL://HOST:PORT"),
        (None, "http://scheduler:1", None, "want PROTOCOL://HOST:PORT, e.g. tcp://scheduler:8786"),
        (None, "tls://a:1", Path("nowhere"), "ca.pem: --cluster-tls: got nothing there, want ca.pem cert.pem key.pem"),
    ],
)
def test_what_cannot_be(workers: int | None, address: str | None, tls: Path | None, message: str) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(InputError) as caught:
        chosen(workers, address, tls, quiet=True)
    assert message in str(caught.value)


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"--cluster: got no Dask, .*pip install 'ras-sim\[cluster\]'"):
        list(spread(abs, [(1,)], Cluster("tcp://a:1")))
