"""The JSON Schema says what the model says, and the generated pages are current."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from docs.generate import DOCS, PAGES
from ras_sim.scenario.load import load
from ras_sim.scenario.positions import Block, parse
from ras_sim.scenario.schema import DIALECT, json_schema, keys_at

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "scenarios").glob("*.yaml"))
POLICIES = [*sorted((ROOT / "scenarios" / "policies").glob("*.yaml")), ROOT / "tests" / "alive" / "guarded.yaml"]
SCENARIOS = [*sorted((ROOT / "tests" / "scenarios").glob("*.yaml")), *SHIPPED, *POLICIES]
SCHEMA = json_schema()


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def _faults(schema: dict[str, Any], value: Any, where: str = "") -> list[str]:
    """What the part of JSON Schema that we use says against a value."""
    if "$ref" in schema:
        return _faults(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, where)
    if "if" in schema:
        branch = "else" if _faults(schema["if"], value) else "then"
        return _faults(schema[branch], value, where)
    faults = []
    for word, needed in (("anyOf", range(1, 99)), ("oneOf", range(1, 2))):
        if word in schema:
            results = [_faults(one, value, where) for one in schema[word]]
            if sum(not one for one in results) not in needed:
                faults.append(f"{where}: {word}: {min(results, key=len)[:3]}")
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    kind = schema.get("type")
    if kind in types and not isinstance(value, types[kind]):
        return [*faults, f"{where}: not {kind}"]
    if kind in ("number", "integer"):
        if isinstance(value, bool) or not isinstance(value, int if kind == "integer" else int | float):
            return [*faults, f"{where}: not {kind}"]
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            faults.append(f"{where}: out of range")
    if "const" in schema and value != schema["const"]:
        faults.append(f"{where}: not {schema['const']}")
    if "enum" in schema and value not in schema["enum"]:
        faults.append(f"{where}: not in {schema['enum']}")
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        faults.append(f"{where}: {value!r} against {schema['pattern']}")
    if isinstance(value, dict):
        faults += _block_faults(schema, value, where)
    if isinstance(value, list):
        faults += [
            fault
            for i, one in enumerate(value)
            for fault in _faults(schema.get("items", {}), one, f"{where}.{i}")
        ]
    return faults


def _block_faults(schema: dict[str, Any], value: dict[str, Any], where: str) -> list[str]:
    faults = [f"{where}.{key}: missing" for key in schema.get("required", ()) if key not in value]
    for key, below in value.items():
        here = f"{where}.{key}"
        patterns = [
            one for pattern, one in schema.get("patternProperties", {}).items() if re.search(pattern, key)
        ]
        if key in schema.get("properties", {}):
            faults += _faults(schema["properties"][key], below, here)
        elif patterns:
            faults += _faults(patterns[0], below, here)
        elif schema.get("additionalProperties") is False:
            faults.append(f"{here}: unknown")
        elif isinstance(schema.get("additionalProperties"), dict):
            faults += _faults(schema["additionalProperties"], below, here)
        if "propertyNames" in schema:
            faults += _faults(schema["propertyNames"], key, here)
    return faults


def _json(path: Path) -> Any:
    """A scenario file as its editor sees it."""
    tree, _ = parse(path.read_text(), path.name)
    assert tree is not None
    from ras_sim.scenario.positions import plain

    return json.loads(json.dumps(plain(tree)))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_schema_accepts_what_the_loader_accepts(path: Path) -> None:
    assert not _faults(SCHEMA, _json(path))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_schema_accepts_resolved_scenarios(path: Path) -> None:
    assert not _faults(SCHEMA, json.loads(json.dumps(load(path, allow_code=True).resolved())))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("horizon",), 30),
        (("horizon",), "30"),
        (("job", "gpus"), "eight"),
        (("job", "gpuss"), 8),
        (("job", "state"), "2 XB"),
        (("machine", "kind"), "hgxx"),
        (("repair", "ladder", "rma", "meanwhile"), "sleep"),
        (("repair", "comes_back"), {"kind": "exponential"}),
        (("failures", "gpu", "xid", "symptoms"), {"crush": 1}),
        (("repair", "policy", "function"), "no_function"),
        (("repair", "policy", "function"), {"name": "mine:choose"}),
    ],
)
def test_schema_refuses_what_the_loader_refuses(path: tuple[str, ...], value: Any) -> None:
    data = _json(ROOT / "tests" / "scenarios" / "full.yaml")
    block = data
    for key in path[:-1]:
        block = block[key]
    block[path[-1]] = value
    assert _faults(SCHEMA, data)


def test_file_that_extends_may_leave_out_and_delete() -> None:
    partial = {"extends": "library:x", "job": {"gpus": 8}, "repair": {"technicians": None}}
    assert not _faults(SCHEMA, partial)
    assert _faults(SCHEMA, {**partial, "job": {"gpuss": 8}})
    del partial["extends"]
    assert _faults(SCHEMA, partial)


def test_schema_is_of_the_stated_dialect_alone() -> None:
    assert SCHEMA["$schema"] == DIALECT
    text = json.dumps(SCHEMA)
    assert '"discriminator"' not in text
    for name in re.findall(r'"\$ref": "#/\$defs/(\w+)"', text):
        assert name in SCHEMA["$defs"]


def test_every_key_of_a_block_is_described() -> None:
    for name, block in SCHEMA["$defs"].items():
        if name.endswith("Machine") or "kind" in block.get("properties", {}) or name.startswith("Partial"):
            continue
        for key, value in block.get("properties", {}).items():
            assert value.get("description"), f"{name}.{key}"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_name_the_schema(path: Path) -> None:
    first = path.read_text().split("\n", 1)[0]
    assert first == "# yaml-language-server: $schema=../docs/scenario.schema.json"


@pytest.mark.parametrize(
    ("path", "known", "unknown"),
    [
        (("job",), "checkpoints", "hbm_per_gpu"),
        (("machine",), "nodes", "racks"),
        (("machine", "kind"), "hgx", "hgxx"),
        (("failures", "gpu", "xid"), "clock", "gpus"),
        (("failures", "gpu", "xid", "lifetime"), "mean", "median"),
        (("repair", "ladder", "rma"), "tries", "stock"),
        (("job", "checkpoints", "r", "restore"), "bandwidth", "interval"),
    ],
)
def test_keys_known_at_a_place(path: tuple[str, ...], known: str, unknown: str) -> None:
    text = "{machine: {kind: hgx}, failures: {gpu: {xid: {lifetime: {kind: weibull}}}}}"
    root, _ = parse(text, "")
    assert isinstance(root, Block)
    keys = keys_at(path, root)
    assert known in keys
    assert unknown not in keys
