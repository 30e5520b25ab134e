"""保管: what is kept of a ledger outside its database, which cannot vouch for itself.

A folder with, for each ledger, the key that signs its checkpoints, which keys it has had, and the
last checkpoint that was signed. Whoever can write both to the database and here can do what he
likes, but for the witnesses.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from service.proofs.checkpoints import Checkpoint
from service.proofs.notes import BadNote, Note


class BadCustody(RuntimeError):
    """保管有误: what is kept here of a ledger cannot be read; the message says which file."""


@dataclass(frozen=True)
class Objection:
    """异议: a witness has signed more records than were sealed here, or another history of them.

    It is the witness's unsigned word, believed because it is safer to stand still. Nothing is shown
    to a witness that custody does not have yet, so whoever has seen more has seen what custody has
    forgotten; that the ledger grows on does not settle it. ``is_other``: of another history.
    """

    witness: str
    size: int
    is_other: bool = False

    def __str__(self) -> str:
        """As it is kept."""
        return f"{'other' if self.is_other else 'more'} {self.size} {self.witness}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """An objection as it is kept. Raises ``ValueError``."""
        said = re.fullmatch(r"(more|other) ([0-9]{1,19}) (\S+)\n?", text)
        if said is None:
            raise ValueError(f"no objection, remove it and seal: {text[:40]!r}")
        return cls(said[3], int(said[2]), said[1] == "other")


@dataclass(frozen=True)
class Custody:
    """保管: one ledger's files."""

    folder: Path
    ledger: str

    @property
    def key_file(self) -> Path:
        """Where its private key is."""
        return self.folder / f"{self.ledger}.key"

    @property
    def next_file(self) -> Path:
        """Where a new private key is until it is on record."""
        return self.folder / f"{self.ledger}.next"

    @property
    def keys_file(self) -> Path:
        """Where it says which keys the ledger has had, and how far each was good."""
        return self.folder / f"{self.ledger}.keys"

    @property
    def checkpoint_file(self) -> Path:
        """Where its last checkpoint is."""
        return self.folder / f"{self.ledger}.checkpoint"

    @property
    def objection_file(self) -> Path:
        """Where it says which witnesses have seen more than there was, or something else."""
        return self.folder / f"{self.ledger}.objection"

    @property
    def verified_file(self) -> Path:
        """Where the last checkpoint is up to which everything was found true."""
        return self.folder / f"{self.ledger}.verified"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nobody else sign or change keys meanwhile, in this process or another."""
        self.make_folder()
        with (self.folder / f"{self.ledger}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def sealed(self) -> Sealed | None:
        """The last checkpoint that was signed; None before the first. Raises ``BadCustody``."""
        return self._read(self.checkpoint_file)

    def verified(self) -> Sealed | None:
        """The checkpoint up to which everything was found true; None if it never was.

        Raises ``BadCustody``.
        """
        return self._read(self.verified_file)

    def make_folder(self) -> None:
        """Make the folder where it is not there; nobody else may look into it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, note: Note) -> None:
        """Keep a checkpoint instead of the last one; it is on disk when this returns."""
        self._write(self.checkpoint_file, str(note))

    def keep_verified(self, note: Note) -> None:
        """Keep that everything was found true up to a checkpoint."""
        self._write(self.verified_file, str(note))

    def keep_keys(self, keys: Mapping[str, int | None]) -> None:
        """Keep what is on record of keys, in case that the records are lost."""
        lines = (key if last is None else f"{key} {last}" for key, last in keys.items())
        self._write(self.keys_file, "".join(f"{line}\n" for line in lines))

    def keys(self) -> dict[str, int | None]:
        """The keys that were on record, each with the last size at which it was good, or None.

        Raises ``BadCustody``.
        """
        try:
            lines = self.keys_file.read_text("utf-8").splitlines()
            said = (line.partition(" ") for line in lines)
            return {key: int(last) if last else None for key, _, last in said}
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise BadCustody(f"{self.keys_file}: {error}") from error

    def forget_verified(self) -> None:
        """What was found true is not any more: whoever verifies begins anew, until it is again."""
        self.verified_file.unlink(missing_ok=True)

    def note_objection(self, objection: Objection) -> None:
        """Keep what a witness objects, instead of what it objected before; on disk at once."""
        others = (each for each in self.objections() if each.witness != objection.witness)
        self._write(self.objection_file, "".join(map(str, (*others, objection))))

    def drop_objections(self, witnesses: Collection[str]) -> None:
        """What these witnesses have objected counts no longer."""
        before = self.objections()
        left = [each for each in before if each.witness not in witnesses]
        if left and left != before:
            self._write(self.objection_file, "".join(map(str, left)))
        elif before and not left:
            self.objection_file.unlink()
            settle(self.folder)

    def objections(self) -> list[Objection]:
        """What witnesses object, one of each at most. Raises ``BadCustody``."""
        try:
            lines = self.objection_file.read_text("utf-8").splitlines()
            return [Objection.parse(line) for line in lines or [""]]
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise BadCustody(f"{self.objection_file}: {error}") from error

    def put_aside(self, generation: int) -> None:
        """Keep the last checkpoint of a log that goes on as another one; it is moved last."""
        for file in (self.objection_file, self.verified_file, self.checkpoint_file):
            if file.exists():
                file.rename(file.with_suffix(f".{generation}{file.suffix}"))
        settle(self.folder)

    def _read(self, file: Path) -> Sealed | None:
        try:
            return Sealed.parse(file.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (BadNote, UnicodeDecodeError) as error:
            raise BadCustody(f"{file}: {error}") from error

    def _write(self, file: Path, text: str) -> None:
        self.make_folder()
        draft = file.with_suffix(f"{file.suffix}.draft")
        with draft.open("w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
        settle(self.folder)


@dataclass(frozen=True)
class Sealed:
    """已签检查点: a checkpoint, and the note that it was signed as."""

    checkpoint: Checkpoint
    note: Note

    @classmethod
    def parse(cls, given: object) -> Sealed:
        """Read a signed checkpoint of ours. Raises ``BadNote``."""
        note = Note.parse(given)
        return cls(Checkpoint.parse(note.text), note)


def settle(folder: Path) -> None:
    """Have the names of a folder's files on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
