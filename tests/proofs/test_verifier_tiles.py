"""The stand-alone verifier on directories of tiles: a whole ledger, computed again."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from service.proofs.wenxiao_verify import tile_name
from tests.proofs.bundles import POLICY, Book, sample, signed, tiles
from tests.proofs.verdicts import Verify, false, judged, written


@cache
def long() -> Book:
    """Six hundred records of thirty streams."""
    book, versions = Book(), dict.fromkeys(range(30), 0)
    template = sample().entries[0]
    for n in range(600):
        versions[n % 30] += 1
        _, _, _, at, _, _, topic, salt, body = template.split(b"\n", 8)
        head = b"wenxiao/1\nshizong\n%d\n%b\nproject/%d\n%d" % (n + 1, at, n % 30, versions[n % 30])
        book.entries.append(b"\n".join((head, topic, salt, body)))
    return book


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tiles(long(), tmp_path / "tiles")


@pytest.fixture
def verify(tmp_path: Path, directory: Path) -> Verify:
    policy = written(tmp_path / "policy.txt", POLICY.encode())
    return lambda *options: judged(directory, "--policy", policy, *options)


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 600])
def test_an_honest_directory_is_true(verify: Verify, directory: Path, size: int) -> None:
    shutil.rmtree(directory)
    tiles(long(), directory, size)
    report = verify("--range", f"1-{size}", "--stream", "project/0")
    assert report.exit == 0
    assert f"登记项 entries: {size} 条 · record{'s' * (size > 1)};" in str(report)


def test_a_ledger_that_has_grown_since_keeps_only_full_tiles(
    verify: Verify, directory: Path
) -> None:
    tiles(long(), directory, 300)
    for name in ("tile/entries/001.p/44", "tile/0/001.p/44", "sm3/tile/0/001.p/44"):
        (directory / name).unlink()
    assert verify().exit == 0


def test_it_can_be_read_without_a_key_but_proves_nothing(directory: Path) -> None:
    assert judged(directory).exit == 3
    flip(directory / "tile/0/000", 0)
    assert judged(directory).exit == 1


@pytest.mark.parametrize(
    ("name", "at", "found"),
    [
        ("tile/0/001", 33, ("tree.sha256", 258)),
        ("sm3/tile/0/002.p/88", 0, ("tree.sm3", 513)),
        ("tile/1/000.p/2", 40, ("tree.sha256", 257)),
        ("sm3/tile/1/000.p/2", 0, ("tree.sm3", 1)),
    ],
)
def test_a_changed_tile_is_named(
    verify: Verify, directory: Path, name: str, at: int, found: tuple[str, int]
) -> None:
    flip(directory / name, at)
    report = verify()
    assert false(report) == [found]
    assert name in str(report)


def test_a_changed_entry_is_found_where_it_is(verify: Verify, directory: Path) -> None:
    path = directory / "tile/entries/001"
    at = path.read_bytes().index(b"\n300\n")
    at = path.read_bytes().index(b'"said": 1', at) + 8
    flip(path, at)
    report = verify()
    assert {("tree.sha256", 300), ("tree.sm3", 300)} <= {*false(report)}
    assert report.verdict.position == 300


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        (b"\n300\n", b"\n301\n", "entries"),
        (b"shizong\n300\n", b"kunming\n300\n", "entries"),
        (b"project/29\n10\n", b"project/29\n11\n", "order"),
        (b"project/29\n10\n", b"project/28\n10\n", "order"),
    ],
)
def test_a_false_entry_is_told_from_a_changed_one(
    verify: Verify, directory: Path, old: bytes, new: bytes, check: str
) -> None:
    path = directory / "tile/entries/001"
    data = path.read_bytes()
    at = data.index(old, data.index(b"shizong\n300\n"))
    path.write_bytes(data[:at] + data[at:].replace(old, new, 1))
    assert (check, 300) in false(verify())


def test_a_ledger_made_anew_is_another(verify: Verify, directory: Path) -> None:
    """Entries and tiles agree with each other, and not with what was signed."""
    book = Book([*long().entries])
    book.entries[299] = book.entries[299].replace(b'"said": 1', b'"said": 2')
    honest = (directory / "checkpoint").read_bytes()
    tiles(book, directory)
    (directory / "checkpoint").write_bytes(honest)
    assert false(verify()) == [("tree.sha256", None), ("tree.sm3", None)]


def test_a_roster_that_was_signed_has_to_follow_from_the_records(
    verify: Verify, directory: Path
) -> None:
    lie = replace(long().checkpoint(), roster_sm3=long().checkpoint(599).roster_sm3)
    (directory / "checkpoint").write_bytes(signed(lie))
    assert false(verify()) == [("roster", None)]


@pytest.mark.parametrize(
    "name", ["tile/entries/001", "tile/0/001", "sm3/tile/1/000.p/2", "tile/entries/002.p/88"]
)
def test_a_missing_file_is_named(verify: Verify, directory: Path, name: str) -> None:
    (directory / name).unlink()
    report = verify("--range", "1-600")
    assert ("files", None) in false(report)
    assert name in str(report)


@pytest.mark.parametrize("missing", ["tile/1/000.p/2", "tile/entries/002.p/88"])
def test_what_else_is_false_is_told_all_the_same(
    verify: Verify, directory: Path, missing: str
) -> None:
    path = directory / "tile/entries/001"
    path.write_bytes(path.read_bytes().replace(b"\n300\n", b"\n301\n", 1))
    (directory / missing).unlink()
    found = false(verify())
    assert {("files", None), ("entries", 300), ("tree.sm3", 300)} <= {*found}
    assert found.count(("entries", 300)) == 1


def test_a_missing_checkpoint_is_named(verify: Verify, directory: Path) -> None:
    (directory / "checkpoint").unlink()
    report = verify()
    assert (report.exit, false(report)) == (3, [])
    assert "检查点 checkpoint: 没有检查点" in report.verdict.says


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/000", "checkpoint"])
def test_what_is_no_plain_file_is_refused(verify: Verify, directory: Path, name: str) -> None:
    """A pipe that nobody writes to would never be read to its end."""
    path = directory / name
    kept = path.rename(path.with_name("kept"))
    for make in (os.mkfifo, Path.mkdir, lambda it: it.symlink_to(kept)):
        make(path)
        assert "no plain file" in str(verify())
        assert verify().exit == 1
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_folder_that_leads_elsewhere_is_refused(
    verify: Verify, directory: Path, tmp_path: Path
) -> None:
    elsewhere = (directory / "tile").rename(tmp_path / "elsewhere")
    (directory / "tile").symlink_to(elsewhere)
    assert "no plain directory: tile" in str(verify())
    assert verify().exit == 1


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xff" * 70_000, b"\x00" * 512])
def test_what_is_no_tile_is_refused(verify: Verify, directory: Path, data: bytes) -> None:
    for name in ("tile/entries/000", "tile/0/000", "sm3/tile/1/000.p/2"):
        kept = (directory / name).read_bytes()
        (directory / name).write_bytes(data)
        assert verify().exit == 1
        (directory / name).write_bytes(kept)
    assert verify().exit == 0


def test_a_size_beyond_all_files_ends_at_the_first_that_is_missing(
    verify: Verify, directory: Path
) -> None:
    lie = replace(long().checkpoint(), size=10**18)
    (directory / "checkpoint").write_bytes(signed(lie))
    report = verify()
    assert report.exit == 1
    assert "tile/entries/002" in str(report)


def test_all_that_an_older_checkpoint_says_is_compared(
    verify: Verify, directory: Path, tmp_path: Path
) -> None:
    for size in (1, 256, 300, 600):
        older = written(tmp_path / "older", signed(long().checkpoint(size)))
        assert f"({size}): 同一份历史 · the same history" in str(verify("--against", older))
    lie = replace(long().checkpoint(300), roster_sm3=long().checkpoint(299).roster_sm3)
    assert false(verify("--against", written(tmp_path / "older", signed(lie)))) == [
        ("against", 300)
    ]
    (directory / "checkpoint").write_bytes(signed(long().checkpoint(512)))
    newest = written(tmp_path / "newest", signed(long().checkpoint(600)))
    assert "– 另一检查点" in str(verify("--against", newest))


def test_a_range_beyond_the_ledger_is_not_there(verify: Verify) -> None:
    report = verify("--range", "600-601")
    assert (report.exit, report.verdict.position) == (3, 601)


def test_tiles_stand_where_the_specification_says() -> None:
    assert tile_name("tile/0", 1234067, 256) == "tile/0/x001/x234/067"
    assert tile_name("tile/0", 0, 256) == "tile/0/000"
    assert tile_name("tile/entries", 1000, 7) == "tile/entries/x001/000.p/7"
