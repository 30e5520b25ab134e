"""合议: requests are decided in turn, on one view of the ledger, and recorded together or not.

What an act reads it may read from memory: the versions of all that it read go along to the ledger,
which compares them where the records are appended. A refusal is held to the same check, so that
nobody is refused on what is no longer true.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar

from aggregates.base import (
    Actor,
    Aggregate,
    Envelope,
    Fact,
    Record,
    RecordCorrected,
    fold,
)
from aggregates.ledger import Imports, Refusals
from aggregates.office import OFFICE, Office, Token
from aggregates.payments import Payments
from aggregates.person import provided
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.rulebook import RULEBOOK, RuleBook
from aggregates.unit import Unit
from aggregates.values import business_day
from commands.base import Case, Committed, Into, Undecided
from commands.guards import check_always, check_row
from service.drafting import envelope_of, refusal_of, row_of, unplaced, value_of
from service.ledger.application import Ledger
from service.ledger.rows import CommittedValue, ObservedKey, RequestRow
from service.observing import Known, SourceRow, kind_and_code, revised, withdrawn
from service.replacing import fact_from
from service.request import Forbidden, Line, NotFound, Refusal, Request, is_our_own

A = TypeVar("A", bound=Aggregate)

RECORDED, REFUSED = "recorded", "refused"
IMPORT = "import"
"""In place of an act, where a line could not be read as one."""
ALWAYS_READ = frozenset({Office, RuleBook})


class VersionMoved(Refusal):
    """The history is not at the version that the caller expects; ``version`` is where it stands."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(f"该对象已有新的记录（当前版本 {version}），请重新读取后再办理")


@dataclass(frozen=True)
class Outcome:
    """办理结果: the records that followed, or the record of the refusal; final for ever.

    ``repeated``: it had been recorded before, and this is the answer that was given then.
    """

    outcome: str
    records: tuple[Record[Any], ...]
    repeated: bool = False

    @property
    def is_recorded(self) -> bool:
        return self.outcome == RECORDED


@dataclass
class Decided:
    """What one request leads to, before it is appended; without a case it was not even read."""

    row: RequestRow
    records: list[Record[Any]]
    committed: Sequence[Committed]
    source: SourceRow | None = None
    case: Case | None = None

    @property
    def outcome(self) -> str:
        return self.row.outcome


