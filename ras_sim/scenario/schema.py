"""The JSON Schema of a scenario: for editors, for the page docs/scenario.md, for the names in messages.

A file that extends another may leave out what the other brings, and may delete a key with `null`; so the
schema has every block twice: whole, and partial.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from ras_sim.scenario.model import Scenario
from ras_sim.scenario.positions import Block, Leaf, Node, Place, node_at

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PARTIAL = "Partial"
_REF = "#/$defs/"
_EXTENDS: Schema = {
    "title": "Extends",
    "description": "Files that this one is laid over, later ones over earlier ones: `library:NAME` for a "
    "shipped catalogue, or a file in the folder of the scenario. Blocks are merged key by key; `null` "
    "deletes a key.",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    "examples": ["library:h100"],
}


@lru_cache(maxsize=1)
def _model_schema() -> Schema:
    """The schema of the model: whole blocks only."""
    schema: Schema = _tidied(Scenario.model_json_schema())
    return schema


_KEYWORDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def _tidied(schema: Any) -> Any:
    """The schema in the words of the standard alone, defaults with their unit."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {
        _KEYWORDS.get(key, key): _tidied(value) for key, value in schema.items() if key != "discriminator"
    }
    if isinstance(tidy.get("title"), str):
        del tidy["title"]  # the key in other letters
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    if tidy.get("unit") == "time" and tidy.get("default"):
        tidy["default"] = f"{tidy['default']:g} h"
    return tidy


def whole_schema() -> Schema:
    """The schema of a scenario without `extends`: what a resolved scenario obeys."""
    return copy.deepcopy(_model_schema())


def json_schema() -> Schema:
    """The schema of a scenario file (JSON Schema, draft 2020-12)."""
    whole = whole_schema()
    definitions: Schema = whole.pop("$defs")
    definitions["Scenario"] = whole
    definitions |= {_PARTIAL + name: _partial(block) for name, block in definitions.items()}
    definitions[_PARTIAL + "Scenario"]["properties"]["extends"] = _EXTENDS
    return {
        "$schema": DIALECT,
        "title": "ras-sim scenario",
        "description": whole["description"],
        "if": {"type": "object", "required": ["extends"]},
        "then": {"$ref": _REF + _PARTIAL + "Scenario"},
        "else": {"$ref": _REF + "Scenario"},
        "$defs": definitions,
    }


def _partial(schema: Any) -> Any:
    """The same schema for a file that is laid over others: nothing is required, `null` deletes."""
    if isinstance(schema, list):
        return [_partial(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed: Schema = {}
    for key, value in schema.items():
        if key == "$ref":
            changed[key] = _REF + _PARTIAL + value.removeprefix(_REF)
        elif key == "properties":
            changed[key] = {name: _or_null(_partial(one)) for name, one in value.items()}
        elif key == "patternProperties":
            changed[key] = {pattern: _or_null(_partial(one)) for pattern, one in value.items()}
        elif key == "additionalProperties" and isinstance(value, dict):
            changed[key] = _or_null(_partial(value))
        elif key == "oneOf":  # kinds without their required keys are no longer exclusive
            changed["anyOf"] = _partial(value)
        elif key not in ("required", "discriminator", "minProperties"):
            changed[key] = value if key in ("default", "examples", "enum") else _partial(value)
    return changed


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def keys_at(path: Sequence[str], root: Block) -> list[str]:
    """Keys that a scenario knows at a place: the names of its block, or the kinds that `kind` may name.

    Args:
        path: keys that lead to a block, or to a `kind`.
        root: the scenario, whose kinds decide between the variants of a block.
    """
    whole, node = _model_schema(), node_at(path, root)
    variants = [variant for schema in schemas_at(path, root) for variant in _variants(schema, node, whole)]
    if path and path[-1] == "kind":
        return [variant["const"] for variant in variants if "const" in variant]
    return list(dict.fromkeys(name for variant in variants for name in variant.get("properties", ())))


def free_names_at(path: Sequence[str], *, to_block: bool) -> bool:
    """Whether a block takes any text for a name, dots included.

    Args:
        path: keys that lead to it, through blocks that no `kind` decides on.
        to_block: of blocks of blocks; of blocks of plain values otherwise.
    """
    whole, nowhere = _model_schema(), Block({}, Place(""))
    for schema in schemas_at(path, nowhere):
        for variant in _variants(schema, None, whole):
            below = variant.get("additionalProperties")
            if isinstance(below, dict) and to_block == any(
                one.get("type") == "object" for one in _variants(below, None, whole)
            ):
                return True
    return False


def units_at(path: Sequence[str], root: Block) -> set[str]:
    """What kind of quantity a place takes: "rate", "money per time", "time" ...; empty for what has no unit."""
    whole, units, left = _model_schema(), set[str](), schemas_at(path, root)
    while left:
        schema = left.pop()
        if "$ref" in schema:
            left.append(whole["$defs"][schema["$ref"].removeprefix(_REF)])
        elif "unit" in schema:
            units.add(schema["unit"])
        else:
            left += [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    return units


def schemas_at(path: Sequence[str], root: Block) -> list[Schema]:
    """The schemas of a place, as the block above it states them: references and unions are not resolved.

    Args:
        path: keys that lead there.
        root: the scenario, whose kinds decide between the variants of a block.
    """
    whole = _model_schema()
    schemas: list[Schema] = [whole]
    for depth, key in enumerate(path):
        node = node_at(path[:depth], root)
        schemas = [below for schema in schemas for below in _below(schema, key, node, whole)]
    return schemas


def _below(schema: Schema, key: str, node: Node | None, whole: Schema) -> Iterator[Schema]:
    """Schemas of one key of a block."""
    for variant in _variants(schema, None if key == "kind" else node, whole):
        if key in variant.get("properties", ()):
            yield variant["properties"][key]
        elif isinstance(variant.get("additionalProperties"), dict):
            yield variant["additionalProperties"]
        elif "patternProperties" in variant:
            yield from variant["patternProperties"].values()
        elif isinstance(variant.get("items"), dict):
            yield variant["items"]


def _variants(schema: Schema, node: Node | None, whole: Schema) -> Iterator[Schema]:
    """A schema without references and unions: of several kinds, the one that the block names."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].removeprefix(_REF)]
    unions = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if not unions:
        kind = _kind(node)
        if kind is None or schema.get("properties", {}).get("kind", {}).get("const", kind) == kind:
            yield schema
    for member in unions:
        yield from _variants(member, node, whole)


def _kind(node: Node | None) -> str | None:
    """The kind that a block names."""
    entry = node.entries.get("kind") if isinstance(node, Block) else None
    return entry.node.text if entry is not None and isinstance(entry.node, Leaf) else None
