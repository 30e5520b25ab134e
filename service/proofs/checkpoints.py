"""检查点: what a ledger says of itself at a size, to be signed: C2SP ``tlog-checkpoint``.

    wenxiao.example/shizong           the origin: which ledger, for ever
    4096                              its size
    CsUYapGGPo4dkMgIAUqom/Xajj7h…=    the root of its SHA-256 tree
    sm3 7dfrZ0cLiUuLhyyQn3TdGJOe…=    the root of its SM3 tree
    roster-sha256 x2dGs0gK8uVqVWIi…=  the root of its roster in either algorithm, see `roster`
    roster-sm3 1FqCq5Lhx7o0D7Gq1Sy…=
    previous 4000                     the size of the checkpoint before it, 0 for the first

Whoever knows only the specification reads the first three lines; the others are extension lines.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Self

from service.ledger.trees import WIDTH
from service.proofs.notes import BadNote, unbase64

NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
EXTENSIONS = ("sm3", "roster-sha256", "roster-sm3", "previous")


@dataclass(frozen=True)
class Checkpoint:
    """检查点: a ledger's size, and the roots of its trees and of its roster there.

    ``previous`` is the size of the checkpoint before it, so that none can be left out unseen.
    """

    origin: str
    size: int
    previous: int
    sha256: bytes
    sm3: bytes
    roster_sha256: bytes
    roster_sm3: bytes

    @property
    def text(self) -> str:
        """As it is signed."""
        roots = map(base64_of, (self.sm3, self.roster_sha256, self.roster_sm3))
        said = (*roots, str(self.previous))
        more = (f"{name} {value}" for name, value in zip(EXTENSIONS, said, strict=True))
        return "\n".join((self.origin, str(self.size), base64_of(self.sha256), *more, ""))

    @classmethod
    def parse(cls, text: str) -> Self:
        """A checkpoint of ours. Raises ``BadNote``."""
        origin, size, sha256 = head_of(text)
        said = [line.partition(" ") for line in text.split("\n")[3:-1]]
        if tuple(name for name, _, _ in said) != EXTENSIONS:
            raise BadNote(f"a checkpoint without its further lines: {', '.join(EXTENSIONS)}")
        *roots, previous = (value for _, _, value in said)
        return cls(origin, size, size_in(previous), sha256, *map(root_in, roots))


def head_of(text: str) -> tuple[str, int, bytes]:
    """Origin, size and SHA-256 root of anybody's checkpoint. Raises ``BadNote``."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise BadNote("a checkpoint has three lines or more, none of them empty")
    origin, size, root, *_ = lines
    return origin, size_in(size), root_in(root)


def size_in(text: str) -> int:
    """A size as it is written, in one way only. Raises ``BadNote``."""
    if not NUMBER.fullmatch(text):
        raise BadNote(f"no size: {text[:30]!r}")
    return int(text)


def root_in(text: str) -> bytes:
    """A root as it is written. Raises ``BadNote``."""
    root = unbase64(text)
    if len(root) != WIDTH:
        raise BadNote(f"a root has {WIDTH} bytes, not {len(root)}")
    return root


def base64_of(data: bytes) -> str:
    """Bytes as checkpoints and proofs write them."""
    return base64.b64encode(data).decode()
