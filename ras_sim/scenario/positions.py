"""Text to a tree of values that know where they stand: YAML by YAML 1.2's few rules, without what could hurt.

Refused: more than 1 MB, text that is not UTF-8, nesting deeper than 64, more than 100,000 values, anchors,
aliases, tags, merge keys, several documents, keys given twice. Why PyYAML: docs/decisions/0002.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import yaml

from ras_sim.errors import InputError, Problem

try:
    from yaml import CBaseLoader as _Loader
except ImportError:  # PyYAML built without libyaml: slower, same tree
    from yaml import BaseLoader as _Loader  # type: ignore[assignment]

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_VALUES = 100_000
_MAX_NUMBER_CHARS = 400
_SHOWN_CHARS = 80

Scalar: TypeAlias = bool | int | float | str | None

_MEANINGS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_WORDS = {form: _MEANINGS[word] for word in _MEANINGS for form in (word, word.capitalize(), word.upper())}
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL = {"inf": math.inf, "+inf": math.inf, "-inf": -math.inf, "nan": math.nan}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: line and column from 1, None where it came from elsewhere than a file."""

    file: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """One scalar: its value, and the text as written."""

    value: Scalar
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    nodes: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping, in the order of the file."""

    entries: dict[str, Entry]
    place: Place


class Entry(NamedTuple):
    """A key of a block: where the key stands, and what it holds."""

    key_place: Place
    node: Node


Node: TypeAlias = Leaf | Items | Block


def node_at(path: Sequence[str], root: Block) -> Node | None:
    """What stands at a place; None for nothing."""
    node: Node | None = root
    for key in path:
        entry = node.entries.get(key) if isinstance(node, Block) else None
        node = entry.node if entry else None
    return node


def leaves(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Leaf]]:
    """Every scalar with the keys that lead to it; a place in a list is its number."""
    if isinstance(node, Block):
        for key, entry in node.entries.items():
            yield from leaves(entry.node, (*path, key))
    elif isinstance(node, Items):
        for number, item in enumerate(node.nodes):
            yield from leaves(item, (*path, str(number)))
    else:
        yield path, node


def plain(node: Node) -> Any:
    """The tree as plain data: dicts, tuples and scalars."""
    if isinstance(node, Block):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    if isinstance(node, Items):
        return tuple(plain(item) for item in node.nodes)
    return node.value


def shown(node: Node) -> str:
    """What a person wrote, short enough for one line of a message."""
    if isinstance(node, Block):
        return f"a block of {len(node.entries)} keys" if node.entries else "an empty block"
    if isinstance(node, Items):
        return f"a list of {len(node.nodes)}"
    if node.value is None:
        return "nothing"
    return quoted(node.text) if isinstance(node.value, str) else node.text[:_SHOWN_CHARS]


def quoted(text: str) -> str:
    """A text in quotes, cut to one line."""
    return repr(text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "...")


def scalar_value(text: str) -> Scalar:
    """The value of a plain scalar by YAML 1.2's core schema, octal and hexadecimal left out: `no` is a word.

    >>> [scalar_value(text) for text in ("no", "1:30", "1e3", "8", "true", "~")]
    ['no', '1:30', 1000.0, 8, True, None]
    """
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _MAX_NUMBER_CHARS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    head, point, tail = text.partition(".")
    if point and head in ("", "+", "-"):
        return _SPECIAL.get(head + tail.lower(), text)
    return text


def parse(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """Read one YAML document.

    Args:
        text: the document.
        file: name of the file, for messages.

    Returns:
        The tree (None for an empty document) and the keys that were given twice.

    Raises:
        InputError: not YAML, or something that is refused; see above.
    """
    try:
        if len(text.encode()) > MAX_BYTES:
            raise InputError([too_large(file)])
        # Before `compose`, which recurses in C: a deep nest would end the interpreter.
        refused = [problem for problem in _refusals(text, file) if problem is not None]
        if refused:
            raise InputError(refused)
        root = yaml.compose(text, Loader=_Loader)
    except UnicodeEncodeError as error:
        place = _place_of_index(text, error.start, file)
        raise InputError([_problem(place, f"the character {text[error.start]!r}", "text in UTF-8")]) from None
    except yaml.MarkedYAMLError as error:
        raise InputError([_syntax_problem(error, file)]) from None
    except yaml.reader.ReaderError as error:
        place = _place_of_index(text, error.position, file)
        # libyaml gives the character as its number.
        raise InputError(
            [_problem(place, f"the character {chr(int(error.character))!r}", "printable text")]
        ) from None
    problems: list[Problem] = []
    return (None if root is None else _convert(root, file, problems)), problems


def too_large(file: str) -> Problem:
    """The problem of a text over the limit."""
    return Problem(file, None, None, "", f"more than {MAX_BYTES:,} bytes", f"at most {MAX_BYTES:,}")


def _refusals(text: str, file: str) -> Iterator[Problem | None]:
    """What is refused in the stream of events; ends at the first thing that goes on for ever."""
    depth = n_values = n_documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            yield _at(
                event,
                file,
                f"the alias *{event.anchor}",
                "the values themselves",
                "or `extends` another file",
            )
            continue
        if isinstance(event, yaml.NodeEvent):
            n_values += 1
            yield _refused_mark(event, file)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            n_documents += 1
        if depth > MAX_DEPTH:
            yield _at(event, file, "deeper nesting", f"at most {MAX_DEPTH} levels")
            return
        if n_values > MAX_VALUES:
            yield _at(event, file, "more values", f"at most {MAX_VALUES:,}")
            return
        if n_documents > 1:
            yield _at(event, file, "a second document", "one")
            return


def _refused_mark(event: Any, file: str) -> Problem | None:
    """The problem of an anchor or a tag."""
    if event.anchor is not None:
        return _at(
            event, file, f"the anchor &{event.anchor}", "no anchors and aliases", "`extends` another file"
        )
    tag = getattr(event, "tag", None)
    if tag is not None:
        return _at(event, file, f"the tag {quoted(tag.replace('tag:yaml.org,2002:', '!!'))}", "no tags")
    return None


def _at(event: Any, file: str, got: str, wanted: str, hint: str = "") -> Problem:
    return _problem(_place(event.start_mark, file), got, wanted, hint)


def _problem(place: Place, got: str, wanted: str, hint: str = "") -> Problem:
    return Problem(place.file, place.line, place.column, "", got, wanted, hint)


def _place(mark: Any, file: str) -> Place:
    return Place(file, mark.line + 1, mark.column + 1)


def _place_of_index(text: str, index: int, file: str) -> Place:
    before = text[:index]
    return Place(file, before.count("\n") + 1, index - before.rfind("\n"))


def _syntax_problem(error: yaml.MarkedYAMLError, file: str) -> Problem:
    """A fault of syntax in the words of the parser, with a hint for the commonest."""
    mark = error.problem_mark or error.context_mark
    place = _place(mark, file) if mark is not None else Place(file)
    said = (error.problem or "something else").removeprefix("found ")
    hint = ""
    if "mapping values are not allowed" in said:
        hint = "a text that holds ': ' needs quotes"
    elif "cannot start any token" in said:
        hint = "indent with spaces, and put texts that begin with a special character in quotes"
    context = f" {error.context}" if error.context else ""
    return _problem(place, f"a fault of syntax{context}: {said}", "", hint)


def _convert(node: Any, file: str, problems: list[Problem]) -> Node:
    """Our tree from PyYAML's; not deeper than `MAX_DEPTH`."""
    place = _place(node.start_mark, file)
    if isinstance(node, yaml.SequenceNode):
        return Items(tuple(_convert(item, file, problems) for item in node.value), place)
    if isinstance(node, yaml.ScalarNode):
        text: str = node.value
        return Leaf(text if node.style else scalar_value(text), text, place)
    entries: dict[str, Entry] = {}
    for key, value in node.value:
        key_place = _place(key.start_mark, file)
        if not isinstance(key, yaml.ScalarNode) or (key.value == "<<" and not key.style):
            problems.append(_problem(key_place, "no plain key", "a name before the colon"))
        elif _is_cut_off(key, value):
            problems.append(
                _problem(key_place, f"a comma before {quoted(key.value)}", "an amount with commas in quotes")
            )
        elif key.value in entries:
            first = entries[key.value].key_place.line
            problems.append(
                _problem(key_place, f"the key {quoted(key.value)} twice", f"it once (first: line {first})")
            )
        else:
            entries[key.value] = Entry(key_place, _convert(value, file, problems))
    return Block(entries, place)


def _is_cut_off(key: yaml.Node, value: yaml.Node) -> bool:
    """Whether a key is the end of an amount: YAML reads {at_most: 14,000} as 14 and a key 000 of nothing."""
    is_nothing = isinstance(value, yaml.ScalarNode) and not value.value and not value.style
    return is_nothing and isinstance(key, yaml.ScalarNode) and not key.style and key.value[:1].isdecimal()
