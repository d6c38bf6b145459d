"""Every key of a scenario, and other values that it could have had."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import combinations
from types import UnionType
from typing import Any, Literal, NamedTuple, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from typing_extensions import TypeAliasType

from ras_sim.scenario.checks import findings
from ras_sim.scenario.fields import DistributionSpec
from ras_sim.scenario.function import ALLOWS_CODE
from ras_sim.scenario.model import Scenario

Path: TypeAlias = tuple[str, ...]

_QUANTITY = re.compile(r"([-+0-9.e]+) (h|/h|B|B/h|W|per kWh)")
_HIGHEST_FRACTION = 1.0
_TIMES = ("01:00", "13:00", "24:00", "wed 05:00", "every", "sat-sun")
_TIME = re.compile(r".*\d\d:\d\d|every|(mon|tue|wed|thu|fri|sat|sun)([-,].*)?")


class Leaf(NamedTuple):
    """One value of a scenario: its key as `Model.field` (and `.entry` of a block of values), and where it stands."""

    key: str
    path: Path


# ---------------------------------------------------------------------- what there is


def models_in(annotation: Any) -> set[type[BaseModel]]:
    """The models that a type mentions."""
    if isinstance(annotation, TypeAliasType):
        return models_in(annotation.__value__)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for part in get_args(annotation) for model in models_in(part)}


def literals_in(annotation: Any) -> tuple[Any, ...]:
    """The members of the `Literal` that a type is (or may be), or ()."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if isinstance(annotation, TypeAliasType):
        return literals_in(annotation.__value__)
    if get_origin(annotation) is dict:
        return ()
    return tuple(member for part in get_args(annotation) for member in literals_in(part))


def all_models(model: type[BaseModel] = Scenario) -> set[type[BaseModel]]:
    """The model and all models below it, distributions left out."""
    below = {one for field in model.model_fields.values() for one in models_in(field.annotation)}
    blocks = {one for one in below if not issubclass(one, DistributionSpec)}
    return {model}.union(*(all_models(one) for one in blocks))


def all_keys() -> set[str]:
    """The key of every value that a scenario may state.

    A choice has a key `Model.field=a|b` for each pair of its members, a block of values with names of the author's own
    the key `Model.field.*`.
    """
    keys: set[str] = set()
    for model in all_models():
        for name, field in model.model_fields.items():
            keys |= _keys_of(f"{model.__name__}.{name}", field.annotation)
    return keys


def _stated(annotation: Any) -> Any:
    """The type of a value that is stated: what may be left out is None then, and needs no key of its own."""
    others = [part for part in get_args(annotation) if part is not type(None)]
    if get_origin(annotation) in (Union, UnionType) and len(others) == 1:
        return _stated(others[0])
    return annotation


