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
from service.ledger.rows import RequestRow
from service.request import Request


def is_repeated(request: Request, row: RequestRow, ledger: Ledger) -> bool:
    """Whether a row is this request's, and not another one's under the same key."""
    is_as_kept = row.digest == request.digest(row.salt)
    return is_as_kept and names_the_same(request, ledger.records_at(row.positions), ledger)


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
