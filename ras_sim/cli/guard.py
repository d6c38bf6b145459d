"""How every command ends: with an exit code and, whatever was wrong, without a traceback.

0    good
1    an expectation failed, or a goodput regressed
2    bad input or usage
70   a defect of ras-sim (EX_SOFTWARE of sysexits.h); RAS_SIM_DEBUG=1 shows where
75   the processes or machines that did the work are gone (EX_TEMPFAIL); with --out the same command goes on
130  stopped with Ctrl-C (128 + SIGINT)
141  whoever read the output has gone (128 + SIGPIPE)
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

from ras_sim.errors import InputError, LostWorkersError

GOOD = 0
FAILED = 1
BAD_INPUT = 2
DEFECT = 70
LOST_WORKERS = 75
INTERRUPTED = 130
BROKEN_PIPE = 141

P = ParamSpec("P")


def guarded(command: Callable[P, int]) -> Callable[P, None]:
    """A command that ends the program with the code it returns, and turns what it raises into a message."""

    @functools.wraps(command)
    def ending(*args: P.args, **kwargs: P.kwargs) -> None:
        sys.exit(_code_of(functools.partial(command, *args, **kwargs)))

    return ending


def _code_of(command: Callable[[], int]) -> int:
    try:
        code = command()
        sys.stdout.flush()
        return code
    except InputError as error:
        say(str(error))
        return BAD_INPUT
    except LostWorkersError as error:
        say(str(error))
        say("with --out, what was finished is kept, and the same command goes on from there")
        return LOST_WORKERS
    except BrokenPipeError:
        # The interpreter flushes once more at its end, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except Exception as error:
        if "KeyboardInterrupt" in str(error):  # pydantic, stopped while it builds a class, raises an error of its own
            say("interrupted")
            return INTERRUPTED
        if os.environ.get("RAS_SIM_DEBUG") == "1":
            raise
        say(f"this is a defect of ras-sim, please report it: {type(error).__name__}: {error}")
        say("(RAS_SIM_DEBUG=1 shows where it happened)")
        return DEFECT


def say(text: str) -> None:
    """Write to the error stream; what could steer a terminal is shown, not sent."""
    print(printable(text), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """The text with every control character but the line feed as an escape.

    >>> printable("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return "".join(
        char if char == "\n" or char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )
