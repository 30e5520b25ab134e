"""镜像: a ledger as a folder of plain files, C2SP ``tlog-tiles``, for whoever keeps a copy.

    checkpoint                         the last checkpoint, with its signatures
    tile/<level>/<number>[.p/<width>]  the SHA-256 tree
    tile/entries/<number>[.p/<width>]  the records
    sm3/tile/…                         the SM3 tree

A file that is there is not written again, for none but the checkpoint ever changes; so a folder can
be brought up to date as often as one likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from service.ledger.hashes import SHA256, SM3
from service.proofs.custody import Sealed, settle
from service.proofs.notes import BadNote
from service.proofs.prover import Prover, tiles_of
from service.proofs.tilepaths import written

Told = Callable[[int, int], None]
"""Is told how many files there are, and how many there will be."""


class OtherHistory(RuntimeError):
    """另一份历史: what was mirrored before is not the beginning of this ledger."""


class Mirror:
    """镜像: one folder."""

    def __init__(self, folder: Path, prover: Prover) -> None:
        self._folder, self._prover = folder, prover

    def update(self, told: Told | None = None) -> Sealed:
        """Bring the folder up to the last checkpoint, which is written last of all.

        Raises ``NotSealed``; ``OtherHistory``, and then nothing has been written.
        """
        sealed = self._prover.latest().sealed
        self._require_ours(sealed)
        files = [*self._files(sealed.checkpoint.size)]
        for come, (name, content) in enumerate(files, 1):
            path = self._folder / name
            if not path.exists():
                put(path, content())
            if told:
                told(come, len(files))
        put(self._folder / "checkpoint", str(sealed.note).encode())
        settle(self._folder)
        return sealed

    def _files(self, size: int) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Every file but the checkpoint, and what is in it."""
        tile, entries = self._prover.tile, self._prover.entries
        for level, number, width in tiles_of(size):
            place = written(number, width)
            yield f"tile/{level}/{place}", partial(tile, SHA256, level, number, width)
            yield f"sm3/tile/{level}/{place}", partial(tile, SM3, level, number, width)
            if level == 0:
                yield f"tile/entries/{place}", partial(entries, number, width)

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


def put(path: Path, content: bytes) -> None:
    """A file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    draft.replace(path)
