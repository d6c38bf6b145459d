"""A scenario that names a Python function: refused unless that is allowed, its text kept, mistakes told with their place."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from ras_sim.engine import simulate
from ras_sim.errors import InputError
from ras_sim.repair.function import MODULES
from ras_sim.scenario.load import load, loads
from ras_sim.scenario.model import Scenario
from tests.policies import asking
from tests.small import ladder, mode, per_h, rung, small

TINY = (Path(__file__).parents[1] / "scenarios" / "tiny.yaml").read_text(encoding="utf-8")
GOOD = "def choose(case):\n    return None\n"


def scenario(folder: Path, code: str | None = GOOD, name: str = "mine:choose") -> Path:
    """A scenario that extends another one and names a function, with its module beside it."""
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    path = folder / "top.yaml"
    path.write_text(f"extends: tiny.yaml\nname: top\nrepair:\n  policy:\n    function: {name}\n", encoding="utf-8")
    if code is not None:
        (folder / "mine.py").write_text(code, encoding="utf-8")
    return path


def wrong(path: Path, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        load(path, overrides, allow_code=True)
    return str(caught.value).replace(str(path.parent), "DIR")


# ---------------------------------------------------------------------- only for who allows it


def test_without_leave_it_is_refused_and_nothing_is_read_or_run(tmp_path: Path) -> None:
    path = scenario(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w').close()\n{GOOD}")
    with pytest.raises(InputError) as caught:
        load(path, ["job.gpus=x"])
    second, first = caught.value.problems
    told = "repair.policy.function: got Python code, 'mine:choose', want leave to run it"
    assert str(first).startswith(f"{path}:5:15: {told}")
    assert "--allow-code" in first.hint
    assert "allow_code=True" in first.hint
    assert second.where == "job.gpus", "all that is wrong is told at once"
    assert not (tmp_path / "ran").exists()
    load(path, allow_code=True)
    assert (tmp_path / "ran").exists(), "the test has eyes"


def test_a_text_that_has_its_code_in_it_is_refused_as_well(tmp_path: Path) -> None:
    kept = load(scenario(tmp_path), allow_code=True)
    with pytest.raises(InputError, match=r"function: got Python code, 'mine:choose', want leave to run it"):
        loads(kept.resolved_text)
    with pytest.raises(ValidationError, match="got Python code, want leave to run it"):
        Scenario.model_validate(kept.resolved())
    with pytest.raises(InputError, match="leave to run it"):
        loads(TINY, overrides=["repair.policy.function={name: 'a:b', code: 'x'}"])


# ---------------------------------------------------------------------- its text is kept


def test_the_text_is_kept_and_told_apart(tmp_path: Path) -> None:
    path = scenario(tmp_path)
    one = load(path, allow_code=True)
    (tmp_path / "mine.py").unlink()
    again = loads(one.resolved_text, allow_code=True)
    assert again == one
    assert again.content_hash == one.content_hash
    history = repr(simulate(one, seed=1, replication=0).incidents)
    assert repr(simulate(pickle.loads(pickle.dumps(again)), seed=1, replication=0).incidents) == history
    (tmp_path / "mine.py").write_text(GOOD + "# another text\n", encoding="utf-8")
    assert load(path, allow_code=True).content_hash != one.content_hash
    (tmp_path / "mine.py").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    assert load(path, allow_code=True).content_hash == one.content_hash, "line ends and a mark of the coding are no text"


ODD = [
    "def choose(case):\n\treturn None",
    'x = """ä: |\n\n   \n- \x85 # no comment"""\n\n\n' + GOOD,
    "# trailing blanks   \n" + GOOD,
    "choose = lambda case: None",
    "class Policy:\n    def __call__(self, case):\n        return None\nchoose = Policy()",
    "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom ras_sim.repair.case import Case\n"
    "@dataclass\nclass Rule:\n    rung: str | None = None\ndef choose(case: Case) -> str | None:\n    return Rule().rung",
]


@pytest.mark.parametrize("code", ODD)
def test_any_text_comes_back_as_it_was(code: str, tmp_path: Path) -> None:
    one = load(scenario(tmp_path, code), allow_code=True)
    spec, again = one.repair.policy.function, loads(one.resolved_text, allow_code=True)
    assert spec is not None
    assert spec.code == code.rstrip()
    assert again == one


