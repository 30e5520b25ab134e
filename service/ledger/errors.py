"""Why the ledger did not record, or does not know whether it did.

All are errors of the eventsourcing library too, so that whoever knows only the library still
catches them for what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from eventsourcing.persistence import DataError, IntegrityError, OperationalError, PersistenceError

from service.clock import shown

if TYPE_CHECKING:
    from service.ledger.rows import ObservedKey, RequestRow


class RecordConflict(IntegrityError):
    """A stream that was written or read has moved on meanwhile: decide again.

    ``streams`` maps each such stream to the version that was expected and the one found.
    """

    def __init__(self, streams: Mapping[str, tuple[int, int]]) -> None:
        self.streams = dict(streams)
        told = (f"{s} is at {found}, not {expected}" for s, (expected, found) in streams.items())
        super().__init__("moved on meanwhile: " + "; ".join(told))


class RequestRepeated(PersistenceError):
    """This principal has used this key before; ``row`` is the answer that was given."""

    def __init__(self, row: RequestRow) -> None:
        self.row = row
        super().__init__(f"{row.principal} has already asked under the key {row.key!r}")


class ObservedRepeated(PersistenceError):
    """This revision of a source row is recorded already, at ``position``.

    ``key`` is the key as it was recorded: another digest means another content.
    """

    def __init__(self, key: ObservedKey, position: int) -> None:
        self.key, self.position = key, position
        row = f"{key.system}/{key.source_table}/{key.row_id} revision {key.revision}"
        super().__init__(f"{row} is recorded already, at position {position}")


class NotAsKept(PersistenceError):
    """What is kept beside the records was changed: nobody knows what was answered, or where."""

    def __init__(self, what: str, why: object) -> None:
        self.what, self.why = what, why
        super().__init__(what, why)

    def __str__(self) -> str:
        return f"{self.what} is not as it was kept ({self.why}): see wenxiao verify"


class RowConflict(RecordConflict):
    """A source row was recorded meanwhile in another revision: decide again."""

    def __init__(self, key: ObservedKey, first: int | None) -> None:
        super().__init__({})
        row = f"{key.system}/{key.source_table}/{key.row_id}"
        self.args = (f"{row} is first recorded at {first}, not {key.first}",)


class ClockBehind(OperationalError):
    """This machine's clock is so far behind the ledger's last record that one of them is wrong."""

    def __init__(self, now: datetime, head_at: datetime, tolerance: timedelta) -> None:
        self.now, self.head_at = now, head_at
        super().__init__(
            f"the clock says {shown(now)}, more than {tolerance.total_seconds():.0f} s before"
            f" the last record of {shown(head_at)}: set the clock, or record its correction"
        )


class EntryTooLarge(DataError):
    """A record would be longer than an entry may be; keep the matter elsewhere, by digest.

    ``record``: which of the records that were to be appended together, counted from 0.
    """

    def __init__(self, size: int, limit: int, record: int = 0) -> None:
        self.size, self.limit, self.record = size, limit, record
        super().__init__(f"an entry of {size} bytes, where {limit} is the limit")


class StorageUnavailable(OperationalError):
    """Nothing was recorded, for the database cannot be reached or cannot write: try again later."""


class HistoryMissing(StorageUnavailable):
    """The database does not hold what was sealed: nothing is added until somebody says why.

    ``what`` is missing; ``way_out``, for whoever does not know yet what to do about it.
    """

    def __init__(self, what: str, way_out: str = "") -> None:
        super().__init__(what, way_out)
        self.what, self.way_out = what, way_out

    def __str__(self) -> str:
        return f"{self.what}; {self.way_out}" if self.way_out else self.what


class OutcomeUnknown(OperationalError):
    """The connection was lost while the database was committing: it may have recorded, or not.

    Asking again with the same request key is safe, and tells.
    """


class UnknownLedger(PersistenceError):
    """No ledger of this name has been created."""

    def __str__(self) -> str:
        return f"there is no ledger {self.args[0]!r} here: see wenxiao migrate"


class LedgerExists(PersistenceError):
    """A ledger of this name has been created before."""

    def __str__(self) -> str:
        return f"the ledger {self.args[0]!r} exists already"
