"""办理: a request is decided, and what follows from it is recorded; or it is refused, on record.

One road for everything: the API, the command line and imports all come through here or through the
sitting behind it. When something that an act rests on has moved on meanwhile, it is decided again.
"""

from __future__ import annotations

import time

from service.ledger.application import Ledger
from service.ledger.errors import ObservedRepeated, RecordConflict, RequestRepeated
from service.ledger.rows import RequestRow
from service.observing import SourceRow
from service.repeating import answer_of, is_repeated
from service.request import Refusal, Request
from service.sitting import RECORDED, Outcome, Sitting, VersionMoved

ATTEMPTS = 20
"""How often an act is decided again before its caller is told to come back."""


class Busy(Refusal):
    """What the act reads kept moving; nothing was recorded, the same request may be repeated."""


class KeyUsedOtherwise(Refusal):
    """The idempotency key has been used for another request."""


class Desk:
    """办理台: the one road into a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def carry_out(self, request: Request, expected: int | None = None) -> Outcome:
        """Decide one request and record what follows, once and for ever.

        ``expected`` is the version at which the caller knows the history. Raises a
        :class:`~service.request.Refusal` where nothing is recorded, and the ledger's own errors.
        """
        for attempt in range(ATTEMPTS):
            try:
                return self._attempt(request, expected)
            except RequestRepeated as repeated:
                return self._first_answer(request, repeated.row)
            except VersionMoved:
                earlier = self.ledger.records_in.find_request(request.token.id, request.key)
                if earlier is None:
                    raise
                return self._first_answer(request, earlier)
            except ObservedRepeated:
                return self._seen_before(request)
            except RecordConflict as conflict:
                self.ledger.forget(conflict.streams)
                time.sleep(0.001 * attempt)
        raise Busy("相关记录正在变动，请以同一键重复该请求")

    def _attempt(self, request: Request, expected: int | None) -> Outcome:
        sitting = Sitting(self.ledger, self.ledger.clock())
        try:
            sitting.decide(request, expected)
        except Refusal:
            if moved := sitting.moved():  # turned away on what was remembered and is no longer so
                raise RecordConflict(moved) from None
            raise
        (outcome,) = sitting.conclude()
        return outcome

    def _first_answer(self, request: Request, row: RequestRow) -> Outcome:
        if not is_repeated(request, row, self.ledger):
            raise KeyUsedOtherwise("该幂等键已用于另一项请求")
        return Outcome(row.outcome, answer_of(row, self.ledger), repeated=True)

    def _seen_before(self, request: Request) -> Outcome:
        """What this revision of its source row was answered with, whoever delivered it."""
        source = SourceRow.of(request, self.ledger)
        found = source.answered() if source else None
        return Outcome(RECORDED, found or (), repeated=True)
