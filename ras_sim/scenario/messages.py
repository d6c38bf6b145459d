"""Faults in plain words: what pydantic says of the data, with the places of the tree it came from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ras_sim.errors import Problem, nearest
from ras_sim.scenario.checks.finding import Finding
from ras_sim.scenario.positions import Block, Items, Leaf, Node, Place, quoted, shown
from ras_sim.scenario.schema import keys_at

_MANY = 12


class Spot(NamedTuple):
    """Where an error stands: the keys that lead there, its node, and the place of the last key."""

    path: tuple[str, ...]
    node: Node
    key_place: Place
    rest: tuple[str, ...]


def located(finding: Finding, root: Block) -> Problem:
    """A finding of the cross checks with its place in the file."""
    spot = _follow(finding.path, root)
    place = spot.key_place if finding.at_key or spot.rest else spot.node.place
    got = shown(spot.node) if finding.got is None and not spot.rest else finding.got or "nothing"
    return _problem(place, ".".join(finding.path), got, finding.wanted, finding.hint)


def explain(error: ValidationError, root: Block) -> list[Problem]:
    """Every fault that pydantic found, in plain words and with its place."""
    return [explained(detail, root) for detail in error.errors(include_url=False)]


def spot_of(detail: ErrorDetails, root: Block) -> Spot:
    """Where a fault stands: of a missing key, the block that lacks it."""
    location = detail["loc"]
    aside = detail["type"] == "missing" or location[-1:] == ("[key]",)
    return _follow(location[:-1] if aside else location, root)


def _follow(location: Sequence[str | int], root: Block) -> Spot:
    """Walk down a tree as far as a location goes; names of union members are not keys and are left out."""
    path: list[str] = []
    rest: list[str] = []
    node: Node = root
    key_place = root.place
    variant: Node = root  # the last block whose kind was passed; the root has none
    for step in location:
        entry = node.entries.get(str(step)) if isinstance(node, Block) else None
        if node is not variant and _is_kind(node, step):
            variant = node
        elif isinstance(node, Block) and entry is not None:
            path.append(str(step))
            key_place, node = entry
        elif isinstance(node, Items) and str(step).isdecimal() and int(step) < len(node.nodes):
            path.append(str(step))
            node = node.nodes[int(step)]
            key_place = node.place
        else:
            rest.append(str(step))
    return Spot(tuple(path), node, key_place, tuple(rest))


def _is_kind(node: Node, step: str | int) -> bool:
    """Whether a step of a location is the `kind` of the block it stands in, put there by pydantic."""
    entry = node.entries.get("kind") if isinstance(node, Block) else None
    return entry is not None and isinstance(entry.node, Leaf) and entry.node.text == step


def _problem(place: Place, where: str, got: str, wanted: str, hint: str = "") -> Problem:
    return Problem(place.file, place.line, place.column, where, got, wanted, hint)


def explained(detail: ErrorDetails, root: Block) -> Problem:
    """One fault that pydantic found, in plain words and with its place."""
    kind, location = detail["type"], detail["loc"]
    context: Mapping[str, Any] = detail.get("ctx", {})
    if kind == "missing":
        return _missing(location, root)
    if kind == "extra_forbidden":
        return _unknown(location, root)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _wrong_kind(location, context, root)
    if location and location[-1] == "[key]":
        return _bad_key(location[:-1], kind, context, root)
    spot = _follow(location, root)
    where = ".".join(spot.path)
    if kind == "value_error":
        return _in_own_words(spot, str(context.get("error", detail["msg"])))
    wanted = _WANTED[kind](context) if kind in _WANTED else detail["msg"].removeprefix("Input should be ")
    return _problem(spot.node.place, where, shown(spot.node), wanted, _hint(kind, context, spot.node))


def _missing(location: Sequence[str | int], root: Block) -> Problem:
    spot = _follow(location[:-1], root)
    key = str(location[-1])
    hint = "`assumed` where there is no public source" if key == "source" else ""
    return _problem(spot.key_place, ".".join((*spot.path, key)), "nothing", "this key", hint)


def _unknown(location: Sequence[str | int], root: Block) -> Problem:
    spot = _follow(location, root)
    key = spot.path[-1]
    known = keys_at(spot.path[:-1], root)
    wanted = "one of " + ", ".join(known) if len(known) <= _MANY else "a key of this block"
    return _problem(
        spot.key_place, ".".join(spot.path), f"the unknown key {quoted(key)}", wanted, nearest(key, known)
    )


def _wrong_kind(location: Sequence[str | int], context: Mapping[str, Any], root: Block) -> Problem:
    spot = _follow(location, root)
    kinds = re.findall(r"'([^']*)'", str(context.get("expected_tags", "")))
    if not kinds and isinstance(spot.node, Block):
        kinds = keys_at((*spot.path, "kind"), root)
    if not isinstance(spot.node, Block):
        return _problem(
            spot.node.place, ".".join(spot.path), shown(spot.node), "a block of keys with a `kind`"
        )
    where = ".".join((*spot.path, "kind"))
    wanted = "one of " + ", ".join(kinds) if kinds else "this key"
    entry = spot.node.entries.get("kind")
    if entry is None:
        return _problem(spot.key_place, where, "nothing", wanted)
    text = entry.node.text if isinstance(entry.node, Leaf) else ""
    return _problem(entry.node.place, where, shown(entry.node), wanted, nearest(text, kinds))


def _bad_key(location: Sequence[str | int], kind: str, context: Mapping[str, Any], root: Block) -> Problem:
    spot = _follow(location, root)
    key = spot.path[-1]
    wanted = _WANTED[kind](context) if kind in _WANTED else "another name"
    hint = nearest(key, _choices(context)) if kind == "literal_error" else ""
    return _problem(spot.key_place, ".".join(spot.path), f"the key {quoted(key)}", wanted, hint)


_OWN_WORDS = re.compile(r"(?:(?P<what>[a-z_][a-z0-9_, ]*): )?got (?P<got>.*), want (?P<wanted>.*)", re.DOTALL)
_KEY_WORDS = re.compile(r"(?P<what>[a-z_][a-z0-9_]*): want (?P<wanted>.*)", re.DOTALL)


def _in_own_words(spot: Spot, message: str) -> Problem:
    """A message of our own code: "key: got ..., want ...", of which the key stands in the block."""
    match = _OWN_WORDS.fullmatch(message) or _KEY_WORDS.fullmatch(message)
    if match is None:
        return _problem(spot.node.place, ".".join(spot.path), shown(spot.node), message)
    said = match.groupdict()
    place, path = spot.node.place, spot.path
    key = (said["what"] or "").split(",")[0].removesuffix("_h")
    entry = spot.node.entries.get(key) if isinstance(spot.node, Block) else None
    if entry is not None:
        place, path = entry.node.place, (*path, key)
    got = said.get("got") or (shown(entry.node) if entry else "nothing")
    if got.startswith(("(", "{")):  # a list or a block where a scalar was wanted
        got = shown(spot.node)
    return _problem(place, ".".join(path), got, said["wanted"])


def _choices(context: Mapping[str, Any]) -> list[str]:
    return re.findall(r"'([^']*)'", str(context.get("expected", "")))


def _hint(kind: str, context: Mapping[str, Any], node: Node) -> str:
    if not isinstance(node, Leaf):
        return ""
    if kind == "literal_error":
        return nearest(node.text, _choices(context))
    if kind == "string_type":
        return "put it in quotes"
    if kind in ("int_type", "float_type"):
        return _plain_number(node.text, whole=kind == "int_type")
    if kind == "bool_type" and node.text.lower() in ("yes", "on", "no", "off"):
        return f"write {'true' if node.text.lower() in ('yes', 'on') else 'false'}"
    return ""


_NUMBER = re.compile(r"(?:[1-9]\d{0,2}(?:,\d{3})*|\d+)(?:\.\d*)?(?:e\+?\d+)?", re.IGNORECASE | re.ASCII)
_MAX_WHOLE = 1e15
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})*(?:\.\d+)?|0?\.\d+")


def _plain_number(text: str, *, whole: bool) -> str:
    """How a number is written that was given as a text, or with decimals; "" if it is none that the key could take.

    >>> [_plain_number(text, whole=False) for text in ("16,384", "0.5", "1,5", "many")]
    ['write 16384', 'write 0.5', 'write 1.5, with a point', '']
    >>> [_plain_number(text, whole=True) for text in ("16,384", "390.0", "1e3", "390.000", "390.5")]
    ['write 16384', 'write 390', 'write 1000', 'write 390 or 390000', '']
    """
    if whole:
        return _whole(text)
    if _GROUPED.fullmatch(text):
        return f"write {text.replace(',', '')}"
    return f"write {text.replace(',', '.')}, with a point" if re.fullmatch(r"\d+,\d+", text) else ""


def _whole(text: str) -> str:
    """How a whole number is written without decimals; three zeros after a point may be thousands."""
    if not _NUMBER.fullmatch(text):
        return ""
    value = float(text.replace(",", ""))
    if not value.is_integer() or value >= _MAX_WHOLE:
        return ""
    thousands = f" or {text.replace('.', '')}" if re.fullmatch(r"[1-9]\d{0,2}\.000", text) else ""
    return f"write {value:.0f}{thousands}"


def _entries(n: int) -> str:
    return f"{n:,} entry" if n == 1 else f"{n:,} entries"


Words = Callable[[Mapping[str, Any]], str]


def _always(text: str) -> Words:
    return lambda _context: text


def _same(kinds: Iterable[str], words: Words) -> dict[str, Words]:
    return dict.fromkeys(kinds, words)


_WANTED: dict[str, Words] = {
    **_same(("int_type", "int_parsing", "int_from_float"), _always("a whole number")),
    **_same(("int_parsing_size",), _always("a smaller number")),
    **_same(("float_type", "float_parsing"), _always("a number")),
    **_same(("finite_number",), _always("a finite number")),
    **_same(("string_type",), _always("a text")),
    **_same(("bool_type", "bool_parsing"), _always("true or false")),
    **_same(("dict_type", "model_type", "model_attributes_type", "mapping_type"), _always("a block of keys")),
    **_same(("tuple_type", "list_type"), _always("a list")),
    **_same(
        ("string_pattern_mismatch",), _always("a name of letters, digits and underscores, not a digit first")
    ),
    "greater_than": lambda context: f"> {context['gt']:g}",
    "greater_than_equal": lambda context: f">= {context['ge']:g}",
    "less_than": lambda context: f"< {context['lt']:g}",
    "less_than_equal": lambda context: f"<= {context['le']:,g}",
    "string_too_short": lambda context: f"at least {context['min_length']} character(s)",
    "string_too_long": lambda context: f"at most {context['max_length']:,} characters",
    "too_short": lambda context: f"at least {_entries(context['min_length'])}",
    "too_long": lambda context: f"at most {_entries(context['max_length'])}",
    "literal_error": lambda context: "one of " + ", ".join(_choices(context)),
}
"""What pydantic wanted, by the type of its error."""
