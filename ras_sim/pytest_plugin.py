"""pytest runs scenarios that say what they expect, and tests in Python can hold a scenario to anything.

    pytest scenarios/           every scenario with `expect:` is a test

    def test_a_design(goodput_check):
        goodput_check("scenarios/mine.yaml", {"goodput": {"at_least": "95 %"}})

Installed with the package (entry point `ras_sim`). Nothing but this file is loaded before there is something to check.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from ras_sim.errors import InputError
    from ras_sim.experiment.check import Check
    from ras_sim.scenario.model import Scenario

_MAX_REPLICATIONS = "--ras-sim-max-replications"
_WORKERS = "--ras-sim-workers"
_ALLOW_CODE = "--ras-sim-allow-code"


class GoodputCheck(Protocol):
    """What the fixture `goodput_check` is."""

    def __call__(
        self,
        what: Scenario | str | Path,
        expect: Mapping[str, Any] | None = None,
        *,
        overrides: Sequence[str] = (),
        baseline: str | Path | None = None,
        seed: int | None = None,
        max_replications: int | None = None,
    ) -> Check:
        """Check a scenario; the test fails unless everything expected of it holds.

        Args:
            what: a scenario, or its file.
            expect: expectations in place of those of the scenario, as in a file:
                `{"mtti_h": {"at_least": "2 h"}}`.
            overrides: `key.path=value`, set in the file.
            baseline: file of the baseline; None is where it belongs beside the scenario.
            seed: None takes that of the baseline, else 1.
            max_replications: None takes what `--ras-sim-max-replications` says.
        """


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the checks."""
    group = parser.getgroup("ras-sim", "scenarios with expectations")
    group.addoption(_MAX_REPLICATIONS, type=int, metavar="N", help="where a check stops undecided")
    group.addoption(_WORKERS, type=int, metavar="N", help="processes of one check (default: one per core)")
    group.addoption(_ALLOW_CODE, action="store_true", help="run policies that are Python functions")
    parser.addini("ras_sim_allow_code", "run policies that are Python functions", type="bool", default=False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    """Collect a scenario that states expectations."""
    from ras_sim.experiment.collect import states_expectations

    return ScenarioFile.from_parent(parent, path=file_path) if states_expectations(file_path) else None


class ScenarioFile(pytest.File):
    """A scenario with expectations."""

    def collect(self) -> Iterable[pytest.Item]:
        """One test: expectations are decided together, on the same replications."""
        yield ScenarioItem.from_parent(self, name="expect")


class ScenarioItem(pytest.Item):
    """The expectations of one scenario."""

    def runtest(self) -> None:
        """Check them; what was found goes into the JUnit report as properties."""
        found = _checked(self.config, _shown(self.path))
        self.user_properties.append(("replications", found.replications))
        self.user_properties += {one.claim.metric: one.estimate.mean for one in found.judged}.items()
        self.user_properties += {
            f"{one.claim.metric}.replications": one.estimate.n
            for one in found.judged
            if one.estimate.n != found.replications  # decided before the others: so is its mean
        }.items()
        _must_pass(found)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Bad input in its own words; a traceback says nothing to who wrote a scenario."""
        from ras_sim.errors import InputError

        if isinstance(excinfo.value, InputError):
            return _in_words(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where this test is."""
        return self.path, None, f"scenario: {self.path.name}"


@pytest.fixture
def goodput_check(request: pytest.FixtureRequest) -> GoodputCheck:
    """Hold a scenario to expectations: `goodput_check("mine.yaml", {"goodput": {"at_least": "95 %"}})`."""

    from ras_sim.errors import InputError

    def held(
        what: Scenario | str | Path,
        expect: Mapping[str, Any] | None = None,
        *,
        overrides: Sequence[str] = (),
        baseline: str | Path | None = None,
        seed: int | None = None,
        max_replications: int | None = None,
    ) -> Check:
        read = {"overrides": overrides, "expect": expect, "baseline": baseline}
        refused = ""
        try:
            found = _checked(request.config, what, read, seed, max_replications)
        except InputError as error:  # a traceback says nothing to who wrote a scenario
            refused = _in_words(error)
        if refused:  # not while the error is handled: pytest would tell it a second time
            pytest.fail(refused, pytrace=False)
        _must_pass(found)
        return found

    return held


def _checked(
    config: pytest.Config,
    what: Scenario | str | Path,
    read: Mapping[str, Any] | None = None,
    seed: int | None = None,
    max_replications: int | None = None,
) -> Check:
    """Check with the options of this run of pytest."""
    from ras_sim.experiment.check import MAX_REPLICATIONS, check, subject_of

    limit = max_replications or config.getoption(_MAX_REPLICATIONS) or MAX_REPLICATIONS
    workers: int | None = config.getoption(_WORKERS)
    if workers is None and "PYTEST_XDIST_WORKER" in os.environ:
        workers = 1  # the cores are shared among the workers of xdist already
    allow_code = bool(config.getoption(_ALLOW_CODE) or config.getini("ras_sim_allow_code"))
    subject = subject_of(what, allow_code=allow_code, **(read or {}))
    return check(subject, seed=seed, max_replications=limit, workers=workers)


def _in_words(error: InputError) -> str:
    """What was wrong, with the option of pytest where that of the command line is named."""
    return re.sub(r"(?<![\w-])--allow-code\b", _ALLOW_CODE, str(error))


def _must_pass(found: Check) -> None:
    """Fail the test that runs unless everything was decided and holds."""
    from ras_sim.report.check_text import check_lines

    if found.verdict != "pass":
        pytest.fail("\n".join(check_lines(found)), pytrace=False)


def _shown(path: Path) -> Path:
    """The path as a person in this folder would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
