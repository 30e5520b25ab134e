"""What time it is, asked in one place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

Clock = Callable[[], datetime]

BEIJING = timezone(timedelta(hours=8), "+08:00")
"""The offices' time: business dates are days of it, and so is every time shown at a door."""


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def shown(time: datetime) -> str:
    """A time as people read it: the offices' own, with its offset."""
    return time.astimezone(BEIJING).isoformat()


def business_day(time: datetime) -> date:
    """The day on which a time falls for the offices."""
    return time.astimezone(BEIJING).date()
