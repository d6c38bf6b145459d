"""How commands end when something is wrong with ras-sim itself; and the progress of long runs."""

from __future__ import annotations

import pytest

from ras_sim.cli import guard, progress
from ras_sim.cli.guard import BAD_INPUT, DEFECT, GOOD, INTERRUPTED, guarded
from ras_sim.errors import InputError, ModelError, Problem


def _code(error: BaseException | None) -> int:
    def command() -> int:
        if error is not None:
            raise error
        return GOOD

    with pytest.raises(SystemExit) as ended:
        guarded(command)()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (None, GOOD, ""),
        (InputError([Problem("f", 1, 2, "a.b", "3", "4")]), BAD_INPUT, "f:1:2: a.b: got 3, want 4"),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted"),
        (RuntimeError("Error building a validator:\n  KeyboardInterrupt: "), INTERRUPTED, "interrupted"),
        (ModelError("two states", 3.0, "gpu:1"), DEFECT, "ModelError: two states (at 3 h, gpu:1)"),
        (ZeroDivisionError("division by zero"), DEFECT, "ZeroDivisionError: division by zero"),
    ],
)
def test_every_end_has_its_code_and_no_traceback(
    error: BaseException | None,
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RAS_SIM_DEBUG", raising=False)
    assert _code(error) == code
    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    if code == DEFECT:
        assert "please report" in shown.err


def test_debug_shows_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAS_SIM_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        guarded(lambda: 1 // 0)()


def test_control_characters_are_escaped() -> None:
    assert guard.printable("a\x1b]0;x\x07\nb\u202ec") == "a\\x1b]0;x\\x07\nb\\u202ec"


class _Clock:
    """Time that passes as it is told."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("quiet", "lines"), [(False, ["3 of 9 replications", "5 of 9 replications"]), (True, [])]
)
def test_progress_without_a_terminal_is_now_and_then_a_line(
    quiet: bool, lines: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = _Clock()
    monkeypatch.setattr(progress, "time", clock)
    with progress.Progress(quiet=quiet) as shown:
        for finished, now_s in ((1, 0.5), (2, 1.9), (3, 2.5), (4, 9.0), (5, 14.0)):
            clock.now_s = now_s
            shown(finished, 9)
    assert capsys.readouterr().err.splitlines() == lines


def test_progress_on_a_terminal_is_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = _Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress.Progress(quiet=False) as shown:
        clock.now_s = 3.0
        shown(3, 9)
    written = capsys.readouterr()
    assert "3/9" in written.err
    assert written.out == ""
