"""What a command says on its error stream, besides how far it has come: a busy machine makes any run a long one."""

from __future__ import annotations

import re
import subprocess

_PROGRESS = re.compile(r"\d[\d,]* of \d[\d,]* ")


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The error stream without its lines of progress."""
    lines = done.stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not _PROGRESS.match(line))
