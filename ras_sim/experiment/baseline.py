"""A baseline: what a scenario gave when somebody last agreed with it. A small JSON file, made to be kept in git.

    scenarios/mine.yaml  ->  scenarios/baselines/mine.json

Of every metric it holds mean, standard deviation and number of replications; of those that an expectation compares with
it, the values of all replications too, so that a check on the same failures can compare them one by one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from ras_sim import __version__
from ras_sim.errors import InputError, Problem, nearest
from ras_sim.experiment.designs import NO_PART_OF_HISTORY
from ras_sim.experiment.files import durable, file_problem, readable_errors, sync_folder
from ras_sim.metrics.estimates import Estimate
from ras_sim.metrics.samples import Sample
from ras_sim.scenario.fields import Strict
from ras_sim.scenario.model import Scenario

FOLDER = "baselines"
UPDATE = "`ras-sim check --update` writes a new one"
_REMARKS = frozenset({"name", "description", "published", "expect", "uncertain"})
_OWN_WORDS = re.compile(r"(?P<key>\w+): got (?P<got>.*), want (?P<wanted>.*)")
_Values = Annotated[tuple[float, ...], Field(max_length=100_000)]


class Stored(Strict):
    """One metric of a baseline; see `ras_sim.metrics.samples.Sample`."""

    mean: float | None
    sd: Annotated[float, Field(ge=0.0)] | None = None
    n: int = Field(ge=1)
    values: _Values | None = None
    per: _Values | None = None

    @model_validator(mode="after")
    def _as_many_as_said(self) -> Stored:
        for name, values in (("values", self.values), ("per", self.per)):
            if values is not None and len(values) != self.n:
                raise ValueError(f"{name}: got {len(values)}, want {self.n}, the n of this metric")
        return self

    @property
    def estimate(self) -> Estimate:
        """What is known of the mean."""
        return Estimate(self.mean, None, self.sd, self.n)

    def sample(self, like: Sample) -> Sample | None:
        """The values, if they are kept and of the same kind as those of a new sample."""
        if self.values is None or (self.per is None) != (like.per is None):
            return None
        return Sample(self.values, self.per, like.is_count)


class Baseline(Strict):
    """Stored results of a scenario.

    Args:
        scenario: its name.
        version: of ras-sim; another version may mean something else by the same scenario.
        scenario_hash: of everything that it says but texts, sources and expectations.
        history_hash: of what decides which faults strike when: the machine, the failures, shocks and the horizon.
        seed: of the replications, which are numbered from 0.
        metrics: by name.
    """

    kind: Literal["ras-sim baseline"] = "ras-sim baseline"
    schema_version: Literal[1] = Field(1, alias="schema")
    scenario: str
    version: str
    scenario_hash: str
    history_hash: str
    seed: int
    metrics: dict[str, Stored]


def path_of(scenario_file: str | Path) -> Path:
    """Where the baseline of a scenario file is.

    >>> path_of("scenarios/mine.yaml").as_posix()
    'scenarios/baselines/mine.json'
    """
    file = Path(scenario_file)
    return file.parent / FOLDER / f"{file.stem}.json"


def read(path: Path, scenario: Scenario) -> Baseline:
    """Read the baseline of a scenario.

    Raises:
        InputError: it is missing, damaged, or of another version or scenario.
    """
    with readable_errors(path.parent):
        if not path.is_file():
            raise file_problem(path, "nothing there", "the baseline of an expectation", UPDATE)
        raw = path.read_bytes()
    try:
        found = Baseline.model_validate_json(raw)
    except ValidationError as error:
        raise InputError([_in_words(path, detail) for detail in error.errors(include_url=False)]) from None
    wanted = {"version": __version__, "scenario": scenario.name}
    wrong = [
        Problem(str(path), None, None, key, repr(getattr(found, key)), repr(value), UPDATE)
        for key, value in wanted.items()
        if getattr(found, key) != value
    ]
    if wrong:
        raise InputError(wrong)
    return found


def _in_words(path: Path, detail: Any) -> Problem:
    """What pydantic says of a file, as we say it."""
    where = ".".join(str(step) for step in detail["loc"])
    if detail["type"] == "json_invalid":
        return Problem(str(path), None, None, where, "no JSON", "a baseline", UPDATE)
    got, wanted = _short(detail["input"]), _plain(detail["msg"])
    if detail["type"] == "extra_forbidden":
        return _unknown_key(path, where, str(detail["loc"][-1]), Baseline if len(detail["loc"]) == 1 else Stored)
    own = _OWN_WORDS.fullmatch(str(detail.get("ctx", {}).get("error", "")))
    if own is not None:
        where, got, wanted = f"{where}.{own['key']}", own["got"], own["wanted"]
    return Problem(str(path), None, None, where, got, wanted, UPDATE)


def _unknown_key(path: Path, where: str, key: str, block: type[Strict]) -> Problem:
    known = [field.alias or name for name, field in block.model_fields.items()]
    hint = nearest(key, known) or UPDATE
    return Problem(str(path), None, None, where, f"the unknown key {key!r}", f"one of {', '.join(known)}", hint)


def _plain(message: str) -> str:
    return message.removeprefix("Input should be ").replace("Field required", "this key")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "..."


def write(path: Path, baseline: Baseline) -> None:
    """Write a baseline: a kill at any moment leaves the old one or the new one.

    Raises: InputError if it cannot be written.
    """
    with readable_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".part")
        with durable(draft) as file:
            file.write(text_of(baseline).encode("utf-8", "backslashreplace"))
        os.replace(draft, path)
        sync_folder(path.parent)


def text_of(baseline: Baseline) -> str:
    """JSON with one line for each metric, so that a diff shows which ones moved."""
    head = baseline.model_dump(exclude={"metrics"}, by_alias=True)
    lines = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}," for key, value in head.items()]
    metrics = [
        f"    {json.dumps(name)}: {json.dumps(one.model_dump(exclude_none=True, mode='json') | {'mean': one.mean})}"
        for name, one in baseline.metrics.items()
    ]
    return "\n".join(["{", *lines, '  "metrics": {', ",\n".join(metrics), "  }", "}", ""])


def scenario_hash(scenario: Scenario) -> str:
    """Of everything that a scenario says but texts, sources and expectations: equal hashes behave alike."""
    return _hash({key: value for key, value in scenario.resolved().items() if key not in _REMARKS})


def history_hash(scenario: Scenario) -> str:
    """Of what decides which faults strike when: with equal hashes and seeds, replication k meets the same faults."""
    whole = scenario.resolved()
    failures = {
        cls: {
            name: {key: value for key, value in mode.items() if key not in NO_PART_OF_HISTORY}
            for name, mode in modes.items()
        }
        for cls, modes in whole["failures"].items()
    }
    fleet = [whole["fleet"]] if "fleet" in whole else []
    return _hash([whole["horizon"], whole["machine"], failures, whole["shocks"], *fleet])


def _hash(data: Any) -> str:
    return hashlib.sha256(json.dumps(_without_sources(data)).encode()).hexdigest()


def _without_sources(node: Any) -> Any:
    """Plain data less where its numbers come from."""
    if isinstance(node, list):
        return [_without_sources(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_sources(value)
        for key, value in node.items()
        if not (key == "source" and isinstance(value, str))
    }
