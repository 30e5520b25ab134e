"""来源行: what is on record of a row of another system, and what a later revision makes of it.

A row may lead to several records; a later revision corrects them one by one, records what has
been added and withdraws what is no longer there. Revisions count in the order of their arrival:
nothing is read into their names, so an older one that arrives late is read as the latest until the
row is sent again under a new revision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

from aggregates.base import KINDS, Aggregate, Fact, Record, RecordCorrected, Replacement, Source
from commands.base import Into
from service.ledger.application import Ledger
from service.ledger.errors import NotAsKept
from service.ledger.rows import ObservedKey, RequestRow, Revisions, SourceName
from service.repeating import answer_of, names_the_same
from service.request import Refusal, Request, content

Of = Callable[[str], Aggregate]
"""Gives the history of a name, as it stands."""


class RevisionUsedOtherwise(Refusal):
    """This revision of a source row is on record with another content, or elsewhere."""

    def __init__(self) -> None:
        super().__init__("该来源行的这一版本已经登记，内容与此次报送的不同；有变动须以新的版本报送")


Known = Mapping[SourceName, Revisions]
"""What is on record of rows that were asked for together."""


def known_of(requests: Iterable[Request], ledger: Ledger) -> Known:
    """What is on record of all rows that these requests tell of, asked for at once."""
    return ledger.records_in.find_observed([_key(it.source) for it in requests if it.source])


class SourceRow:
    """来源行: a revision that is asked for, and every revision that is on record."""

    def __init__(self, request: Request, source: Source, ledger: Ledger, known: Known) -> None:
        self.revision = source.revision
        self._request, self._ledger = request, ledger
        self._key = _key(source)
        self._revisions = known[self._key.row]

    @classmethod
    def of(cls, request: Request, ledger: Ledger, known: Known | None = None) -> Self | None:
        """The row that a request tells of, if it tells of one."""
        if request.source is None:
            return None
        return cls(request, request.source, ledger, known or known_of([request], ledger))

    @property
    def first(self) -> int | None:
        """Where it was recorded first."""
        return self._revisions[0][1] if self._revisions else None

    @property
    def is_deleted(self) -> bool:
        seen = self._request.given.source
        return seen is not None and seen.deleted

    @property
    def is_correction(self) -> bool:
        """The act is itself a correction, and says which record it is about."""
        return RecordCorrected in self._request.act.facts

    @cached_property
    def records(self) -> list[Record[Any]]:
        """What a revision takes the place of: all that its row has led to, in order."""
        if self.is_correction:
            return []
        requests = (self._request_at(position) for _, position in self._revisions)
        found = (each for row in requests for each in answer_of(row, self._ledger))
        return [record for record in found if not isinstance(record.fact, RecordCorrected)]

    def key(self, record: int) -> ObservedKey:
        """What is kept of this revision, if nobody was there before."""
        return replace(self._key, record=record, first=self.first)

    def answered(self) -> tuple[Record[Any], ...] | None:
        """The records of this revision, if it has any.

        Raises :class:`RevisionUsedOtherwise` where another act, subject or content was recorded.
        It is compared with the request of that time, which is sealed.
        """
        for key, position in self._revisions:
            if key == self._key:
                row = self._request_at(position)
                records = answer_of(row, self._ledger)
                is_same = content(row.body) == content(self._request.masked)
                if not is_same or not names_the_same(self._request, records, self._ledger):
                    raise RevisionUsedOtherwise
                return records
        return None

    def _request_at(self, position: int) -> RequestRow:
        for record in self._ledger.records_at([position]):
            asked = record.envelope
            if row := self._ledger.records_in.find_request(asked.via, asked.request):
                return row
        raise NotAsKept(f"request of record {position}", "it is gone")


def _key(source: Source) -> ObservedKey:
    return ObservedKey(source.system, source.table, source.row, source.revision)


def stream_of(whose: Any, it: Aggregate) -> Aggregate:
    """The history that a decision's fact is for."""
    return whose.aggregate if isinstance(whose, Into) else it


def revised(source: SourceRow, facts: Sequence[Any], it: Aggregate, of: Of) -> list[Into[Any]]:
    """A revision's facts as corrections of what its row has led to before.

    Each takes the place of a record of its history, of one of its own kind where there is one;
    facts beyond them are new, records beyond the facts are withdrawn.
    """
    left: dict[str, list[Record[Any]]] = defaultdict(list)
    for record in source.records:
        left[record.stream].append(record)
    told = []
    for each in facts:
        whose, fact = stream_of(each, it), getattr(each, "fact", each)
        told.append(Into(whose, _in_place(fact, left[whose.id], source.revision)))
    gone = [record for rest in left.values() for record in rest]
    return [*told, *withdrawn(gone, of, f"来源记录更新至 {source.revision}，不再有此项")]


def withdrawn(records: Sequence[Record[Any]], of: Of, reason: str) -> list[Into[Any]]:
    """The withdrawal of records, each in its history."""
    return [Into(of(each.stream), RecordCorrected(each.position, reason)) for each in records]


def _in_place(fact: Fact[Any], left: list[Record[Any]], revision: str) -> Fact[Any]:
    """A fact instead of one of the records that are left; by itself, if none is."""
    if not left:
        return fact
    its_kind = (index for index, record in enumerate(left) if type(record.fact) is type(fact))
    record = left.pop(next(its_kind, 0))
    return RecordCorrected(record.position, f"来源记录更新至 {revision}", Replacement(fact))


def kind_and_code(stream: str) -> tuple[type[Aggregate], str]:
    """What a history's name says."""
    kind, _, code = stream.partition("/")
    return KINDS[kind], code
