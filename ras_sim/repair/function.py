"""A policy as a Python function: its text, what that may not do, and what it answers to a case.

The text is kept and executed, never an imported module: every process needs nothing but the scenario, and its hash tells one
policy from another. It is executed anew for each replication, so a note that it takes in a global begins empty.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FrameType, TracebackType

from ras_sim.errors import InputError, Problem, nearest
from ras_sim.repair.case import Case

MODULES = (
    "__future__", "bisect", "collections", "dataclasses", "enum", "functools", "heapq", "itertools", "math", "operator",
    "re", "statistics", "string", "types", "typing", "ras_sim.repair.case",
)  # fmt: skip
"""What a policy may import: nothing that rolls dice, reads a clock or a file, and no text that is not kept with the run."""

Function = Callable[[Case], object]


@dataclass(frozen=True, slots=True)
class PolicyFunction:
    """A function and the text of its module.

    Args:
        name: as in the scenario, "module:function".
        code: the text.
    """

    name: str
    code: str

    @property
    def file(self) -> str:
        """What messages call its file."""
        return self.name.partition(":")[0].replace(".", "/") + ".py"

    def problem(self) -> Problem | None:
        """Why the text gives no function that can be asked; None if it does. Executes it."""
        try:
            _check_imports(self)
            self.fresh()
        except InputError as error:
            return error.problems[0]
        return None

    def fresh(self) -> Function:
        """The function, of a module that was executed just now.

        Raises:
            InputError: where in the text it fails, or that there is no such function.
        """
        name = self.name.partition(":")[2]
        # Dataclasses look for the module of a class among those that were imported: this one stands in for it.
        names: dict[str, object] = {"__name__": __name__, "__file__": self.file}
        try:
            exec(_compiled(self.file, self.code), names)
        except (Exception, SystemExit) as error:
            raise InputError([_failure(self.file, error, name, "a module that can be executed")]) from None
        found = names.get(name)
        if not callable(found):
            wanted = f"a function {name}(case)"
            known = [key for key, value in names.items() if callable(value) and not key.startswith("_")]
            got = "nothing of that name" if found is None else f"a value of type {type(found).__name__}"
            raise InputError([Problem(self.file, None, None, name, got, wanted, nearest(name, known))])
        _check_signature(self.file, name, found)
        return found

    def answer(self, function: Function, case: Case, incident: Callable[[], str]) -> str | None:
        """What the function says: the name of a rung that applies, or None for the proposal.

        Args:
            function: from `fresh`.
            case: what it is asked about.
            incident: gives words for messages: which incident, where, when.

        Raises:
            InputError: it failed, or gave no such name.
        """
        failure: BaseException | None = None
        try:
            found = function(case)
        except (Exception, SystemExit) as error:
            found, failure = error, error
        if found is None or (isinstance(found, str) and any(found == step.name for step in case.ladder)):
            return found
        name, rungs = self.name.partition(":")[2], [step.name for step in case.ladder]
        wanted = f"a rung that applies to {case.component_class} ({', '.join(rungs)}) or None"
        if failure is not None:
            raise InputError([_failure(self.file, failure, name, wanted, incident())])
        got = repr(found[:80]) if isinstance(found, str) else f"a value of type {type(found).__name__}"
        hint = nearest(found, rungs) if isinstance(found, str) else ""
        hint = f"{hint}; {incident()}" if hint else incident()
        raise InputError([Problem(self.file, _line_of(function), None, name, got, wanted, hint)])


@lru_cache(maxsize=16)
def _compiled(file: str, code: str) -> CodeType:
    """The text as code; a pure function of it."""
    return compile(code, file, "exec", dont_inherit=True)


def _check_imports(function: PolicyFunction) -> None:
    """Refuse imports of what is not kept with a run, or would make it another one each time."""
    try:
        tree = ast.parse(function.code, function.file)
    except (SyntaxError, ValueError, RecursionError):
        return  # `fresh` says it better
    for node in ast.walk(tree):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [("." * node.level) + (node.module or "")]
        for name in names:
            if not any(name == one or name.startswith(f"{one}.") for one in MODULES):
                hint = "a run keeps the text of this one file, and must give the same result again"
                wanted = f"imports of {', '.join(MODULES)} only"
                where = getattr(node, "lineno", None)
                raise InputError([Problem(function.file, where, None, "import", repr(name), wanted, hint)])


def _check_signature(file: str, name: str, function: Callable[..., object]) -> None:
    """Refuse what cannot be called with one case."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # it does not say
    try:
        signature.bind(None)
    except TypeError:
        problem = Problem(file, _line_of(function), None, name, f"{name}{signature}", f"{name}(case)")
        raise InputError([problem]) from None


def _failure(file: str, error: BaseException, where: str, wanted: str, hint: str = "") -> Problem:
    """What went wrong in the text, and on which line of it."""
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == file else None
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    got = f"{type(error).__name__}: {' '.join(text.split())[:200]}".removesuffix(": ")
    return Problem(file, line or _last_line(error.__traceback__, file), None, where, got, wanted, hint)


def _last_line(trace: TracebackType | None, file: str) -> int | None:
    """The last line of a file that a traceback went through."""
    line = None
    while trace is not None:
        frame: FrameType = trace.tb_frame
        if frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _line_of(function: Callable[..., object]) -> int | None:
    """Where a function begins, if it says so."""
    code = getattr(function, "__code__", None)
    return code.co_firstlineno if isinstance(code, CodeType) else None