class Sitting:
    """One or more requests decided in turn and recorded together, or not at all.

    Each sees what those before it have decided. Nothing is written before :meth:`conclude`.
    ``known`` is what is on record of the source rows of all requests, if it was asked for before.
    """

    def __init__(self, ledger: Ledger, now: datetime, known: Known | None = None) -> None:
        self.ledger, self.now, self.known = ledger, now, known
        self.reads: dict[str, int] = {}
        self._seen: dict[str, Aggregate] = {}
        self._own: set[str] = set()
        self._pending: dict[str, list[Record[Any]]] = {}
        self._decided: list[Decided] = []

    def history(self, kind: type[A], code: str) -> A:
        """An aggregate as this sitting sees it; its version when first seen is noted."""
        stream = kind.stream(code)
        if stream not in self._seen:
            self._seen[stream] = self.ledger.recall(kind, code)
            self.reads[stream] = self._seen[stream].version
        if pending := self._pending.pop(stream, None):
            self._seen[stream] = self._with(pending, self._seen[stream])
        return self._seen[stream]  # type: ignore[return-value]

    def _with(self, pending: list[Record[Any]], it: Aggregate) -> Aggregate:
        """What an aggregate remembers after records of this sitting; what others see stays."""
        if any(isinstance(record.fact, RecordCorrected) for record in pending):
            self._own.add(it.id)
            return fold(type(it)(it.id), [*self.ledger.history(it.id), *self._here(it.id)])
        if it.id not in self._own:
            self._own.add(it.id)
            it = deepcopy(it)
        return fold(it, pending)

    def _size(self) -> int:
        """How many records there are, with those that this sitting is about to add."""
        return self.ledger.head_position() + sum(len(each.records) for each in self._decided)

    def _here(self, stream: str) -> list[Record[Any]]:
        """What this sitting has decided of a history so far."""
        return [r for each in self._decided for r in each.records if r.stream == stream]

    def moved(self) -> dict[str, tuple[int, int]]:
        """What was read from memory and has moved on since: its version then and now."""
        now = {stream: self.ledger.records_in.version_of(stream) for stream in self.reads}
        return {s: (then, now[s]) for s, then in self.reads.items() if now[s] != then}

    def decide(self, request: Request, expected: int | None = None) -> Decided:
        """Ask the rule; what follows is recorded when the sitting concludes.

        Raises :class:`Forbidden`, :class:`NotFound`, :class:`VersionMoved`, or ``Malformed`` where
        it rests on what is not there yet, or nobody is named as the one who acts.
        """
        it = self.history(request.kind, request.subject)
        self._admit(request, it)
        request.require_past(self.now, self._size)
        if expected is not None and it.version != expected:
            raise VersionMoved(it.version)
        source = SourceRow.of(request, self.ledger, self.known)
        without = self._without(source.records) if source else {}
        case = self._case(request, it, without)
        facts = self._facts(request, without.get(it.id, it), case, source)
        outcome = RECORDED if facts and not case.is_refused else REFUSED
        if outcome == REFUSED:
            facts = [refusal_of(request, it, case)]
        return self._take(request, outcome, it, facts, case, source)

    def set_aside(self, line: Line, token: Token, key: str, problem: str) -> None:
        """Keep a line that could not be read or placed, its text beside the ledger."""
        salt = secrets.token_bytes(16)
        row = RequestRow(token.id, key, salt, line.seal(salt), b"", REFUSED)
        envelope = Envelope(
            via=token.id,
            actor=Actor(token.system, Role.SOURCE_SYSTEM),
            occurred_on=business_day(self.now),
            act=IMPORT,
            request=key,
            request_digest=row.seal.hex(),
        )
        of_line = unplaced(line, problem)
        record = self._placed(of_line.aggregate, of_line.fact, envelope)
        self._decided.append(Decided(row, [record], [line.text]))

    def conclude(self) -> list[Outcome]:
        """Record everything that was decided. Raises as the ledger does."""
        records = [record for each in self._decided for record in each.records]
        if not records:
            return []
        stored = self.ledger.append(
            records,
            reads=self.reads,
            requests=self._requests(),
            observed=self._observed(),
            values=self._values(),
            withheld=self._withheld(),
        )
        return [
            Outcome(each.outcome, tuple(stored[own.start : own.stop]))
            for each, own in self._in_order()
        ]

    def key_of(self, record: int) -> str:
        """The key of the request that one of the records follows from, counted from 0."""
        return next(each.row.key for each, own in self._in_order() if record in own)

    def _in_order(self) -> Iterator[tuple[Decided, range]]:
        """Each decision, and which of all the records are its own."""
        end = 0
        for each in self._decided:
            begin, end = end, end + len(each.records)
            yield each, range(begin, end)

    def _admit(self, request: Request, it: Aggregate) -> None:
        known = self.history(Office, OFFICE).tokens.get(request.token.id)
        if known is not None and not known.is_good(self.now):
            raise Forbidden("该令牌已经吊销或者过期")
        unit = self._answering(request, it)
        if not is_within(self, request.token, unit):
            raise NotFound("没有这个对象")

    def _answering(self, request: Request, it: Aggregate) -> str:
        """The unit that answers for what is addressed, also before there is anything of it."""
        if isinstance(it, Payments):
            return self.history(Project, it.project).belongs_to
        if is_our_own(request.act):
            return ""
        return it.belongs_to or str(getattr(request.command, "unit", ""))

    def _case(self, request: Request, it: Aggregate, without: Mapping[str, Aggregate]) -> Case:
        today = business_day(self.now)
        on = request.given.occurred_on or today
        edition, rule_set = self.history(RuleBook, RULEBOOK).in_force(on)
        allowed = request.act.reads | ALWAYS_READ | {request.kind}

        def histories(kind: type[Aggregate], code: str) -> Aggregate:
            if kind not in allowed:
                raise TypeError(f"{request.act.name} does not say that it reads {kind.__name__}")
            known = self.history(kind, code)
            return without.get(known.id, known)

        def recorded(position: int) -> Record[Any] | None:
            found = self.ledger.record_at(position)
            return found if found is not None and found.stream == it.id else None

        return Case(
            actor=self._posted(request, today),
            on=on,
            today=today,
            histories=histories,
            salt=lambda: secrets.token_bytes(16),
            rule_set=rule_set,
            edition=edition,
            observed=request.source is not None,
            opening=request.given.opening,
            source=request.source,
            recorded=recorded,
            fact=fact_from,
            provided=lambda: provided([*self.ledger.history(it.id), *self._here(it.id)]),
        )

    def _posted(self, request: Request, today: date) -> Actor:
        """The actor with the post and organisation that the office has on record.

        Whom a system names must belong to the units that it speaks for.
        """
        office = self.history(Office, OFFICE)
        actor = request.actor(lambda person, role: bool(office.assignment(person, role, today)))
        held = office.assignment(actor.person, Role(actor.role), today)
        if held is not None:
            actor = replace(actor, post=held.post, organisation=held.organisation)
        claimed = actor.organisation if actor.asserted else ""
        if claimed and not is_within(self, request.token, claimed):
            raise Forbidden("业务系统只能代其所属单位的人员报送")
        return actor

    def _facts(
        self, request: Request, it: Aggregate, case: Case, source: SourceRow | None
    ) -> list[Any]:
        check_always(it, case, begins=request.act.begins)
        try:
            if source is None or source.is_correction:
                return _decided(request, it, case)
            return self._of_row(request, it, case, source)
        except Undecided:
            return []

    def _of_row(self, request: Request, it: Aggregate, case: Case, source: SourceRow) -> list[Any]:
        """A later revision of a source row corrects what the row has led to; its deletion withdraws
        all of it.
        """
        check_row(source.first, case, is_deleted=source.is_deleted)
        if source.is_deleted:
            return withdrawn(source.records, self._named, "来源记录已删除")
        facts = _decided(request, it, case)
        return revised(source, facts, it, self._named) if facts else []

    def _named(self, stream: str) -> Aggregate:
        return self.history(*kind_and_code(stream))

    def _without(self, records: Sequence[Record[Any]]) -> dict[str, Aggregate]:
        """The histories of these records as they would be without them, by name.

        A row's revision is judged as if its earlier ones had never come.
        """
        gone = {record.position for record in records}
        return {stream: self._folded(stream, gone) for stream in {r.stream for r in records}}

    def _folded(self, stream: str, gone: Collection[int]) -> Aggregate:
        now = self._named(stream)
        recorded = [r for r in self.ledger.history(stream) if r.version <= now.version]
        told = recorded + self._here(stream)
        it = fold(type(now)(stream), [r for r in told if r.position not in gone])
        it.version = now.version
        return it

    def _take(
        self,
        request: Request,
        outcome: str,
        it: Aggregate,
        facts: Sequence[Any],
        case: Case,
        source: SourceRow | None,
    ) -> Decided:
        row = row_of(request, outcome)
        envelope = envelope_of(request, case, row.seal.hex())
        records = []
        for fact in facts:
            whose = fact.aggregate if isinstance(fact, Into) else it
            records.append(self._placed(whose, getattr(fact, "fact", fact), envelope))
        decided = Decided(row, records, _kept(request, outcome, case), source, case)
        self._decided.append(decided)
        return decided

    def _placed(self, whose: Aggregate, fact: Fact[Any], envelope: Envelope) -> Record[Any]:
        if isinstance(whose, Refusals | Imports):
            return Record(whose.id, 0, envelope, fact)
        waiting = self._pending.setdefault(whose.id, [])
        record = Record(whose.id, whose.version + len(waiting) + 1, envelope, fact)
        waiting.append(record)
        return record

    def _requests(self) -> list[RequestRow]:
        return [replace(each.row, records=tuple(own)) for each, own in self._in_order()]

    def _observed(self) -> list[ObservedKey]:
        return [
            each.source.key(own.start)
            for each, own in self._in_order()
            if each.source and each.outcome == RECORDED
        ]

    def _values(self) -> list[CommittedValue]:
        return [value_of(value) for each in self._decided for value in each.committed]

    def _withheld(self) -> dict[bytes, int]:
        return {
            bytes.fromhex(digest): own.start
            for each, own in self._in_order()
            if each.case and each.outcome == RECORDED
            for digest in each.case.withheld
        }


def _decided(request: Request, it: Aggregate, case: Case) -> list[Any]:
    """What the rule says. Raises ``Undecided``."""
    decided = request.command.decide(it, case)
    return [] if decided is None else [decided] if isinstance(decided, Fact) else [*decided]


def _kept(request: Request, outcome: str, case: Case) -> Sequence[Committed]:
    """What comes beside the ledger: what was committed to, or the line that was refused."""
    if outcome == RECORDED:
        return case.committed
    return [] if request.line is None else [request.line.text]


def is_within(reader: Any, token: Token, unit: str) -> bool:
    """Whether a unit lies in the subtree that a token is good for.

    ``reader.history`` gives the units. What belongs to no unit is the office's own.
    """
    if not token.unit:
        return True
    climbed: set[str] = set()
    while unit and unit not in climbed:
        if unit == token.unit:
            return True
        climbed.add(unit)
        unit = reader.history(Unit, unit).superior
    return False
