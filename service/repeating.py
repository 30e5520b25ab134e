"""重复: is a request the one that was asked before?

A request's row holds all of it but personal values. Those are compared with what stands beside the
ledger, by the digests in the records that followed, as long as it stands there: what was withheld
cannot be tried out, and what was refused was never kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from aggregates.base import Record
from service.ledger.application import Ledger
from service.ledger.errors import NotAsKept
from service.ledger.rows import RequestRow
from service.request import Request


def is_repeated(request: Request, row: RequestRow, ledger: Ledger) -> bool:
    """Whether a row is this request's, and not another one's under the same key.

    Raises as `answer_of` does.
    """
    records = answer_of(row, ledger)
    is_its_own = row.digest == request.digest(row.salt)
    return is_its_own and names_the_same(request, records, ledger)


def answer_of(row: RequestRow, ledger: Ledger) -> tuple[Record[Any], ...]:
    """The records that a request was answered with.

    Raises ``NotAsKept`` where they do not have the row sealed as it is.
    """
    records = ledger.records_at(row.positions)
    try:
        is_sealed = {each.envelope.request_digest for each in records} == {row.seal.hex()}
        if is_sealed and len(records) == len(row.positions):
            return records
    except (AttributeError, TypeError) as error:  # a column may have anything
        raise _changed(row) from error
    raise _changed(row)


def _changed(row: RequestRow) -> NotAsKept:
    return NotAsKept(f"request {row.key!r} of {row.principal}", "its records have another sealed")


def names_the_same(request: Request, records: Sequence[Record[Any]], ledger: Ledger) -> bool:
    """Whether a request's personal values are those which these records commit to, each in the
    place of its field.
    """
    held = [digest for record in records for digest in record.fact.committed]
    if not held or not request.personal:
        return True
    pairs = zip_longest(request.personal, held, fillvalue="")
    return all(is_behind(digest, value, ledger) for value, digest in pairs)


def is_behind(digest: str, value: str, ledger: Ledger) -> bool:
    """Whether a value is the one that was committed to, as far as that still stands there."""
    if not (digest and value):
        return digest == value
    kept = ledger.records_in.find_value(bytes.fromhex(digest))
    return kept is None or kept.value == value
