"""The folder of a comparison.

    manifest.json        the designs with their scenarios, seed, version, which replications
    comparison.json      every difference, as `ras-sim compare --json` prints it
    replications.parquet one row of metrics per design and replication
    compare.html, summary.md
                         written by the report
    KEY.journal          what each replication gave, from the moment it is finished: the same comparison goes on from it,
                         also with more replications
    lock                 held by the process that is at work there

All files are written beside their old selves before the first takes its place. The manifest goes first and comes back
last: a folder without it is a comparison that was not finished.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ras_sim.errors import InputError
from ras_sim.experiment.files import (
    file_problem,
    locked,
    put_together,
    readable_errors,
    writable_folder,
)
from ras_sim.experiment.kept import forget, is_passing

if TYPE_CHECKING:
    from ras_sim.experiment.compare import Comparison

KIND = "ras-sim comparison"
SCHEMA = 1
MANIFEST = "manifest.json"
REPORTS = ("compare.html", "summary.md")

_PART = ".part"
_OURS = frozenset({MANIFEST, "comparison.json", "replications.parquet", *REPORTS})


def write(directory: str | Path, comparison: Comparison) -> Path:
    """Write a comparison, in place of an earlier one if there is one.

    Returns:
        The directory.

    Raises:
        InputError: it is a file, holds other things than a comparison, or cannot be written.
    """
    folder = check_target(directory)
    with locked(folder), readable_errors(folder):
        files: dict[str, Callable[[BinaryIO], object]] = {
            "replications.parquet": lambda file: _write_frame(comparison, file),
            "comparison.json": lambda file: _write_json(comparison.to_json(), file),
            MANIFEST: lambda file: _write_json(manifest(comparison), file),
        }
        put_together(folder, files, REPORTS)
        forget(folder, but=comparison.key)
    return folder


def check_target(directory: str | Path) -> Path:
    """Check that a comparison may be written to a directory; worth calling before the runs, not only after them.

    Returns:
        The directory as a path; it may not exist yet.

    Raises:
        InputError: it is a file, holds other things than a comparison, or is not writable.
    """
    return writable_folder(directory, _check_contents)


def read_json(directory: str | Path) -> dict[str, Any]:
    """The comparison.json of a saved comparison.

    Raises:
        InputError: there is none, it was not finished, or it is damaged.
    """
    folder = Path(directory)
    with readable_errors(folder):
        _check_manifest(folder)
        return _read_object(folder / "comparison.json")


def manifest(comparison: Comparison) -> dict[str, Any]:
    """What is needed to make the comparison again, and to know whether it is complete."""
    from ras_sim import __version__

    designs = [
        {
            "name": design.name,
            "scenario": design.scenario.name,
            "description": design.scenario.description,
            "changes": list(design.changes),
            "content_hash": design.scenario.content_hash,
            "source_text": design.scenario.source_text,
            "resolved_text": design.scenario.resolved_text,
        }
        for design in comparison.designs
    ]
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "version": __version__,
        "designs": designs,
        "seed": comparison.seed,
        "replications": comparison.replications,
        "finished": [one.replication for one in comparison.measures[0]],
        "interrupted": comparison.interrupted,
        "wall_s": comparison.wall_s,
    }


def _write_json(value: dict[str, Any], file: BinaryIO) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # Half a surrogate pair cannot be encoded; its backslash form is what JSON writes for it.
    file.write(text.encode("utf-8", "backslashreplace"))


def _write_frame(comparison: Comparison, file: BinaryIO) -> None:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    rows = pa.Table.from_pandas(comparison.frame(), preserve_index=False)
    # Without what pandas notes of itself: its version, and types that depend on which values occurred.
    pq.write_table(rows.replace_schema_metadata(), file, compression="zstd")


def _check_contents(folder: Path) -> None:
    """Raise InputError if a folder holds anything that is not of a comparison."""
    names = {path.name for path in folder.iterdir() if not is_passing(path.name)}
    foreign = sorted(names - _OURS - {f"{name}{_PART}" for name in _OURS})
    hint = "choose an empty or a new folder"
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise file_problem(
            folder, f"a folder that holds {', '.join(foreign[:3])}{more}", "an earlier comparison", hint
        )
    if MANIFEST in names:
        try:
            _check_manifest(folder)
        except InputError as error:
            raise file_problem(folder, "a folder of another kind", "an earlier comparison", hint) from error


def _check_manifest(folder: Path) -> None:
    """Raise InputError unless the folder holds a finished comparison that this version can read."""
    path = folder / MANIFEST
    if not path.exists():
        raise file_problem(
            folder, f"no {MANIFEST}", "the folder of a comparison", "ras-sim compare --out writes one"
        )
    found = _read_object(path)
    if found.get("kind") != KIND or found.get("schema") != SCHEMA:
        raise file_problem(path, "another kind of file", "the manifest of a comparison")


def _read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise file_problem(path, f"not JSON ({error})", "a file of a comparison") from error
    if not isinstance(found, dict):
        raise file_problem(path, "no JSON object", "a file of a comparison")
    return found
