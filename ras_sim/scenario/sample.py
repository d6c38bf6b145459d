"""Some valid value for any place of a scenario, from its schema: what stands in for a value that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ras_sim.scenario.positions import Block
from ras_sim.scenario.schema import Schema, schemas_at, whole_schema

_WHOLE = lru_cache(maxsize=1)(whole_schema)
_MODE = {"symptoms": {"benign": 1}, "clears_at": {}, "source": "assumed"}
"""A failure mode that nobody notices: a schema cannot say that probabilities sum to 1."""


def sample_at(path: Sequence[str], root: Block) -> Any:
    """Some valid value for a place: it obeys the schema, so only checks of several values together can refuse it.

    Args:
        path: keys that lead there.
        root: the scenario, whose kinds decide between the variants of a block.

    Returns:
        Plain data; None for a place that no scenario has.
    """
    if len(path) == 3 and path[0] == "failures":
        return _MODE
    schemas = schemas_at(path, root)
    return _sample(schemas[0]) if schemas else None


def _sample(schema: Schema) -> Any:
    if schema.get("examples"):
        return schema["examples"][0]
    if "$ref" in schema:
        return _sample(_WHOLE()["$defs"][schema["$ref"].rpartition("/")[2]])
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return _sample(schema[union][0])
    if "const" in schema:
        return schema["const"]
    return schema["enum"][0] if "enum" in schema else _of_type(schema)


def _of_type(schema: Schema) -> Any:
    match schema.get("type"):
        case "object":
            return _block(schema)
        case "array":
            return tuple(_sample(schema["items"]) for _ in range(schema.get("minItems", 0)))
        case "integer":
            return schema.get("minimum", 0)
        case "number":
            return _number(schema)
        case "boolean":
            return False
        case _:
            return "x"


def _block(schema: Schema) -> dict[str, Any]:
    """The keys that are required; of a block of free names, as many as are."""
    if "properties" in schema:
        return {key: _sample(schema["properties"][key]) for key in schema.get("required", ())}
    below = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    return {f"x{number}": _sample(below[0]) for number in range(schema.get("minProperties", 0))}


def _number(schema: Schema) -> float:
    """The least that is allowed, or one more, or halfway to the greatest."""
    if "exclusiveMinimum" not in schema:
        return float(schema.get("minimum", 0.0))
    least = float(schema["exclusiveMinimum"])
    greatest = float(schema.get("exclusiveMaximum") or schema.get("maximum") or least + 2.0)
    return (least + min(greatest, least + 2.0)) / 2.0
