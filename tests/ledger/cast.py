"""What the ledger's tests record: the shortest events, requests and source rows there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from eventsourcing.persistence import StoredEvent

from service.ledger.batch import NEXT
from service.ledger.rows import ObservedKey, RequestRow

LEDGER = "shizong"
PROJECT, AGENCY = "project/2021-017", "agency/甲"
TOPIC = "funds.suspended"
NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def event(
    stream: str = PROJECT, version: int = NEXT, *, topic: str = TOPIC, body: bytes = b"{}"
) -> StoredEvent:
    return StoredEvent(stream, version, topic, body)


def events(stream: str, count: int, *, first: int = 1) -> list[StoredEvent]:
    """So many events of one stream, each with its version."""
    return [event(stream, version) for version in range(first, first + count)]


def request(key: str, **asked: Any) -> RequestRow:
    told: dict[str, Any] = {
        "principal": "token/budget-platform",
        "salt": b"salt of request",
        "digest": b"digest of request",
        "body": b'{"act":"funds.suspend"}',
        "outcome": "recorded",
    }
    return RequestRow(key=key, **(told | asked))


def row(revision: str, **told: Any) -> ObservedKey:
    """A revision of one row of the treasury's payments."""
    return ObservedKey("treasury", "payment", "8841", revision, **told)
