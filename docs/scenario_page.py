"""The page docs/scenario.md: every key of a scenario, from its schema."""

from __future__ import annotations

from typing import Any

from ras_sim.scenario.schema import Schema, whole_schema

_REF = "#/$defs/"
_INTRO = """\
# What a scenario can say

Generated from the model by `make docs`; do not edit. The same as a JSON Schema for editors:
[scenario.schema.json](scenario.schema.json), also printed by `ras-sim schema`. An editor
with yaml-language-server checks while you type if the first line of a scenario names it:

    # yaml-language-server: $schema=../docs/scenario.schema.json

A scenario is one YAML file. `ras-sim validate FILE` checks it and reports every fault at once, each
with its place.

* **Units** are written out: times `30 min`, `1.5 h`, `54 d`; rates `450 FIT`, `MTBF 5 years`, `AFR 2 %`,
  `0.061 per GPU-year`, `3.79 per 1000 node-days`; sizes `80 GB`, `4 TiB`; bandwidths `400 Gb/s`,
  `50 GB/s`; power `700 W`; prices `2.50 per GPU-hour`, `0.08 per kWh`; fractions `0.05` or `5 %`. A bare
  number is refused where a unit is needed, except 0.
* **Of one of what** a rate or a price is follows from its key; a noun (`per GPU-year`) is read over, and must mean
  just that: the class or what people call it (`server` for `node`, `stack` for `hbm`, `port` for `link`), `part`, or a
  class of which there are as many. A rate of `hbm` per GPU-year is refused, with the number that it means for one
  stack. `job_gpu` is per GPU-hour, technicians are per technician-hour, false alarms per job.
* **Commas** part thousands and points are decimal points: in an amount of money `31.000`, which may be meant either
  way, is refused.
* **`extends: NAME`** (or a list) lays this file over others: `library:NAME` is a shipped catalogue,
  anything else a file in the folder of the scenario or below it. Blocks are merged key by key, later
  files over earlier ones, this file last; `null` deletes a key. A new key goes right after the key that
  stands before it in its file, so `gpu_reset: {}` followed by a rung of your own puts that rung above
  `gpu_reset`.
* **`--set key.path=value`** replaces one value from the command line; the value is YAML, so
  `--set 'repair.technicians=null'` deletes a block and `--set 'repair.parts={...}'` sets one. A name may hold a
  dot itself: `--set repair.policy.start.gpu.faulty=rma`.
* **YAML** is read by the rules of version 1.2: `no` and `on` are words, `1:30` is a text. Anchors,
  aliases, tags, merge keys, repeated keys, files over 1 MB and nesting deeper than 64 are refused.
* **`source`** says where the numbers of a block come from; `assumed` where there is no public source.
  Reports list them all.
"""


def scenario_page() -> str:
    """The page as Markdown."""
    schema = whole_schema()
    definitions: Schema = schema.pop("$defs")
    parts = [_INTRO, _section("Scenario", schema)]
    parts += [_section(name, definitions[name]) for name in _in_order(schema, definitions)]
    return "\n".join(parts)


def _in_order(root: Schema, definitions: Schema) -> list[str]:
    """Blocks in the order in which a reader meets them, the kinds of distributions last."""
    found: list[str] = []

    def visit(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                visit(item)
        elif isinstance(node, dict):
            name = node.get("$ref", "").removeprefix(_REF)
            if name and name not in found:
                found.append(name)
                if name != "Duration":
                    visit(definitions[name])
            for value in node.values():
                visit(value)

    visit(root)
    found.sort(key=lambda name: name == "Duration")
    visit(definitions["Duration"])
    return found


def _section(name: str, schema: Schema) -> str:
    lines = [
        f"## {name}",
        "",
        schema.get("description", "A distribution, or a bare time for one that does not vary."),
        "",
    ]
    if "properties" not in schema:
        return "\n".join([*lines, f"One of {_type(schema)}.", ""])
    meant = any("description" in value for value in schema["properties"].values())
    lines += ["| key | value | default |" + " meaning |" * meant, "|---|---|---|" + "---|" * meant]
    for key, value in schema["properties"].items():
        default = "required" if key in schema.get("required", ()) else _default(value)
        cells = [f"`{key}`", _type(value), default, *([value.get("description", "")] if meant else [])]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _default(value: Schema) -> str:
    default = value.get("default")
    if default is None or default == {}:
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`" if default != "" else "empty"


def _type(value: Schema) -> str:
    """What may be written, in a few words."""
    if "unit" in value:
        return f"{value['unit']}{_bounds(value)}, e.g. " + ", ".join(f"`{one}`" for one in value["examples"])
    if "$ref" in value:
        name = value["$ref"].removeprefix(_REF)
        return f"[{name}](#{name.lower()})"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return "one of " + ", ".join(f"`{one}`" for one in value["enum"])
    members = [one for one in (*value.get("anyOf", ()), *value.get("oneOf", ())) if one.get("type") != "null"]
    if members:
        return " or ".join(_type(one) for one in members)
    return _plain_type(value)


def _plain_type(value: Schema) -> str:
    kind = value.get("type")
    if kind == "object":
        below: Any = value.get("additionalProperties") or next(
            iter(value.get("patternProperties", {}).values()), {}
        )
        keys = value.get("propertyNames", {}).get("enum")
        named = f"of {', '.join(f'`{key}`' for key in keys)}" if keys else "by name"
        return f"block {named}, each: {_type(below)}"
    if kind == "array":
        return f"list, each: {_type(value.get('items', {}))}"
    words = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`", "string": "text"}
    return words.get(str(kind), "anything") + _bounds(value)


def _bounds(value: Schema) -> str:
    """The range of a number."""
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {value[key]:,}" for key, sign in signs.items() if key in value]
    return f" {', '.join(bounds)}" if bounds else ""