def test_modules_are_found_beside_the_file_that_names_them_and_where_python_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is extended means its own neighbour, a command line that of the scenario; then the import path."""
    (tmp_path / "low").mkdir()
    (tmp_path / "low" / "mine.py").write_text(GOOD + "# low", encoding="utf-8")
    (tmp_path / "top.yaml").write_text("extends: low/top.yaml\nname: higher\n", encoding="utf-8")
    scenario(tmp_path / "low", GOOD + "# low")
    (tmp_path / "mine.py").write_text(GOOD + "# high", encoding="utf-8")

    def code(*overrides: str) -> str:
        spec = load(tmp_path / "top.yaml", overrides, allow_code=True).repair.policy.function
        assert spec is not None
        return spec.code.rpartition("# ")[2]

    assert code() == "low"
    assert code("repair.policy.function=mine:choose") == "high"
    assert code("repair.policy.function=low.mine:choose") == "low"
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "far_away_policy.py").write_text(GOOD + "# far", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    assert code("repair.policy.function=far_away_policy:choose") == "far"
    one = loads(TINY, overrides=["repair.policy.function=far_away_policy:choose"], allow_code=True)
    assert one.repair.policy.function is not None


# ---------------------------------------------------------------------- mistakes

HERE = "DIR/top.yaml:5:15: repair.policy.function: got "
BAD_NAMES = [
    ("nobody:choose", "'nobody', want a file nobody.py beside it, or a module that can be imported"),
    ("mne:choose", "did you mean 'mine'?"),
    ("mine", "'mine', want module:function"),
    ("mine.py:choose", "'mine.py', want a file mine/py.py beside it"),
    ("../mine:choose", "'../mine:choose', want module:function"),
    ("3", "3, want"),
    ("{name: mine:choose}", "function.code: got nothing, want this key"),
    ("math:sqrt", "'math', want a file"),
]


@pytest.mark.parametrize(("name", "told"), BAD_NAMES)
def test_names_that_lead_nowhere(name: str, told: str, tmp_path: Path) -> None:
    message = wrong(scenario(tmp_path, name=name))
    assert told in message
    assert message.startswith("DIR/top.yaml:5:")


BAD_CODE = [
    ("def choose(case:\n    return None", "mine.py:1: choose: SyntaxError: '(' was never closed, want a module"),
    (f"x = 1\nnoun\n{GOOD}", "mine.py:2: choose: NameError: name 'noun' is not defined, want a module"),
    (f"{GOOD}raise SystemExit(0)", "mine.py:3: choose: SystemExit: 0, want a module that can be executed"),
    ("def chose(case):\n    return 1", "choose: nothing of that name, want a function choose(case) (did you mean 'chose'?)"),
    ("choose = 'rma'", "choose: a value of type str, want a function choose(case)"),
    ("def choose():\n    return None", "mine.py:1: choose: choose(), want choose(case)"),
    ("def choose(case, *, more):\n    return None", "want choose(case)"),
    (f"import random\n{GOOD}", "mine.py:1: import: 'random', want imports of __future__, bisect,"),
    (f"{GOOD}def f():\n    from os import path", "mine.py:4: import: 'os', want imports of"),
    (f"from . import other\n{GOOD}", "import: '.', want imports of"),
    (f"import ras_sim\n{GOOD}", "import: 'ras_sim', want imports of"),
    ("x = '\\0'\n\0", "want a module that can be executed"),
    ("", "': 0 characters, want 1 to 100,000"),
    ("#" * 100_001, "100,001 characters"),
]


@pytest.mark.parametrize(("code", "told"), BAD_CODE)
def test_texts_that_are_no_policy(code: str, told: str, tmp_path: Path) -> None:
    message = wrong(scenario(tmp_path, code))
    assert message.startswith(HERE)
    assert told in message


def test_what_may_be_imported_can_be(tmp_path: Path) -> None:
    load(scenario(tmp_path, "\n".join([*(f"import {name}" for name in MODULES), GOOD])), allow_code=True)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = scenario(tmp_path)
    (tmp_path / "mine.py").write_bytes(b"\xff\xfe")
    assert "mine.py': not text in UTF-8, want a file to read" in wrong(path)


def test_further_faults_are_told_with_it(tmp_path: Path) -> None:
    lemon = "repair.policy.lemon={incidents: 2, window: 1 d, rung: rmaa}"
    message = wrong(scenario(tmp_path, "choose = 1"), "job.gpus=x", lemon)
    assert "job.gpus" in message
    assert "did you mean 'rma'?" in message


ANSWERS = [
    ("'fixx'", "policy.py:1: choose: got 'fixx', want a rung that applies to node (fix) or None (did you mean 'fix'?; inc"),
    ("3", "policy.py:1: choose: got a value of type int, want a rung that applies to node (fix) or None (incident"),
    ("case", "got a value of type Case"),
    ("case.needs", "policy.py:2: choose: got AttributeError: 'Case' object has no attribute 'needs'"),
    ("1 / 0", "policy.py:2: choose: got ZeroDivisionError: division by zero"),
    ("exit(3)", "got SystemExit: 3"),
]


@pytest.mark.parametrize(("answer", "told"), ANSWERS)
def test_answers_that_are_none(answer: str, told: str) -> None:
    """The place in the text, the incident, the time, and how to meet it again."""
    base = small(1000.0, failures={"node": {"crash": mode(rate=per_h(0.01))}})
    with pytest.raises(InputError) as caught:
        simulate(asking(base, f"def choose(case):\n    return {answer}"), seed=4, replication=2)
    message = str(caught.value)
    assert told in message
    assert "incident 0, node.crash, at " in message
    assert message.endswith(" h of replication 2, seed 4)")


def test_a_rung_that_does_not_apply_to_the_class() -> None:
    repair = ladder({"reset": rung(applies_to=["gpu"]), "fix": rung()}, start="fix")
    base = small(1000.0, failures={"node": {"crash": mode(rate=per_h(0.01))}}, repair=repair)
    with pytest.raises(InputError, match=r"got 'reset', want a rung that applies to node \(fix\) or None \(incident"):
        simulate(asking(base, "def choose(case):\n    return 'reset'"), seed=1, replication=0)


def test_a_case_cannot_be_changed() -> None:
    base = small(1000.0, failures={"node": {"crash": mode(rate=per_h(0.01))}})
    with pytest.raises(InputError, match="FrozenInstanceError: cannot assign to field 'node'"):
        simulate(asking(base, "def choose(case):\n    case.node = 3"), seed=1, replication=0)
