"""Everything that ras_sim raises on purpose.

RasSimError
├── InputError        what the user wrote cannot be used: carries every problem found, each with its place
├── ModelError        the model reached a state that must not exist: a bug of the model, not of the input
└── LostWorkersError  the processes or machines that did the work are gone: neither input nor model is to blame
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input, and where it stands.

    Args:
        file: name of the file, or "" if the value came from elsewhere (a command line).
        line: line number from 1, or None if unknown.
        column: column number from 1, or None if unknown.
        where: dotted path of the key, or "".
        got: what was found, as the user wrote it.
        wanted: what would have been good.
        hint: one more sentence that may help, or "".

    >>> print(Problem("llama3.yaml", 31, 9, "failures.hbm.due.rate", "-1", "> 0"))
    llama3.yaml:31:9: failures.hbm.due.rate: got -1, want > 0
    """

    file: str
    line: int | None
    column: int | None
    where: str
    got: str
    wanted: str
    hint: str = ""

    def __str__(self) -> str:
        numbers = (
            [self.line, self.column] if self.line is not None else []
        )  # a column means nothing without its line
        place = ":".join([part for part in (self.file, *map(_text, numbers)) if part])
        faults = [f"{verb} {text}" for verb, text in (("got", self.got), ("want", self.wanted)) if text]
        message = ": ".join(part for part in (place, self.where, ", ".join(faults)) if part)
        return f"{message} ({self.hint})" if self.hint else message


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


class RasSimError(Exception):
    """Base of every error that ras_sim raises on purpose."""


class InputError(RasSimError):
    """What the user wrote cannot be used.

    Args:
        problems: everything that is wrong, at least one; its text is one line for each.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class ModelError(RasSimError):
    """The model reached a state that must not exist.

    Args:
        message: what is impossible about it.
        time_h: simulated time in hours.
        component: the part concerned, e.g. ``"gpu:17"``.
    """

    def __init__(self, message: str, time_h: float, component: str) -> None:
        self.message = message
        self.time_h = time_h
        self.component = component
        super().__init__(message, time_h, component)

    def __str__(self) -> str:
        return f"{self.message} (at {self.time_h:.6g} h, {self.component})"


class LostWorkersError(RasSimError):
    """The processes or machines that did the work are gone before it was finished.

    Args:
        reason: what became of them.
        n_left: pieces of work that were not finished.
    """

    def __init__(self, reason: str, n_left: int) -> None:
        self.reason = reason
        self.n_left = n_left
        super().__init__(reason, n_left)

    def __str__(self) -> str:
        pieces = "1 piece" if self.n_left == 1 else f"{self.n_left} pieces"
        return f"{self.reason}; {pieces} of work left"


def nearest(word: str, candidates: Iterable[str]) -> str:
    """Return a hint that names the candidate nearest to a misspelt word, "" if none is near.

    Args:
        word: what the user wrote.
        candidates: what would have been understood.

    >>> nearest("wiebull", ["weibull", "gamma"])
    "did you mean 'weibull'?"
    """
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    matches = get_close_matches(word.lower(), by_lower, n=1)
    return f"did you mean '{by_lower[matches[0]]}'?" if matches else ""