def _keys_of(key: str, annotation: Any) -> set[str]:
    annotation = _stated(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return set()  # its own keys are listed
    below = models_in(annotation)
    if any(not issubclass(model, DistributionSpec) for model in below):
        return {key} if key.startswith("TierSpec") else set()  # a time that may be stated or computed is both
    if get_origin(annotation) is dict:
        return {f"{key}.{choice}" for choice in literals_in(get_args(annotation)[0]) or "*"}
    members = () if below else literals_in(annotation)
    if len(members) > 1:
        return {f"{key}={a}|{b}" for a, b in combinations(members, 2)}
    return {key}


# ---------------------------------------------------------------------- where it stands


def leaves(model: BaseModel, path: Path = ()) -> Iterator[Leaf]:
    """Every value that a scenario states, defaults included."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if value is not None:
            yield from _leaves_of(f"{type(model).__name__}.{name}", value, (*path, name))


def _leaves_of(key: str, value: Any, path: Path) -> Iterator[Leaf]:
    if isinstance(value, BaseModel) and not isinstance(value, DistributionSpec):
        yield from leaves(value, path)
    elif isinstance(value, dict):
        for name, one in value.items():
            block = isinstance(one, dict) or (
                isinstance(one, BaseModel) and not isinstance(one, DistributionSpec)
            )
            yield from _leaves_of(key if block else f"{key}.{name}", one, (*path, name))
    else:
        yield Leaf(key, path)


def value_at(data: Any, path: Path) -> Any:
    """The value at a path of plain data."""
    for name in path:
        data = data[name]
    return data


def with_value(data: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of plain data with another value at a path."""
    changed = copy.deepcopy(data)
    value_at(changed, path[:-1])[path[-1]] = value
    return changed


# ---------------------------------------------------------------------- what else it could be


def perturbed(base: Scenario, leaf: Leaf, to: str | None = None) -> Iterator[Scenario]:
    """Valid scenarios that differ from the base in this value alone.

    Args:
        base: the scenario.
        leaf: which value.
        to: the one other value that is asked for; None for any.
    """
    data = base.resolved()
    names = [*base.repair.ladder, *base.failures, *(f"{c}.{m}" for c, ms in base.failures.items() for m in ms)]
    siblings = value_at(data, leaf.path[:-1])
    old = siblings[leaf.path[-1]]
    others = [to] if to is not None else _other_code(leaf, siblings, names) or _others(old, names)
    changed = [with_value(data, leaf.path, other) for other in others]
    if isinstance(old, float) and all(isinstance(one, float) for one in siblings.values()):
        changed += _shifted(data, leaf.path)
    for one in changed:
        scenario = _valid(one)
        if scenario is not None and scenario != base:
            yield scenario


def _valid(data: dict[str, Any]) -> Scenario | None:
    try:
        scenario = Scenario.model_validate(data, context=ALLOWS_CODE)
    except ValidationError:
        return None
    return scenario if next(findings(scenario), None) is None else None


def _other_code(leaf: Leaf, siblings: dict[str, Any], names: list[str]) -> list[str]:
    """Other functions of the same text, or the same function with other rungs; of other keys none."""
    if leaf.key == "FunctionSpec.name":
        module = siblings["name"].partition(":")[0]
        return [f"{module}:{name}" for name in re.findall(r"^def (\w+)", siblings["code"], re.MULTILINE)]
    if leaf.key == "FunctionSpec.code":
        return [siblings["code"].replace(f'"{a}"', f'"{b}"') for a in names for b in names if f'"{a}"' in siblings["code"]]
    return []


def _others(old: Any, names: list[str]) -> list[Any]:
    """Other values of the same kind; not all of them need to be valid."""
    if isinstance(old, bool):
        return [not old]
    if isinstance(old, int):
        return [old + 1, old - 1, old * 2, old // 2]
    if isinstance(old, float):
        return [old / 2, old * 1.5, 0.5] if old <= _HIGHEST_FRACTION else [old * 2]
    if isinstance(old, list):
        return [old[:-1], old[1:], *([*old, name] for name in names if name not in old)]
    if isinstance(old, str) and _TIME.fullmatch(old):
        return list(_TIMES)
    if isinstance(old, str) and not _QUANTITY.fullmatch(old):
        return [name for name in names if name != old]
    return [scaled(old, 2.0), scaled(old, 0.5), scaled(old, 3.0), scaled(old, 0.1), "1.0 h"]


def scaled(old: Any, factor: float) -> Any:
    """Every quantity in a value multiplied."""
    if isinstance(old, dict):
        return {key: scaled(one, factor) for key, one in old.items()}
    if isinstance(old, list):
        return [scaled(one, factor) for one in old]
    match = _QUANTITY.fullmatch(old) if isinstance(old, str) else None
    if match is None:
        return old
    return f"{float(match[1]) * factor!r} {match[2]}"


def _shifted(data: dict[str, Any], path: Path) -> Iterator[dict[str, Any]]:
    """Half of a probability goes to another outcome, there already or new."""
    block, name = value_at(data, path[:-1]), path[-1]
    half = block[name] / 2
    for other in dict.fromkeys([*block, "crash", "hang", "rma", "swap"]):
        if other != name:
            yield with_value(data, path[:-1], {**block, name: half, other: block.get(other, 0.0) + half})
