"""What time it is, asked in one place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from aggregates.values import BEIJING

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def shown(time: datetime) -> str:
    """A time as people read it: the offices' own, with its offset."""
    return time.astimezone(BEIJING).isoformat()
