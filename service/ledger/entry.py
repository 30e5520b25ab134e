"""登记项: the bytes of one record, exactly as they are hashed; a format that never changes.

Eight header lines, each ended by one line feed (0x0A), then the body, which is all that remains::

    wenxiao/1                          the name of this format
    shizong                            ledger: a slug, see `SLUG`
    7                                  position in the ledger: 1, 2, 3 … without leading zeros
    2026-11-21T07:20:00.123456Z        recorded_at: UTC, always six digits of a second
    project/2021-017                   stream: 1 to 255 bytes of UTF-8
    3                                  version in the stream: 1, 2, 3 … without leading zeros
    funds.suspended                    topic: 1 to 255 bytes of UTF-8
    000102030405060708090a0b0c0d0e0f   salt: 128 random bits, 32 lower-case hexadecimal digits
    {"fact":{"reason":"整改未通过"}}    body: any bytes

Positions and versions stay below 2⁶³. Streams and topics hold no control characters (U+0000 to
U+001F, U+007F), hence no line feed. The body is opaque at this level: it may be empty, may hold
line feeds, and ends where the entry ends. The whole is at most 65,535 bytes.

The entry above, as Python writes it, and its two leaf hashes, H(0x00 ‖ entry):

>>> from datetime import UTC, datetime
>>> entry = Entry.make(
...     ledger="shizong",
...     position=7,
...     recorded_at=datetime(2026, 11, 21, 7, 20, 0, 123456, tzinfo=UTC),
...     stream="project/2021-017",
...     version=3,
...     topic="funds.suspended",
...     salt=bytes(range(16)),
...     body='{"fact":{"reason":"整改未通过"}}'.encode(),
... )
>>> len(bytes(entry))
153
>>> Entry.parse(bytes(entry)) == entry
True
>>> from service.ledger.hashes import SHA256, SM3
>>> SHA256.leaf(bytes(entry)).hex()
'3fbddf699969ad484a8ac5a598a56ed6b056131e61eb5d7798d06fecd624953b'
>>> SM3.leaf(bytes(entry)).hex()
'cdbc62920fc89a01b328d4b19ad5eeeebd34ddbc13125c768920f8446738267b'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Self

from service.ledger.errors import EntryTooLarge

LIMIT = 65_535
"""The most bytes an entry may have. Larger matter is kept elsewhere and recorded by its digest."""

NAME_LIMIT = 255
"""The most bytes of UTF-8 that a stream's or a topic's name may have."""

SALT_SIZE = 16
LARGEST_NUMBER = 2**63 - 1

SLUG = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A ledger's name: 1 to 63 of a–z, 0–9 and hyphens, from a letter, not ending in a hyphen."""

LAYOUT = b"wenxiao/1\n%b\n%d\n%b\n%b\n%d\n%b\n%b\n%b"
"""Ledger, position, recorded_at, stream, version, topic, salt, body."""

FIELDS = 8
NUMBER = re.compile(rb"[1-9][0-9]{0,18}")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class MalformedEntry(ValueError):
    """These bytes are no entry, or these values cannot make one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """登记项: one record's values, from which its bytes follow and which follow from its bytes."""

    ledger: str
    position: int
    recorded_at: datetime
    stream: str
    version: int
    topic: str
    salt: bytes
    body: bytes

    @classmethod
    def make(
        cls,
        *,
        ledger: str,
        position: int,
        recorded_at: datetime,
        stream: str,
        version: int,
        topic: str,
        salt: bytes,
        body: bytes,
    ) -> Self:
        """An entry of these values, if they can make one."""
        at = recorded_at.astimezone(UTC)
        entry = cls(ledger, position, at, stream, version, topic, salt, body)
        require(SLUG.fullmatch(ledger), f"no ledger's name: {ledger!r}")
        require(0 < position <= LARGEST_NUMBER, f"no position: {position}")
        require(recorded_at.tzinfo, f"a time without its zone: {recorded_at}")
        require(0 < version <= LARGEST_NUMBER, f"no version: {version}")
        require(len(salt) == SALT_SIZE, f"a salt has {SALT_SIZE} bytes, not {len(salt)}")
        name(stream)
        name(topic)
        fit(len(bytes(entry)))
        return entry

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read an entry; whatever this accepts, it would write again byte for byte."""
        fit(len(data))
        magic, _, rest = data.partition(b"\n")
        fields = rest.split(b"\n", FIELDS - 1)
        require(magic == b"wenxiao/1", f"not of this format: {data[:16]!r}")
        require(len(fields) == FIELDS, f"{len(fields)} of {FIELDS} fields")
        ledger, position, recorded_at, stream, version, topic, salt, body = fields
        try:
            entry = cls.make(
                ledger=ledger.decode(),
                position=number(position),
                recorded_at=datetime.fromisoformat(recorded_at.decode()),
                stream=stream.decode(),
                version=number(version),
                topic=topic.decode(),
                salt=bytes.fromhex(salt.decode()),
                body=body,
            )
        except (UnicodeDecodeError, ValueError) as error:
            raise MalformedEntry(str(error)) from error
        require(bytes(entry) == data, "another way of writing what has only one")
        return entry

    def __bytes__(self) -> bytes:
        """The bytes that are stored and hashed."""
        return LAYOUT % (
            self.ledger.encode(),
            self.position,
            timestamp(self.recorded_at),
            self.stream.encode(),
            self.version,
            self.topic.encode(),
            self.salt.hex().encode(),
            self.body,
        )


def timestamp(at: datetime) -> bytes:
    """A UTC time as entries write it: ``2026-11-21T07:20:00.123456Z``."""
    return at.replace(tzinfo=None).isoformat(timespec="microseconds").encode() + b"Z"


@lru_cache(4096)
def name(text: str) -> bytes:
    """The bytes of a stream's or topic's name, if it can be one."""
    encoded = utf8(text)
    require(0 < len(encoded) <= NAME_LIMIT, f"a name has 1 to {NAME_LIMIT} bytes: {text!r}")
    require(not CONTROL.search(text), f"a control character in a name: {text!r}")
    return encoded


def utf8(text: str) -> bytes:
    """The bytes of a text, unless it has half of a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise MalformedEntry(f"not encodable: {text!r}") from error


def number(digits: bytes) -> int:
    """A position or version, which is written in one way only."""
    require(NUMBER.fullmatch(digits), f"no number: {digits!r}")
    return int(digits)


def fit(size: int) -> None:
    """Refuse what is longer than an entry may be."""
    if size > LIMIT:
        raise EntryTooLarge(size, LIMIT)


def require(condition: object, otherwise: str) -> None:
    """Refuse what cannot be an entry."""
    if not condition:
        raise MalformedEntry(otherwise)
