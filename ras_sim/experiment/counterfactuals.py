"""What if: a scenario in which some failure modes are rarer, gone, contained, found at once, or repaired lower.

Every change leaves the names of modes and parts as they are, so that all draws of all other faults stay the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ras_sim.errors import nearest
from ras_sim.experiment.arguments import wrong_argument
from ras_sim.scenario.build import setup_of
from ras_sim.scenario.checks import findings
from ras_sim.scenario.failures import SHOWN, ModeSpec, Shown
from ras_sim.scenario.function import ALLOWS_CODE
from ras_sim.scenario.model import Scenario

FEWER = 0.9
"""Factor on the hazard of a mode that fails 10 % less."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """One failure mode of a scenario, and the plain data in which it is changed."""

    scenario: Scenario
    tree: dict[str, Any]
    cls: str
    name: str

    @property
    def spec(self) -> ModeSpec:
        """The mode as it was."""
        return self.scenario.failures[self.cls][self.name]

    @property
    def values(self) -> dict[str, Any]:
        """The mode as it becomes."""
        found: dict[str, Any] = self.tree["failures"][self.cls][self.name]
        return found

    @property
    def key(self) -> str:
        """ "class.mode"."""
        return f"{self.cls}.{self.name}"

    @property
    def shocks(self) -> list[str]:
        """Common causes that strike it."""
        return [name for name, shock in self.scenario.shocks.items() if shock.strikes == self.key]

    @property
    def waves(self) -> list[dict[str, Any]]:
        """Changes in waves that bring it about, as they become."""
        waves = self.tree.get("fleet", {}).get("waves", {}).values()
        return [wave for wave in waves if wave.get("bricks") == self.key]

    @property
    def symptoms(self) -> list[Shown]:
        """Those that somebody may notice."""
        return [name for name in SHOWN if self.spec.symptoms.get(name, 0.0) > 0]


def _fewer(edit: _Edit) -> str:
    """Hazards times `FEWER`: H(t) becomes 0.9 H(t); so does the chance of shocks and waves, and the share at the start."""
    spec, values = edit.spec, edit.values
    if spec.present is not None:
        values["present"] = spec.present * FEWER
    if spec.rate is not None:
        values["rate"] = _per_h(spec.rate * FEWER)
    elif spec.lifetime is not None:
        kind = spec.lifetime.kind
        if kind not in SCALED:
            return f"no exact scaling of the hazard of a {kind} lifetime"
        values["lifetime"] |= SCALED[kind](spec.lifetime)
    if spec.p_start is not None:
        values["p_start"] = spec.p_start * FEWER
    for name in edit.shocks:
        edit.tree["shocks"][name]["p_struck"] = edit.scenario.shocks[name].p_struck * FEWER
    for wave in edit.waves:
        wave["p_bricks"] *= FEWER
    return ""


def _never(edit: _Edit) -> str:
    """No hazard of its own, none that is there at the start, and no shock or wave that strikes it."""
    for key in ("lifetime", "frailty", "p_start", "present"):
        edit.values.pop(key, None)
    edit.values["rate"] = _per_h(0.0)
    for name in edit.shocks:
        del edit.tree["shocks"][name]
    for wave in edit.waves:
        del wave["bricks"]
        wave["p_bricks"] = 0.0
    return ""


def _contained(edit: _Edit) -> str:
    """Every probability in `spreads` is 0."""
    if not any(edit.spec.spreads.values()):
        return "no `spreads` of its own"
    edit.values["spreads"] = dict.fromkeys(edit.spec.spreads, 0.0)
    return ""


def _found(edit: _Edit) -> str:
    """Every symptom is detected at once; diagnosis takes as long as before."""
    spec, times = edit.spec, edit.scenario.detection
    shown = [one for one in edit.symptoms if one != "silent" or spec.corrupts is None]
    if not shown:
        return "is found by monitors and tests, not after a time"
    now = [spec.detection[one].build() if one in spec.detection else times.of(one) for one in shown]
    if not any(time.mean_h > 0 for time in now):
        return "is detected at once already"
    edit.values["detection"] = dict.fromkeys(shown, "0.0 h")
    return ""


def _lower(edit: _Edit) -> str:
    """What the fault needs and where repair starts both go down one rung that applies to the class."""
    ladder, setup = edit.scenario.repair.ladder, setup_of(edit.scenario)
    if setup.policy.function is not None:
        return "where its repair starts is up to the policy function"
    retry = set(edit.symptoms) == {"exception"}
    rungs = [
        one.name for one in setup.ladder if one.applies(edit.cls) and (retry or one.takes_down != "operation")
    ]
    below = {rung: rungs[max(place - 1, 0)] for place, rung in enumerate(rungs)}
    needs: dict[str, float] = {}
    for rung, p_needed in edit.spec.clears_at.items():
        lower = below.get(rung, rung)
        needs[lower] = needs.get(lower, 0.0) + p_needed
    if needs == {rung: p for rung, p in edit.spec.clears_at.items() if p > 0}:
        return "needs the lowest rung already"
    edit.values["clears_at"] = needs
    starts = {setup.policy.start_level(edit.cls, edit.key, one) for one in edit.symptoms}
    if len(starts) == 1:  # where symptoms start on rungs of their own, no single start stands for them
        first = list(ladder)[starts.pop()]
        edit.tree["repair"]["policy"]["start"][edit.key] = below.get(first, first)
    return ""


CHANGES: Mapping[str, Callable[[_Edit], str]] = {
    "fewer": _fewer,
    "never": _never,
    "contained": _contained,
    "found": _found,
    "lower": _lower,
}
"""What can be changed of a mode. Each changes the plain data, or says why it cannot be or would change nothing."""


def _per_h(rate: float) -> str:
    return f"{rate!r} /h"


def _hours(hours: float) -> str:
    return f"{hours!r} h"


def _longer(scale_h: float, shape: float) -> str:
    """Scale of (t / scale)^shape for `FEWER` times the hazard."""
    return _hours(scale_h * FEWER ** (-1.0 / shape))


SCALED: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "exponential": lambda spec: {"mean": _longer(spec.mean, 1.0)},
    "weibull": lambda spec: {"mean": _longer(spec.mean, spec.shape)},
    "bathtub": lambda spec: {
        "infant_scale": _longer(spec.infant_scale, spec.infant_shape),
        "rate": _per_h(spec.rate * FEWER),
        "wear_scale": _longer(spec.wear_scale, spec.wear_shape),
    },
    "piecewise_constant": lambda spec: {"rates": [_per_h(rate * FEWER) for rate in spec.rates]},
}
"""Lifetimes of which `FEWER` times the hazard is a lifetime of the same kind."""


def parse_what(text: str) -> tuple[str, ...]:
    """Names of `CHANGES` between commas, each once.

    Raises: InputError for one that is not there.
    """
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in CHANGES:
            hint = nearest(name, CHANGES)
            wanted = f"some of {', '.join(CHANGES)}{f' ({hint})' if hint else ''}"
            raise wrong_argument("--what", repr(name), wanted)
    return names


def counterfactual(scenario: Scenario, modes: Sequence[tuple[str, str]], what: str) -> Scenario | str:
    """The scenario with some of its modes changed.

    Args:
        scenario: as it is.
        modes: (class, mode) of those that are changed.
        what: a name of `CHANGES`.

    Returns:
        a scenario, or why there is none: no mode would change, or one of them cannot be.
    """
    tree = scenario.resolved()
    for key in ("published", "expect", "uncertain"):  # about the scenario as it is
        tree.pop(key, None)
    reasons = {f"{cls}.{name}": CHANGES[what](_Edit(scenario, tree, cls, name)) for cls, name in modes}
    refused = {key: reason for key, reason in reasons.items() if reason}
    if len(refused) == len(modes) or (refused and what == "fewer"):
        several = len(modes) > 1
        return "; ".join(dict.fromkeys(f"{key}: {why}" if several else why for key, why in refused.items()))
    changed = Scenario.model_validate(tree, context=ALLOWS_CODE)  # what it has was allowed when it was loaded
    wrong = next(iter(findings(changed)), None)
    return changed if wrong is None else f"{'.'.join(wrong.path)}: want {wrong.wanted}"
