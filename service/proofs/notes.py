"""签名文: a text and who signed it, as C2SP ``signed-note`` and ``tlog-cosignature`` have them.

A note is its text, an empty line, and a line for each signature: whose key, and under which number
it is known. A log signs the text itself; a witness signs it together with the time at which he saw
it. Keys are written as these specifications write them: ``name+number+key``.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from struct import Struct
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MOST_SIGNATURES = 64
LONGEST = 100_000
"""The most bytes of a note that are looked at."""

TIMESTAMP = Struct("!Q")
NUMBER = re.compile("[0-9a-f]{8}")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
NO_NAME = re.compile(r"[\s\x00-\x1f\x7f+]")
SIGNATURE_SIZE = 64
KEY_SIZE = 32


class BadNote(ValueError):
    """签名文有误: this is no note, or not one that a known key has signed."""


class Kind(IntEnum):
    """What a key signs; the numbers are those of ``signed-note``."""

    LOG = 0x01
    """Ed25519 over the text."""
    WITNESS = 0x04
    """Ed25519 over the text and a time."""


@dataclass(frozen=True)
class PublicKey:
    """公钥: by which a signature is known to be somebody's."""

    name: str
    kind: Kind
    key: bytes

    def __post_init__(self) -> None:
        require_name(self.name)
        if len(self.key) != KEY_SIZE:
            raise BadNote(f"a key has {KEY_SIZE} bytes, not {len(self.key)}")

    @property
    def number(self) -> bytes:
        """The four bytes by which a signature names it, beside its name."""
        return sha256(b"%b\n%c%b" % (self.name.encode(), self.kind, self.key)).digest()[:4]

    def __str__(self) -> str:
        kept = base64.b64encode(bytes([self.kind]) + self.key).decode()
        return f"{self.name}+{self.number.hex()}+{kept}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """A key as it is written. Raises ``BadNote``."""
        name, _, rest = text.partition("+")
        number, _, kept = rest.partition("+")
        data = unbase64(kept)
        if not NUMBER.fullmatch(number) or not data or data[0] not in set(Kind):
            raise BadNote(f"no key of ours: {text!r}")
        key = cls(name, Kind(data[0]), data[1:])
        if key.number.hex() != number:
            raise BadNote(f"a key that is not known by its own number: {text!r}")
        return key

    def time_of(self, text: str, signature: bytes) -> int | None:
        """When a witness saw this text, in seconds since 1970; None where a log signed it.

        Raises ``BadNote`` where it is not this key's signature of this text.
        """
        time, rest = None, signature
        if self.kind is Kind.WITNESS:
            if len(signature) != TIMESTAMP.size + SIGNATURE_SIZE:
                raise BadNote(f"no cosignature by {self.name}")
            (time,), rest = TIMESTAMP.unpack(signature[: TIMESTAMP.size]), signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(rest, signed(text, time))
        except (InvalidSignature, ValueError) as error:
            raise BadNote(f"a false signature by {self.name}") from error
        return time


@dataclass(frozen=True)
class Signer:
    """签名人: a private key, under a name."""

    name: str
    kind: Kind
    private: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.name, self.kind, self.private.public_key().public_bytes_raw())

    def sign(self, text: str, time: int | None = None) -> Signature:
        """Sign a text; a witness with the time, in seconds since 1970, and a log without."""
        if (time is None) is (self.kind is Kind.WITNESS):
            raise BadNote("a witness signs with the time, a log without")
        made = self.private.sign(signed(text, time))
        stamp = b"" if time is None else TIMESTAMP.pack(time)
        return Signature(self.name, self.public.number, stamp + made)


@dataclass(frozen=True)
class Signature:
    """签名: one line of a note."""

    name: str
    number: bytes
    value: bytes

    def __str__(self) -> str:
        return f"— {self.name} {base64.b64encode(self.number + self.value).decode()}"

    @classmethod
    def parse(cls, given: object) -> Self:
        """A line of a note. Raises ``BadNote``."""
        line = text_in(given)
        dash, _, rest = line.partition(" ")
        name, _, kept = rest.partition(" ")
        data = unbase64(kept)
        if dash != "—" or len(data) <= 4:
            raise BadNote(f"no signature: {line[:100]!r}")
        require_name(name)
        return cls(name, data[:4], data[4:])

    @property
    def places(self) -> tuple[str, str]:
        """Under which names it may be kept: its own, or that and its number if that is taken."""
        return self.name, f"{self.name}+{self.number.hex()}"

    def is_by(self, key: PublicKey) -> bool:
        """Does it say to be by this key? Whether it is, only ``time_of`` knows."""
        return (self.name, self.number) == (key.name, key.number)


@dataclass(frozen=True)
class Note:
    """签名文: a text, ending in a line feed, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n" + "".join(f"{signature}\n" for signature in self.signatures)

    @classmethod
    def parse(cls, given: object) -> Self:
        """A note as it is written. Raises ``BadNote``."""
        data = text_in(given)
        if len(data) > LONGEST:
            raise BadNote(f"a note of {len(data)} characters")
        if CONTROL.search(data):
            raise BadNote("a control character in a note")
        text, _, rest = data.rpartition("\n\n")
        *lines, end = rest.split("\n")
        if not text or end or not 0 < len(lines) <= MOST_SIGNATURES:
            raise BadNote("no text, an empty line and signatures, each ended by a line feed")
        return cls(f"{text}\n", tuple(map(Signature.parse, lines)))

    def signed_by(self, keys: Iterable[PublicKey]) -> dict[PublicKey, int | None]:
        """Which of these keys have signed it, and when each witness did.

        Signatures by others are passed over. Raises ``BadNote`` where one that says to be by one
        of these is not.
        """
        known = {(key.name, key.number): key for key in keys}
        found: dict[PublicKey, int | None] = {}
        for signature in self.signatures:
            if key := known.get((signature.name, signature.number)):
                found[key] = key.time_of(self.text, signature.value)
        return found

    def with_signatures(self, more: Sequence[Signature]) -> Self:
        """The same text, signed also by others; by no more of them than a note is read with."""
        return type(self)(self.text, (*self.signatures, *more)[:MOST_SIGNATURES])


def signed(text: str, time: int | None) -> bytes:
    """The bytes that are signed."""
    return text.encode() if time is None else f"cosignature/v1\ntime {time}\n{text}".encode()


def text_in(given: object) -> str:
    """What a file or a database has for a text, which may be anything. Raises ``BadNote``."""
    if not isinstance(given, str):
        raise BadNote(f"no text: {given!r:.100}")
    return given


def require_name(name: str) -> None:
    """Raises ``BadNote`` where this cannot be the name of a key."""
    if not name or NO_NAME.search(name):
        raise BadNote(f"no name of a key: {name!r}")


def unbase64(text: str) -> bytes:
    """What is written in base 64, in the one way that there is. Raises ``BadNote``."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote(f"not in base 64: {text[:100]!r}") from error
    if base64.b64encode(data).decode() != text:
        raise BadNote(f"base 64 with something left over: {text[:100]!r}")
    return data
