"""From the name of a policy function in a file to its text: read where it stands, and kept in the scenario."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ras_sim.errors import InputError, Problem, nearest
from ras_sim.scenario.function import MAX_CHARS, NAME
from ras_sim.scenario.positions import Block, Entry, Leaf, Node, Place, node_at, quoted, shown

PATH = ("repair", "policy", "function")


def with_code(root: Block, folder: Path | None) -> tuple[Block, list[Problem]]:
    """The tree with the text of its policy function beside the name of it.

    Args:
        root: the merged scenario.
        folder: where a module is looked for first; None for a text, which stands nowhere.

    Returns:
        The tree, and what is wrong: then the function is left out.
    """
    node = node_at(PATH, root)
    if not isinstance(node, Leaf) or not isinstance(node.value, str):
        return root, []  # nothing, a block that has its text already, or a fault of shape
    try:
        text = _text(node, folder)
    except InputError as error:
        return _replaced(root, None), list(error.problems)
    place = node.place
    entries = {"name": Entry(place, node), "code": Entry(place, Leaf(text, text, place))}
    return _replaced(root, Block(entries, place)), []


def without_code(root: Block) -> tuple[Block, list[Problem]]:
    """The tree without its policy function, and that it has one: code is run only for who asks for it."""
    node = node_at(PATH, root)
    if node is None:
        return root, []
    name = node_at((*PATH, "name"), root) or node
    hint = "it runs Python code of its author: read it, then --allow-code, or ras_sim.load(path, allow_code=True)"
    return _replaced(root, None), [_problem(node.place, f"Python code, {shown(name)}", "leave to run it", hint)]


def _problem(place: Place, got: str, wanted: str, hint: str = "") -> Problem:
    return Problem(place.file, place.line, place.column, ".".join(PATH), got, wanted, hint)


def _replaced(root: Block, node: Node | None) -> Block:
    """The tree with another function, or with none."""
    blocks = [root]
    for key in PATH[:-1]:
        below = blocks[-1].entries[key].node
        assert isinstance(below, Block)  # a value was found below it
        blocks.append(below)
    new: Node | None = node
    for key, block in zip(reversed(PATH), reversed(blocks), strict=True):
        entries = dict(block.entries)
        if new is None:
            del entries[key]
        else:
            entries[key] = Entry(entries[key].key_place, new)
        new = Block(entries, block.place)
    assert isinstance(new, Block)
    return new


def _text(name: Leaf, folder: Path | None) -> str:
    """The text of the module that a name means.

    Raises:
        InputError: it is no such name, there is no such module, or its text cannot be read.
    """
    from re import fullmatch

    if fullmatch(NAME, name.text) is None:
        raise InputError([_problem(name.place, quoted(name.text), "module:function, e.g. my_policy:first_try")])
    module = name.text.partition(":")[0]
    path = _beside(module, folder) or _importable(module)
    if path is None:
        where = f"a file {module.replace('.', '/')}.py beside it, or a module that can be imported"
        near = [one.stem for one in folder.glob("*.py")] if folder is not None else []
        raise InputError([_problem(name.place, quoted(module), where, nearest(module, near))])
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").rstrip()
    except (OSError, UnicodeDecodeError) as error:
        reason = "not text in UTF-8" if isinstance(error, UnicodeDecodeError) else (error.strerror or str(error)).lower()
        raise InputError([_problem(name.place, f"{quoted(str(path))}: {reason}", "a file to read")]) from None
    if not text or len(text) > MAX_CHARS:
        got = f"{quoted(str(path))}: {len(text):,} characters"
        raise InputError([_problem(name.place, got, f"1 to {MAX_CHARS:,}")])
    return text


def _beside(module: str, folder: Path | None) -> Path | None:
    """The file of a module in a folder."""
    if folder is None:
        return None
    path = folder.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.is_file() else None


def _importable(module: str) -> Path | None:
    """The file of a module that can be imported, if it has one; packages above it are imported for that."""
    try:
        found = find_spec(module)
    except Exception:  # whatever a package above it does when it is imported
        return None
    origin = None if found is None or not found.has_location else found.origin
    return Path(origin) if origin is not None and origin.endswith(".py") else None
