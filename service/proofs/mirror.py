"""镜像: a ledger as a folder of plain files, C2SP ``tlog-tiles``, for whoever keeps a copy.

    checkpoint                         the last checkpoint, with its signatures
    tile/<level>/<number>[.p/<width>]  the SHA-256 tree
    tile/entries/<number>[.p/<width>]  the records
    sm3/tile/…                         the SM3 tree

No file but the checkpoint ever changes; so a folder can be brought up to date as often as one
likes. What is there already is compared, byte for byte, and never written over: where it differs,
either it or the ledger was changed, and a copy that is mended in silence would tell of neither.
Whatever the checkpoint covers is on disk before it. Over HTTP the same files are under
``/v1/<ledger>/tlog/<log>/``: a folder is of one log, and a ledger whose loss was accepted is
another one, that wants another folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from service.ledger.hashes import SHA256, SM3
from service.proofs.custody import Sealed, settle
from service.proofs.notes import BadNote
from service.proofs.prover import Prover, tiles_of
from service.proofs.tilepaths import written

Told = Callable[[int, int], None]
"""Is told how many files there are, and how many there will be."""


class OtherHistory(RuntimeError):
    """另一份历史: what was mirrored before is not the beginning of this ledger."""


class File(NamedTuple):
    """文件: a tile: where it is, and what belongs there."""

    name: str
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
        files.sort(key=lambda file: not self._has(file))
        for come, file in enumerate(files, 1):
            if self._has(file):
                self._require_same(file)
            else:
                put(self._folder / file.name, file.content())
            if told:
                told(come, len(files))
        self._settle(files)
        put(self._folder / "checkpoint", str(sealed.note).encode())
        settle(self._folder)
        return sealed

    def _has(self, file: File) -> bool:
        return (self._folder / file.name).exists()

    def _require_same(self, file: File) -> None:
        path = self._folder / file.name
        if path.read_bytes() != file.content():
            raise OtherHistory(
                f"{path} is not what this ledger has in its place, and so one of them was changed:"
                " see wenxiao verify; if it was the file, remove it and begin again"
            )

    def _settle(self, files: Iterable[File]) -> None:
        """Have their names on disk; also those that somebody has left who was broken off."""
        for above in {above for file in files for above in Path(file.name).parents}:
            settle(self._folder / above)

    def _files(self, size: int) -> Iterator[File]:
        """Every file but the checkpoint; narrower tiles too, where earlier ones are still there."""
        tile, entries = self._prover.tile, self._prover.entries
        for level, number, whole in tiles_of(size):
            for algorithm, above in ((SHA256, ""), (SM3, "sm3/")):
                for width, name in self._widths(f"{above}tile/{level}", number, whole):
                    yield File(name, partial(tile, algorithm, level, number, width))
            if level == 0:
                for width, name in self._widths("tile/entries", number, whole):
                    yield File(name, partial(entries, number, width))

    def _widths(self, above: str, number: int, whole: int) -> Iterator[tuple[int, str]]:
        """How wide a tile is, and was when it was written before; and where it is as such."""
        partly = (self._folder / above / written(number, 1)).parent
        before = {int(path.name) for path in partly.glob("[1-9]*") if path.name.isdecimal()}
        for width in (whole, *sorted(each for each in before if each < whole)):
            yield width, f"{above}/{written(number, width)}"

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
            way_out = ": choose a new folder" if before.origin != now.origin else ""
            raise OtherHistory(
                f"{self._folder} has {before.size} records of {before.origin},"
                f" and here are {now.size} of {now.origin}{way_out}"
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


def put(path: Path, content: bytes) -> None:
    """A file that is there whole or not at all, and whose content is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
