"""Reading a scenario: YAML, the files it extends, values of the command line; every fault with its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG

from pydantic import ValidationError

from ras_sim.errors import InputError, Problem, nearest
from ras_sim.scenario.checks import findings
from ras_sim.scenario.function import ALLOWS_CODE
from ras_sim.scenario.keeping import PATH, with_code, without_code
from ras_sim.scenario.mend import further
from ras_sim.scenario.merge import merged, overridden
from ras_sim.scenario.messages import explain, located
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.positions import (
    MAX_BYTES,
    Block,
    Items,
    Leaf,
    Node,
    Place,
    node_at,
    parse,
    plain,
    quoted,
    shown,
    too_large,
)

LIBRARY = Path(__file__).with_name("library")
"""The folder of the shipped catalogues: what `extends: library:NAME` names."""

_PREFIX = "library:"
_MAX_CHAIN = 8
_MAX_FILES = 32


def load(path: str | Path, overrides: Sequence[str] = (), *, allow_code: bool = False) -> Scenario:
    """Read a scenario file.

    Args:
        path: the file.
        overrides: values in place of those of the file, each `key.path=value`.
        allow_code: read and run the Python function of its policy, if it has one; such a scenario is refused otherwise.

    Raises:
        InputError: everything that is wrong with it.
    """
    try:
        file = _File(str(path), Path(path).resolve())
    except (OSError, ValueError, RuntimeError):  # a loop of links, a zero byte
        raise InputError([Problem(str(path), None, None, "", "no such file", "a file to read")]) from None
    text = _read(file, Place(file.shown))
    return _scenario(text, file, overrides, file.path.parent, allow_code)


def loads(
    text: str,
    name: str = "<string>",
    overrides: Sequence[str] = (),
    *,
    allow_code: bool = False,
    folder: Path | None = None,
) -> Scenario:
    """Read a scenario from a text; it can extend shipped catalogues only, unless it is given a folder.

    Args:
        text: YAML.
        name: stands for a file name in messages.
        overrides, allow_code: see `load`.
        folder: where other files are that it names; None for nowhere.

    Raises:
        InputError: everything that is wrong with it.
    """
    return _scenario(text, _File(name, Path(name)), overrides, folder, allow_code)


@dataclass(frozen=True, slots=True)
class _File:
    """A file as messages name it, and where it is."""

    shown: str
    path: Path


def _scenario(
    text: str, file: _File, overrides: Sequence[str], folder: Path | None, allow_code: bool
) -> Scenario:
    reading = _Reading(folder)
    root, problems = reading.tree(text, file, ()), reading.problems
    if reading.incomplete:  # what the missing file would have brought must not be reported as missing
        raise _error(problems)
    root, wrong_overrides = overridden(root, overrides)
    problems.extend(wrong_overrides)
    root, wrong_code = with_code(root, reading.folder_of(node_at(PATH, root))) if allow_code else without_code(root)
    problems.extend(wrong_code)
    try:
        scenario = Scenario.model_validate(plain(root), context=ALLOWS_CODE)  # none is left that is not allowed
    except ValidationError as error:
        raise _error((*problems, *explain(error, root), *further(error, root))) from None
    problems.extend(located(finding, root) for finding in findings(scenario, root))
    if problems:
        raise _error(problems)
    scenario._source_text, scenario._folder, scenario._allows_code = text, folder, allow_code
    return scenario


def _error(problems: Iterable[Problem]) -> InputError:
    """One error for all problems, each once, in the order of their places."""
    return InputError(
        sorted(dict.fromkeys(problems), key=lambda one: (one.file, one.line or 0, one.column or 0))
    )


@dataclass(slots=True)
class _Reading:
    """One scenario being read: which files it may use, and what was wrong so far.

    Args:
        folder: what `extends` must stay in; None for a text, which has no folder.
    """

    folder: Path | None
    problems: list[Problem] = field(default_factory=list)
    incomplete: bool = False
    n_files: int = 0
    folders: dict[str, Path] = field(default_factory=dict)  # of the files that were read, as messages name them

    def folder_of(self, node: Node | None) -> Path | None:
        """Where the file is that states a value; the folder of the scenario for one of the command line."""
        return self.folder if node is None else self.folders.get(node.place.file, self.folder)

    def tree(self, text: str, file: _File, chain: tuple[_File, ...]) -> Block:
        """The tree of a file laid over the trees of what it extends.

        Raises:
            InputError: a text that is no block of keys.
        """
        root, problems = parse(text, file.shown)
        self.problems.extend(problems)
        if self.folder is not None:
            self.folders[file.shown] = file.path.parent
        if not isinstance(root, Block):
            got = "an empty file" if root is None else shown(root)
            raise InputError([Problem(file.shown, 1, 1, "", got, "a block of keys")])
        base = Block({}, root.place)
        for leaf in self._names(root):
            base = merged(base, _without_remarks(self._extended(leaf, (*chain, file))))
        own = {key: entry for key, entry in root.entries.items() if key != "extends"}
        return merged(base, Block(own, root.place))

    def _extended(self, leaf: Leaf, chain: tuple[_File, ...]) -> Block:
        """The tree of a file that is extended; empty, and a problem, if it cannot be used."""
        found = self._found(leaf, chain)
        try:
            if found is not None:
                return self.tree(_read(found, leaf.place), found, chain)
        except InputError as error:
            self.problems.extend(error.problems)
        self.incomplete = True
        return Block({}, leaf.place)

    def _names(self, root: Block) -> list[Leaf]:
        """What the file extends, in the order in which it is laid down."""
        entry = root.entries.get("extends")
        if entry is None:
            return []
        leaves = []
        for node in entry.node.nodes if isinstance(entry.node, Items) else (entry.node,):
            if isinstance(node, Leaf) and isinstance(node.value, str):
                leaves.append(node)
            else:
                self._report(node.place, shown(node), "the name of a file, or a list of names")
        return leaves

    def _found(self, leaf: Leaf, chain: tuple[_File, ...]) -> _File | None:
        """The file that a name of `extends` means; None, and a problem, if it cannot be used."""
        file = self._of_library(leaf) if leaf.text.startswith(_PREFIX) else self._beside(leaf, chain[-1])
        if file is None:
            return None
        names = [one.shown for one in chain]
        if file.path in [one.path for one in chain]:
            self._report(leaf.place, " -> ".join([*names, file.shown]), "no cycle")
            return None
        self.n_files += 1
        if len(chain) > _MAX_CHAIN:
            self._report(
                leaf.place, " -> ".join([*names, file.shown]), f"at most {_MAX_CHAIN} files in a row"
            )
            return None
        if self.n_files > _MAX_FILES:
            self._report(leaf.place, "one file more", f"at most {_MAX_FILES} in all")
            return None
        return file

    def _of_library(self, leaf: Leaf) -> _File | None:
        """A shipped catalogue by its name, with or without .yaml."""
        name = leaf.text.removeprefix(_PREFIX).removesuffix(".yaml")
        known = sorted(path.stem for path in LIBRARY.glob("*.yaml"))
        if name in known:
            return _File(f"{_PREFIX}{name}", (LIBRARY / f"{name}.yaml").resolve())
        wanted = "one of " + ", ".join(_PREFIX + one for one in known) if known else "a shipped catalogue"
        self._report(leaf.place, quoted(leaf.text), wanted, nearest(name, known))
        return None

    def _beside(self, leaf: Leaf, within: _File) -> _File | None:
        """A file named relative to the one that extends it, inside the folder of the scenario."""
        if self.folder is None or within.path.parent == LIBRARY:
            self._report(
                leaf.place, quoted(leaf.text), f"{_PREFIX}NAME", "no other file can be named here"
            )
            return None
        named = Path(leaf.text)
        wanted = "a file in the folder of the scenario, or below it"
        try:
            path = (within.path.parent / named).resolve()
        except (OSError, ValueError, RuntimeError):  # a loop of links, a zero byte, a name too long
            self._report(leaf.place, quoted(leaf.text), wanted)
            return None
        if named.is_absolute() or ".." in named.parts or not path.is_relative_to(self.folder):
            self._report(
                leaf.place, quoted(leaf.text), wanted, f"shipped catalogues are {_PREFIX}NAME"
            )
            return None
        return _File(str(Path(within.shown).parent / named), path)

    def _report(self, place: Place, got: str, wanted: str, hint: str = "") -> None:
        self.problems.append(Problem(place.file, place.line, place.column, "extends", got, wanted, hint))


def _without_remarks(root: Block) -> Block:
    """The tree less what holds of one design alone: what it must reach, and how far its numbers may be off.

    A design that is laid over it has other numbers, to which those ranges may not even fit.
    """
    own = ("expect", "uncertain")
    return Block({key: entry for key, entry in root.entries.items() if key not in own}, root.place)


def _read(file: _File, place: Place) -> str:
    """The text of a file.

    Args:
        place: where the file was named; the file itself for the first one.

    Raises:
        InputError: it cannot be read, is no plain file, is too large, or is not UTF-8.
    """
    try:
        raw = _bytes(file.path)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        got, where = (f"{quoted(file.shown)}: {reason}", "extends") if place.line else (reason, "")
        problem = Problem(
            place.file, place.line, place.column, where, got, "a file to read", _similar(file.path)
        )
        raise InputError([problem]) from None
    if len(raw) > MAX_BYTES:
        raise InputError([too_large(file.shown)])
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        got = f"the byte 0x{raw[error.start]:02x}"
        raise InputError([Problem(file.shown, line, None, "", got, "text in UTF-8")]) from None


def _bytes(path: Path) -> bytes:
    """Contents of a plain file, one byte over the limit at most."""
    if not S_ISREG(path.stat().st_mode):
        raise OSError(0, "a folder" if path.is_dir() else "not a plain file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _similar(path: Path) -> str:
    """A hint that names a file of a similar name in the same folder."""
    try:
        names = [other.name for other in path.parent.glob("*.yaml")]
    except OSError:
        return ""
    return nearest(path.name, names)
