"""见证: who remembers how far a ledger had come, and signs only what it has grown to since.

The witness of C2SP ``tlog-witness``. Of each ledger that it trusts it keeps one thing: the last
checkpoint that it signed. Whoever shows it another needs the proof that the old one is its
beginning; so a ledger that was cut back or written anew finds no witness for what it has become.

As the specification has it, a witness vouches for size and SHA-256 root: of the further lines of a
checkpoint it says that it has seen them, not that they are true.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple, Self

import sqlalchemy as sa

from service.clock import Clock, utc_now
from service.ledger.engine import writing
from service.ledger.hashes import SHA256
from service.proofs.checkpoints import base64_of, head_of, root_in
from service.proofs.merkle import Unproven, require_consistency
from service.proofs.notes import BadNote, Kind, Note, PublicKey, Signer
from service.proofs.policy import Policy

OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
MOST_HASHES = 63
LARGEST = 2**63 - 1
"""The largest size that databases can tell."""

SEEN = sa.text("SELECT size, sha256 FROM witnessed WHERE origin = :origin")
FIRST = sa.text(
    "INSERT INTO witnessed (origin, size, sha256, note) VALUES (:origin, :size, :root, :note)"
    " ON CONFLICT (origin) DO NOTHING"
)
GROWN = sa.text(
    "UPDATE witnessed SET size = :size, sha256 = :root, note = :note"
    " WHERE origin = :origin AND size = :old_size AND sha256 = :old_root"
)


class Refused(Exception):
    """不予联署: this is not signed; ``status`` is the one of HTTP that says why."""

    status = 400
    content_type = "text/plain; charset=utf-8"


class Malformed(Refused):
    """提交有误: no old size, proof and checkpoint, or the old size is beyond the new one."""


class Unsigned(Refused):
    """签名无效: no key that is trusted for this ledger has signed it."""

    status = 403


class UnknownLog(Refused):
    """未登记的账本: nobody told the witness to look after it."""

    status = 404


class Stale(Refused):
    """所据已旧: the proof has to begin at another size, the one that this says."""

    status = 409
    content_type = "text/x.tlog.size"

    def __init__(self, size: int) -> None:
        super().__init__(str(size))


class Misbehaved(Refused):
    """账本可疑: a ledger has signed what does not follow; the note may be the evidence of it."""

    def __init__(self, told: str, note: Note) -> None:
        super().__init__(told)
        self.note = note


class Forked(Misbehaved):
    """账本分叉: at the same size it says to be another tree."""

    status = 409


class Inconsistent(Misbehaved):
    """未证延续: this proof does not show that the old tree is the beginning of the new one."""

    status = 422


class Seen(NamedTuple):
    """How far a ledger had come, and its root there."""

    size: int
    root: bytes


NEVER = Seen(0, SHA256.empty)
"""What is known of a ledger that was never seen: every tree begins with the empty one."""


@dataclass(frozen=True)
class Submission:
    """提交: a checkpoint, and the proof that it continues the one of the old size."""

    old: int
    path: tuple[bytes, ...]
    note: Note

    def __bytes__(self) -> bytes:
        """As it is sent."""
        lines = (f"old {self.old}", *map(base64_of, self.path), "", str(self.note))
        return "\n".join(lines).encode()

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """What somebody sent. Raises ``Malformed``."""
        try:
            head, _, note = body.decode().partition("\n\n")
            old, *path = head.split("\n")
            asked = cls(int(_old(old)), tuple(map(root_in, path)), Note.parse(note))
            size = asked.head.size
        except (BadNote, UnicodeDecodeError) as error:
            raise Malformed(str(error)) from error
        if len(path) > MOST_HASHES:
            raise Malformed(f"a proof of {len(path)} hashes, where {MOST_HASHES} are the most")
        if not asked.old <= size <= LARGEST:
            raise Malformed(f"from {asked.old} to {size} nothing grows")
        return asked

    @property
    def origin(self) -> str:
        """Which ledger it is about. Raises ``BadNote``."""
        return head_of(self.note.text)[0]

    @property
    def head(self) -> Seen:
        """What the checkpoint says. Raises ``BadNote``."""
        return Seen(*head_of(self.note.text)[1:])

    def require_growth(self, seen: Seen) -> None:
        """Raises ``Stale``, ``Forked`` or ``Inconsistent`` unless it continues what was seen."""
        size, root = self.head
        if self.old != seen.size:
            raise Stale(seen.size)
        if size == seen.size and root != seen.root:
            raise Forked(f"another tree of {size} was seen before", self.note)
        try:
            self._require_proof(seen)
        except Unproven as error:
            raise Inconsistent(str(error), self.note) from error

    def _require_proof(self, seen: Seen) -> None:
        """From nothing to anything there is nothing to prove; all else RFC 9162 says."""
        size, root = self.head
        if seen.size:
            require_consistency(SHA256, seen.size, size, seen.root, root, self.path)
        elif self.path:
            raise Unproven("nothing can be proved from a tree of 0")


class Witness:
    """见证人: signs what the ledgers of its policy have grown to, with the time.

    One serves all threads, and any number of processes may share its database.
    """

    def __init__(
        self, engine: sa.Engine, signer: Signer, policy: Policy, clock: Clock = utc_now
    ) -> None:
        if signer.kind is not Kind.WITNESS:
            raise BadNote(f"not a key that a witness signs with: {signer.public}")
        self.key = signer.public
        self._engine, self._signer, self._clock = engine, signer, clock
        self._trusted: dict[str, list[PublicKey]] = defaultdict(list)
        for key in policy.logs:
            self._trusted[key.name].append(key)

    def add_checkpoint(self, body: bytes) -> str:
        """The cosignature, as a line of a note. Raises ``Refused``, and as the database does.

        What is signed is on the disk before this returns; where the answer is lost on its way, the
        same checkpoint is signed again for whoever names its own size as the old one.
        """
        asked = Submission.parse(body)
        self._require_signed(asked)
        with writing(self._engine) as connection:
            seen = self._seen(connection, asked.origin)
            asked.require_growth(seen or NEVER)
            if not self._keep(connection, asked, seen):
                raise Stale((self._seen(connection, asked.origin) or NEVER).size)
            # Read while others wait for the row: no later time is signed for a smaller tree.
            at = self._clock()
        return f"{self._signer.sign(asked.note.text, int(at.timestamp()))}\n"

    def _require_signed(self, asked: Submission) -> None:
        if asked.origin not in self._trusted:
            raise UnknownLog("no ledger that this witness looks after")
        try:
            is_signed = asked.note.signed_by(self._trusted[asked.origin])
        except BadNote as error:
            raise Unsigned(str(error)) from error
        if not is_signed:
            raise Unsigned("no key that is trusted for this ledger has signed this")

    def _seen(self, connection: sa.Connection, origin: str) -> Seen | None:
        row = connection.execute(SEEN, {"origin": origin}).one_or_none()
        return Seen(*row) if row else None

    def _keep(self, connection: sa.Connection, asked: Submission, seen: Seen | None) -> bool:
        """Move on from what was seen; not if somebody else has moved on meanwhile."""
        size, root = asked.head
        row = {"origin": asked.origin, "size": size, "root": root, "note": str(asked.note)}
        if seen is None:
            return connection.execute(FIRST, row).rowcount == 1
        old = {"old_size": seen.size, "old_root": seen.root}
        return connection.execute(GROWN, row | old).rowcount == 1


def _old(line: str) -> str:
    found = OLD.fullmatch(line)
    if not found:
        raise BadNote(f"no old size: {line[:100]!r}")
    return found[1]
