"""The body of an entry: envelope and fact as JSON, made once, never serialised again.

Keys are sorted, text is UTF-8, money is an integer number of fen, decimals are strings, and there
are no floats. A field that is empty and whose default is empty is left out; whatever else is
written in full, so that a default which changes some day changes no history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from threading import Lock
from typing import Any

import msgspec
from eventsourcing.persistence import Mapper, StoredEvent

from aggregates.base import FACTS, Envelope, Fact, Record, Replacement
from service.ledger.findings import UNREADABLE, RecordUnreadable
from service.ledger.rows import Stored


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Replacement):
        return {"topic": value.fact.TOPIC, "fact": plain(value.fact)}
    if is_dataclass(value):
        return _told(value)
    raise TypeError(f"{type(value).__name__} has no place in a record: {value!r}")


def _told(value: Any) -> dict[str, Any]:
    told = {}
    kind: Any = type(value)
    for name, omitted in _omissions(kind):
        held = getattr(value, name)
        if held or held != omitted or omitted is MISSING:
            told[name] = plain(held)
    return told


@cache
def _omissions(cls: Any) -> tuple[tuple[str, Any], ...]:
    """The fields of a dataclass, each with the empty default at which it is left out."""
    return tuple((f.name, _empty_default(f)) for f in fields(cls))


def _empty_default(f: Field[Any]) -> Any:
    default = f.default if f.default_factory is MISSING else f.default_factory()
    return MISSING if default is not MISSING and default else default


def encode(envelope: Envelope, fact: Fact[Any]) -> bytes:
    """The body's bytes."""
    return msgspec.json.encode(
        {"envelope": _told(envelope), "fact": _told(fact)}, order="deterministic"
    )


_learning = Lock()
"""msgspec (0.22) crashes the process where two threads teach it the same dataclass at once."""


@cache
def _decoder(topic: str) -> msgspec.json.Decoder[Any]:
    with _learning:
        body = msgspec.defstruct("Body", [("envelope", Envelope), ("fact", FACTS[topic])])
        return msgspec.json.Decoder(body, dec_hook=_replaced)


def _converted(topic: str, told: Any) -> Fact[Any]:
    _decoder(topic)  # knows the type by now
    fact: Fact[Any] = msgspec.convert(told, FACTS[topic], dec_hook=_replaced)
    return fact


def _replaced(kind: type, value: Any) -> Any:
    if kind is not Replacement:
        raise TypeError(f"{kind} has no place in a record")
    return Replacement(_converted(value["topic"], value["fact"]))


def decode(topic: str, body: bytes) -> tuple[Envelope, Fact[Any]]:
    """Envelope and fact of a body.

    Raises ``KeyError`` for a topic that this release does not know, ``msgspec.ValidationError`` for
    a body that is not of its topic.
    """
    read = _decoder(topic).decode(body)
    return read.envelope, read.fact


class BodyMapper(Mapper[str]):
    """The eventsourcing library's way between records and what is stored."""

    def __init__(self) -> None:
        """Nothing to configure: no transcoder, compressor or cipher touches a body."""

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        body = encode(domain_event.envelope, domain_event.fact)
        return StoredEvent(domain_event.stream, domain_event.version, domain_event.fact.TOPIC, body)

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        return record_of(stored_event)


def record_of(stored: Any) -> Record[Any]:
    """The record that was stored. Raises ``RecordUnreadable``."""
    is_kept = isinstance(stored, Stored)
    position = stored.id if is_kept else 0
    try:
        envelope, fact = decode(stored.topic, stored.state)
        at = stored.recorded_at if is_kept else None
    except UNREADABLE as error:
        raise RecordUnreadable(position, error) from error
    record: Record[Any] = object.__new__(Record)
    vars(record).update(  # without the detour by which frozen classes set each field
        stream=stored.originator_id,
        version=stored.originator_version,
        envelope=envelope,
        fact=fact,
        position=position,
        recorded_at=at,
    )
    return record
