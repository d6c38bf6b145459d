"""Journals: whole records after a kill at any byte, forced to the disk, and clear errors of the disk."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import pytest

from ras_sim.errors import InputError
from ras_sim.experiment import journal as journals
from ras_sim.experiment.files import LOCK, locked
from ras_sim.experiment.journal import Journal
from ras_sim.experiment.kept import json_form
from ras_sim.experiment.replicate import run
from ras_sim.experiment.rows import pack, unpack
from ras_sim.ledger import Ledger
from ras_sim.metrics import Measures, measure
from tests.ledgers import FakeScenario, by_hand, empty, simulate

RECORDS = [b"first", b"", b"third \x00\n" * 40, b"last"]


def written(path: Path, records: list[bytes]) -> None:
    with Journal(path) as journal:
        for record in records:
            journal.append(record)


def test_records_come_back_in_order_and_more_can_be_added(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    written(path, RECORDS[:2])
    written(path, RECORDS[2:])
    assert Journal(path).records == RECORDS
    Journal(path).remove()
    assert Journal(path).records == []
    assert not path.exists(), "a journal without a record is no file"


def test_cut_at_any_byte_it_keeps_what_is_whole_and_goes_on(tmp_path: Path) -> None:
    whole = tmp_path / "whole.journal"
    ends = [18]  # of the line that it begins with
    for n in range(1, len(RECORDS) + 1):
        whole.unlink(missing_ok=True)
        written(whole, RECORDS[:n])
        ends.append(whole.stat().st_size)
    data = whole.read_bytes()
    for n in range(len(data)):
        cut = tmp_path / f"{n}.journal"
        cut.write_bytes(data[:n])
        n_whole = sum(end <= n for end in ends[1:])
        written(cut, [b"new"])
        assert Journal(cut).records == [*RECORDS[:n_whole], b"new"], n


def test_a_damaged_byte_loses_nothing_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    written(path, RECORDS)
    data = path.read_bytes()
    for n in range(len(data)):
        path.write_bytes(data[:n] + bytes([data[n] ^ 0x10]) + data[n + 1 :])
        found = Journal(path).records
        assert found == RECORDS[: len(found)], n
        assert len(found) < len(RECORDS), n


class Disk:
    """A clock of our own, and a disk that takes some of its time."""

    def __init__(self, takes_s: float) -> None:
        self.now_s, self.n_syncs, self.takes_s = 0.0, 0, takes_s

    def sync(self, descriptor: int) -> None:
        self.now_s += self.takes_s
        self.n_syncs += 1

    def monotonic(self) -> float:
        return self.now_s


@pytest.mark.parametrize(("takes_s", "share"), [(0.005, 0.1), (0.0001, 1.0)])
def test_forcing_it_to_the_disk_takes_a_twentieth_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, takes_s: float, share: float
) -> None:
    """A record each 10 ms: with 5 ms for it, one record in ten has its own."""
    disk = Disk(takes_s)
    monkeypatch.setattr(journals.time, "monotonic", disk.monotonic)
    monkeypatch.setattr(journals.os, "fsync", disk.sync)
    with Journal(tmp_path / "a.journal") as journal:
        for _ in range(1000):
            disk.now_s += 0.01
            journal.append(b"record")
    assert disk.n_syncs == pytest.approx(1000 * share, rel=0.1)
    assert disk.n_syncs * takes_s / disk.now_s < 0.055


def test_a_disk_that_is_full_in_the_middle_of_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.journal"
    with Journal(path) as journal:
        journal.append(b"kept")

        def half(file: journals.FileIO, data: bytes) -> None:
            file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(journals, "_write", half)
            with pytest.raises(InputError, match=r"No space left on device, want room on the disk \(make room"):
                journal.append(b"x" * 1000)
        journal.append(b"after")
    assert Journal(path).records == [b"kept", b"after"]


def test_a_ledger_comes_back_as_it_was() -> None:
    for ledger in (by_hand(3), empty(), simulate(FakeScenario(), seed=2, replication=5)):  # type: ignore[arg-type]
        back = unpack(pack(ledger))
        assert repr(back) == repr(ledger)  # not ==: a time that is not known is NaN
        assert measure(back) == measure(ledger)


def test_measures_come_back_as_they_were() -> None:
    form = json_form(Measures)
    found = measure(by_hand(4))
    assert form.unpack(form.pack(found)) == found


def test_the_last_of_a_folder_may_go_and_the_next_may_come(tmp_path: Path) -> None:
    with locked(tmp_path / "new" / "folder"):
        assert (tmp_path / "new" / "folder" / LOCK).exists()
        with pytest.raises(InputError, match="another process is at work"), locked(tmp_path / "new" / "folder"):
            pass
        assert (tmp_path / "new" / "folder" / LOCK).exists(), "who was refused leaves the lock of the other"
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    with locked(tmp_path / "new" / "folder"):
        pass


def counted(calls: list[int], fail_at: int | None = None) -> object:
    """The stand-in engine, which notes what it was asked for and may break."""

    def counting(scenario: FakeScenario, *, seed: int, replication: int) -> Ledger:
        if replication == fail_at:
            raise RuntimeError("the power went")
        calls.append(replication)
        return simulate(scenario, seed=seed, replication=replication)

    return counting


def run_in(folder: Path, calls: list[int], **arguments: object) -> object:
    fail_at = arguments.pop("fail_at", None)
    settings = {"replications": 6, "workers": 1, "out": folder, "simulate": counted(calls, fail_at), **arguments}  # type: ignore[arg-type]
    return run(FakeScenario(), **settings)  # type: ignore[arg-type]


def test_a_run_that_ended_badly_goes_on_where_it_was(tmp_path: Path) -> None:
    first: list[int] = []
    with pytest.raises(RuntimeError):
        run_in(tmp_path / "cut", first, fail_at=4)
    second: list[int] = []
    found = run_in(tmp_path / "cut", second)
    assert (first, second, found.n_reused) == ([0, 1, 2, 3], [4, 5], 4)  # type: ignore[attr-defined]
    found.save(tmp_path / "cut")  # type: ignore[attr-defined]
    run_in(tmp_path / "whole", []).save(tmp_path / "whole")  # type: ignore[attr-defined]
    names = sorted(path.name for path in (tmp_path / "cut").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert not [name for name in names if "journal" in name or name == LOCK]
    for path in (tmp_path / "cut").glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes()


def test_what_another_command_left_in_the_folder_is_not_taken_and_stays(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        run_in(tmp_path, [], fail_at=4)
    other: list[int] = []
    with pytest.raises(RuntimeError):
        run_in(tmp_path, other, seed=2, fail_at=2)
    assert other == [0, 1]
    mine: list[int] = []
    run_in(tmp_path, mine)
    assert mine == [4, 5]


def test_ledgers_that_are_not_kept_in_memory_are_kept_on_the_disk(tmp_path: Path) -> None:
    assert run_in(tmp_path, [], keep_ledgers=False).ledgers == ()  # type: ignore[attr-defined]
    again: list[int] = []
    assert len(run_in(tmp_path, again).ledgers) == 6  # type: ignore[attr-defined]
    assert again == []


def test_keeping_a_replication_is_cheap_beside_making_it() -> None:
    """CPU time of making a ledger's bytes against that of simulating it, in one process."""
    import ras_sim
    from ras_sim.engine import simulate as engine

    scenario = ras_sim.load(Path(__file__).parents[2] / "scenarios" / "llama3_405b_16k.yaml")
    ledger = engine(scenario, seed=1, replication=0)
    pack(ledger)

    def cpu_s(work: object, n: int) -> float:
        times = []
        for _ in range(n):
            began_s = time.process_time()
            work()  # type: ignore[operator]
            times.append(time.process_time() - began_s)
        return min(times)

    made_s = cpu_s(lambda: engine(scenario, seed=1, replication=0), 3)
    assert cpu_s(lambda: pack(ledger), 9) < 0.08 * made_s
