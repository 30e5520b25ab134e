"""镜像: a ledger as a folder of plain files, C2SP ``tlog-tiles``, for whoever keeps a copy.

    checkpoint                         the last checkpoint, with its signatures
    tile/<level>/<number>[.p/<width>]  the SHA-256 tree
    tile/entries/<number>[.p/<width>]  the records
    sm3/tile/…                         the SM3 tree

A file that is there whole is not written again, for none but the checkpoint ever changes; so a
folder can be brought up to date as often as one likes. Whatever the checkpoint covers is on disk
before it. Over HTTP the same files are under ``/v1/<ledger>/tlog/<log>/``: a folder is of one log,
and a ledger whose loss was accepted is another one, that wants another folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from service.ledger.hashes import SHA256, SM3
from service.ledger.trees import WIDTH
from service.proofs.custody import Sealed, settle
from service.proofs.notes import BadNote
from service.proofs.prover import Prover, tiles_of
from service.proofs.tilepaths import written

Told = Callable[[int, int], None]
"""Is told how many files there are, and how many there will be."""


class OtherHistory(RuntimeError):
    """另一份历史: what was mirrored before is not the beginning of this ledger."""


class File(NamedTuple):
    """文件: a tile: where it is, whether what is there is whole, and what belongs there."""

    name: str
    is_whole: Callable[[Path], bool]
    content: Callable[[], bytes]


class Mirror:
    """镜像: one folder."""

    def __init__(self, folder: Path, prover: Prover) -> None:
        self._folder, self._prover = folder, prover

    def update(self, told: Told | None = None) -> Sealed:
        """Bring the folder up to the last checkpoint, which is written last of all.

        Raises ``NotSealed``; ``OtherHistory`` and ``HistoryMissing``, and then nothing has been
        written.
        """
        self._prover.require_as_sealed()
        sealed = self._prover.latest().sealed
        self._require_ours(sealed)
        files = [*self._files(sealed.checkpoint.size)]
        for come, file in enumerate(files, 1):
            path = self._folder / file.name
            if not (path.exists() and file.is_whole(path)):
                put(path, file.content())
            if told:
                told(come, len(files))
        self._settle(files)
        put(self._folder / "checkpoint", str(sealed.note).encode())
        settle(self._folder)
        return sealed

    def _settle(self, files: Iterable[File]) -> None:
        """Have their names on disk; also those that somebody has left who was broken off."""
        for above in {above for file in files for above in Path(file.name).parents}:
            settle(self._folder / above)

    def _files(self, size: int) -> Iterator[File]:
        """Every file but the checkpoint."""
        tile, entries = self._prover.tile, self._prover.entries
        for level, number, width in tiles_of(size):
            place = written(number, width)
            has_all = partial(has_hashes, width=width)
            for algorithm, above in ((SHA256, ""), (SM3, "sm3/")):
                content = partial(tile, algorithm, level, number, width)
                yield File(f"{above}tile/{level}/{place}", has_all, content)
            if level == 0:
                has_all = partial(has_entries, width=width)
                yield File(f"tile/entries/{place}", has_all, partial(entries, number, width))

    def _require_ours(self, sealed: Sealed) -> None:
        try:
            before = Sealed.parse((self._folder / "checkpoint").read_text("utf-8")).checkpoint
        except FileNotFoundError:
            self._require_tiles_only()
            return
        except (BadNote, UnicodeDecodeError) as error:
            raise OtherHistory(f"{self._folder}/checkpoint: {error}") from error
        now = sealed.checkpoint
        if before.origin != now.origin or before.size > now.size:
            raise OtherHistory(
                f"{self._folder} has {before.size} records of {before.origin},"
                f" and here are {now.size} of {now.origin}"
            )
        roots = [self._prover.root(each, before.size) for each in (SHA256, SM3)]
        if roots != [before.sha256, before.sm3]:
            raise OtherHistory(
                f"{self._folder} has another history than this ledger of its first"
                f" {before.size} records"
            )

    def _require_tiles_only(self) -> None:
        """It is new, or was broken off before it had its first checkpoint."""
        there = {path.name for path in self._folder.glob("*")}
        if there - {"tile", "sm3", ".checkpoint.draft"}:
            raise OtherHistory(f"{self._folder} holds something else than tiles")


def has_hashes(path: Path, width: int) -> bool:
    """Is this file as long as so many hashes?"""
    return path.stat().st_size == WIDTH * width


def has_entries(path: Path, width: int) -> bool:
    """Are there so many entries in this file, each after its length, and nothing else?"""
    with path.open("rb") as file:
        for _ in range(width):
            length = int.from_bytes(file.read(2))
            if not length:
                return False
            file.seek(length, os.SEEK_CUR)
        return file.tell() == path.stat().st_size


def put(path: Path, content: bytes) -> None:
    """A file that is there whole or not at all, and whose content is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
