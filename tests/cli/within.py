"""The command line within this process: a start of the real executable costs more than most of what it then does."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from ras_sim.cli import main


def called(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What the command prints and its exit code, as of the executable; for what ends before anything runs."""
    out, errors = io.StringIO(), io.StringIO()
    texts = [str(one) for one in arguments]
    with _as_a_program(texts), redirect_stdout(out), redirect_stderr(errors), pytest.raises(SystemExit) as ended:
        main()
    return subprocess.CompletedProcess(texts, int(ended.value.code or 0), out.getvalue(), errors.getvalue())


def refused(*arguments: object) -> str:
    """What is said where the command ends with 2 and prints nothing else."""
    done = called(*map(str, arguments))
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@contextmanager
def _as_a_program(arguments: list[str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["ras-sim", *arguments])
        patch.setenv("COLUMNS", "100")
        patch.setenv("NO_COLOR", "1")
        patch.delenv("RAS_SIM_DEBUG", raising=False)
        yield
