"""不符: what a verification finds, and which finding it tells of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

UNREADABLE = (
    AttributeError,
    LookupError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    msgspec.DecodeError,
)
"""What reading raises where somebody has written something else."""


class RecordUnreadable(ValueError):
    """不可读: a record was not written by this release or an earlier one, or not left as it was."""

    def __init__(self, position: object, why: object) -> None:
        super().__init__(position, why)
        self.position, self.why = position, why

    def __str__(self) -> str:
        return f"record {self.position} cannot be read ({self.why!r}): see wenxiao verify"


class Unsound(Exception):
    """不符: something is not as it was recorded; ``position`` is the first record concerned.

    ``what`` it is, where it is not that record itself; 0 where it is no record's.
    """

    def __init__(self, position: int, what: str, reason: str) -> None:
        self.position, self.what, self.reason = position, what, reason
        super().__init__(position, what, reason)

    def __str__(self) -> str:
        record = f"record {self.position}"
        of_it = f"{self.what}, of {record}," if self.position else self.what
        return f"{of_it if self.what else record} {self.reason}"


def bad_record(position: int, reason: str) -> Unsound:
    """A record is not as it was recorded."""
    return Unsound(position, "", reason)


def failure_of(check: Callable[[], None]) -> Unsound | None:
    """What a check finds, if it finds something."""
    try:
        check()
    except Unsound as unsound:
        return unsound
    return None


def earliest(found: Iterable[Unsound | None]) -> Unsound | None:
    """Of several findings the one about the first record."""
    unsound = [each for each in found if each is not None]
    return min(unsound, key=lambda each: each.position, default=None)
