"""A mirror holds a ledger to what it once was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import Engine

from service.ledger.application import Ledger
from service.proofs.mirror import Mirror, OtherHistory
from service.proofs.prover import Prover, covered, tiles_of
from service.proofs.tilepaths import read, written
from service.settings import Settings
from tests.proofs.cast import add, sealed_office
from tests.proofs.checking import Auditor, seal


@pytest.fixture
def ledger(engine: Engine, settings: Settings) -> Ledger:
    return sealed_office(engine, settings)


@pytest.fixture
def mirror(tmp_path: Path, ledger: Ledger, settings: Settings) -> Mirror:
    return Mirror(tmp_path / "mirror", Prover(ledger, settings))


def test_a_mirror_is_believed_as_it_grows(
    mirror: Mirror, ledger: Ledger, settings: Settings, tmp_path: Path
) -> None:
    auditor = Auditor(tmp_path)
    auditor.told_the_keys_of(ledger, settings)
    for more in (0, 1, 210, 1):
        if more:
            add(ledger, more)
            seal(ledger, settings)
        size = mirror.update().checkpoint.size
        assert size == ledger.head_position()
        assert auditor.checks_tiles(tmp_path / "mirror").exit == 0


def test_what_was_broken_off_is_taken_up_again(mirror: Mirror, tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(come: int, of: int) -> None:
        if come > of // 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        mirror.update(interrupt)
    assert not (tmp_path / "mirror" / "checkpoint").exists()
    mirror.update()
    assert (tmp_path / "mirror" / "checkpoint").exists()


@pytest.mark.parametrize("name", ["tile/0/000", "sm3/tile/0/001.p/45", "tile/entries/000"])
def test_a_file_that_was_changed_is_told_and_nothing_is_written(
    mirror: Mirror, ledger: Ledger, settings: Settings, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "mirror"
    mirror.update()
    whole = (folder / name).read_bytes()
    add(ledger, 300)
    seal(ledger, settings)
    other = bytes([whole[0] ^ 1]) + whole[1:]
    for spoilt in (
        other,
        whole[:-1] + bytes([whole[-1] ^ 1]),
        b"",
        whole[:-1],
        whole + b"\0",
        bytes(9_000),
    ):
        (folder / name).write_bytes(spoilt)
        before = files_in(folder)
        with pytest.raises(OtherHistory, match=f"{name} is not what this ledger has"):
            mirror.update()
        assert files_in(folder) == before
    (folder / name).write_bytes(whole)
    mirror.update()
    assert files_in(folder).keys() > before.keys()


def files_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_checkpoint_is_written_once_all_else_is_on_disk(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[str] = []
    sync = os.fsync

    def noting(number: int) -> None:
        settled.append(str(Path(f"/proc/self/fd/{number}").readlink()))
        sync(number)

    monkeypatch.setattr(os, "fsync", noting)
    mirror.update()
    folder = tmp_path / "mirror"
    before = settled[: settled.index(f"{folder}/.checkpoint.draft")]
    tiles = [path for path in folder.rglob("*") if path.is_file() and path.name != "checkpoint"]
    assert {str(path.with_name(f".{path.name}.draft")) for path in tiles} <= {*before}
    folders = [path for path in (folder, *folder.rglob("*")) if path.is_dir()]
    assert {*map(str, folders)} <= {*before}


def test_one_ledger_does_not_go_on_where_another_one_was(
    mirror: Mirror, ledger: Ledger, settings: Settings, tmp_path: Path
) -> None:
    mirror.update()
    file = tmp_path / "mirror" / "checkpoint"
    ours = file.read_text()
    for other, said in (
        (ours.replace("wenxiao.local", "elsewhere"), "choose a new folder$"),
        (ours.replace("\n301\n", "\n302\n"), "here are 301 of wenxiao.local/[a-z]+$"),
        (ours.replace("\n301\n", "\n300\n"), "another history"),
        ("nothing\n", "checkpoint: "),
    ):
        file.write_text(other)
        with pytest.raises(OtherHistory, match=said):
            mirror.update()
        assert file.read_text() == other
    file.write_text(ours)
    add(ledger, 1)
    seal(ledger, settings)
    mirror.update()


def test_a_tree_of_seventy_thousand_has_the_tiles_that_the_specification_counts() -> None:
    by_level = [[(n, w) for level, n, w in tiles_of(70_000) if level == at] for at in range(4)]
    assert by_level[0] == [*((n, 256) for n in range(273)), (273, 112)]
    assert by_level[1:] == [[(0, 256), (1, 17)], [(0, 1)], []]
    assert [*tiles_of(256)] == [(0, 0, 256), (1, 0, 1)]
    assert covered(70_000, 0, 274) < 1


@pytest.mark.parametrize(
    ("number", "width", "name"),
    [
        (0, 256, "000"),
        (67, 1, "067.p/1"),
        (1_000, 256, "x001/000"),
        (1_234_067, 256, "x001/x234/067"),
        (1_234_067, 255, "x001/x234/067.p/255"),
    ],
)
def test_tiles_are_named_as_the_specification_names_them(
    number: int, width: int, name: str
) -> None:
    assert written(number, width) == name
    assert read(name) == (number, width)
