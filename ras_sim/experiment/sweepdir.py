"""The folder of a sweep.

    points/KEY.parquet   the replications of one point, written as soon as it is finished; what a point depends on is
                         in its key, so it is used again by any sweep that needs it
    points/KEY.journal   the replications of a point that is not finished, each from the moment it is finished
    manifest.json        the points with their values, seed, version, what is finished
    sweep.json           every point, as `ras-sim sweep --json` prints it
    replications.parquet one row of metrics per point and replication
    sweep.html, summary.md
                         written by the report
    lock                 held by the process that is at work there

Each file is written beside its old self, forced to the disk and renamed, so that a kill at any moment leaves it whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ras_sim.errors import InputError
from ras_sim.experiment.files import file_problem, locked, put_together, readable_errors, writable_folder
from ras_sim.experiment.pointstore import POINTS, check_names, frame_writer, json_writer

if TYPE_CHECKING:
    from ras_sim.experiment.sweep import Sweep

KIND = "ras-sim sweep"
SCHEMA = 1
MANIFEST = "manifest.json"
REPORTS = ("sweep.html", "summary.md")

_OURS = frozenset({MANIFEST, "sweep.json", "replications.parquet", *REPORTS})


def write(directory: str | Path, sweep: Sweep) -> Path:
    """Write a sweep, in place of an earlier one if there is one; its finished points stay.

    Returns:
        The directory.

    Raises:
        InputError: it is a file, holds other things than a sweep, or cannot be written.
    """
    folder = check_target(directory)
    with locked(folder), readable_errors(folder):
        files = {
            "replications.parquet": frame_writer(sweep.frame()),
            "sweep.json": json_writer(sweep.to_json()),
            MANIFEST: json_writer(manifest(sweep)),
        }
        put_together(folder, files, REPORTS)
    return folder


def check_target(directory: str | Path) -> Path:
    """Check that a sweep may be written to a directory; worth calling before the runs, not only after them.

    Returns:
        The directory as a path; it may not exist yet.

    Raises:
        InputError: it is a file, holds other things than a sweep, or is not writable.
    """
    return writable_folder(directory, check_contents)


def read_json(directory: str | Path) -> dict[str, Any]:
    """The sweep.json of a saved sweep.

    Raises:
        InputError: there is none, it was not finished, or it is damaged.
    """
    folder = Path(directory)
    with readable_errors(folder):
        if not (folder / MANIFEST).exists():
            hint = "ras-sim sweep --out writes one"
            raise file_problem(folder, f"no {MANIFEST}", "the folder of a finished sweep", hint)
        _check_manifest(folder)
        return _read_object(folder / "sweep.json")


def manifest(sweep: Sweep) -> dict[str, Any]:
    """What is needed to make the sweep again, and to know whether it is complete."""
    from ras_sim import __version__

    keys = [factor.key for factor in sweep.factors]
    finished = {one.point.index for one in sweep.finished}
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "version": __version__,
        "scenario": sweep.scenario.name,
        "source_text": sweep.scenario.source_text,
        "design": sweep.design,
        "metric": sweep.metric,
        "seed": sweep.seed,
        "replications": sweep.replications,
        "points": [
            {
                "values": dict(zip(keys, point.values, strict=True)),
                "resolved_hash": point.resolved_hash,
                "file": f"{POINTS}/{point.key(sweep.seed, range(sweep.replications))}.parquet",
                "finished": point.index in finished,
            }
            for point in sweep.points
        ],
        "first_resolved_text": sweep.scenario.resolved_text,
        "interrupted": sweep.interrupted,
        "reused_points": sweep.n_reused,
        "wall_s": sweep.wall_s,
    }


def check_contents(folder: Path) -> None:
    """Raise InputError if a folder holds anything that is not of a sweep."""
    check_names(folder, _OURS, "an earlier sweep")
    if (folder / MANIFEST).exists():
        try:
            _check_manifest(folder)
        except InputError as error:
            raise file_problem(
                folder, "a folder of another kind", "an earlier sweep", "choose an empty or a new folder"
            ) from error


def _check_manifest(folder: Path) -> None:
    """Raise InputError unless the manifest is that of a sweep that this version can read."""
    found = _read_object(folder / MANIFEST)
    if found.get("kind") != KIND or found.get("schema") != SCHEMA:
        raise file_problem(folder / MANIFEST, "another kind of file", "the manifest of a sweep")


def _read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise file_problem(path, f"not JSON ({error})", "a file of a sweep") from error
    if not isinstance(found, dict):
        raise file_problem(path, "no JSON object", "a file of a sweep")
    return found
