"""A small world: a ledger, a clock, a few people; and the way to ask them what they would allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Engine

from aggregates.base import MAIN, Aggregate, Record, Severity
from aggregates.office import Token
from aggregates.roles import Role
from commands.base import Act, Case, Command, Undecided
from commands.vocabulary import Digest, Position
from service.desk import Desk
from service.ledger.application import Ledger
from service.ledger.errors import ObservedRepeated
from service.ledger.recorder import create_ledger
from service.request import ActorGiven, Circumstances, Request, SourceGiven
from service.sitting import RECORDED, Outcome, Sitting
from tests.words import MONTH_ENDS, PEOPLE, PROJECTS, UNITS, WORDS, Dictionary, Word

BEGIN = datetime(2021, 3, 1, 1, tzinfo=UTC)
NEVER = datetime(2200, 1, 1, tzinfo=UTC)
ORGANISATIONS = {"zhang": "101", "li": "101001", "wang": "102", "zhao": "bureau", "sun": "bureau"}
SYSTEM = Token("platform", "", tuple(Role), NEVER, system="treasury")
PERSONAL = {p: Token(f"of-{p}", "", tuple(Role), NEVER, person=p) for p in PEOPLE}
SOURCES = tuple(
    SourceGiven("treasury", table, row, revision, deleted=revision == "3")
    for table in ("vouchers", "goals")
    for row in ("1", "2", "3")
    for revision in ("1", "2", "3")
)
Subject = tuple[type[Aggregate], str]
DAYS = (None, None, None, None, *MONTH_ENDS)
"""When it happened: mostly today."""
NO_FACT = 100
PATIENCE = 40
"""How many words of an act are changed, one after the other, in search of one that is allowed."""


@dataclass(frozen=True)
class Ask:
    """One act on one history, by somebody in a role, perhaps seen elsewhere on some day."""

    command: Command[Any]
    kind: type[Aggregate]
    code: str
    person: str
    role: Role
    is_personal: bool = False
    on: date | None = None
    source: SourceGiven | None = None

    @property
    def act(self) -> Act:
        return self.command.act

    def given(self) -> Circumstances:
        organisation = "" if self.is_personal else ORGANISATIONS[self.person]
        actor = ActorGiven(self.person, organisation=organisation)
        return Circumstances(self.on, role=self.role, actor=actor, source=self.source)

    def request(self, key: str, body: bytes = b"") -> Request:
        token = PERSONAL[self.person] if self.is_personal else SYSTEM
        given = self.given()
        return Request(token, key, self.act, self.kind, self.code, self.command, given, body)

    def varied(self, words: Dictionary, subjects: Sequence[Subject], dice: Random) -> Ask:
        """The same but for one word of the act, or for whom it is about, or for who asks."""
        match dice.randrange(8):
            case 0:
                kind, code = dice.choice(subjects)
                return replace(self, kind=kind, code=code)
            case 1:
                return replace(self, person=dice.choice(PEOPLE))
            case 2:
                return replace(self, role=dice.choice(roles_of(self.act)))
            case 3:
                return replace(self, on=dice.choice(DAYS))
            case _:
                return replace(self, command=words.varied(type(self.command), self.command, dice))


def subjects_of(act: Act) -> list[Subject]:
    """The histories that an act may be asked of."""
    return [(kind, code) for path, kind in act.paths.items() for code in _codes(path, kind)]


def _codes(path: str, kind: type[Aggregate]) -> tuple[str, ...]:
    if "{" not in path:
        return (MAIN,)
    return {"unit": UNITS, "person": PEOPLE}.get(kind.KIND, PROJECTS)


def roles_of(act: Act) -> list[Role]:
    return sorted(act.by)


@dataclass
class World:
    """A ledger of its own, what was recorded in it, and what the clock says."""

    engine: Engine
    name: str
    now: datetime = BEGIN
    records: list[Record[Any]] = field(default_factory=list)
    granted: dict[str, list[Ask]] = field(default_factory=dict)
    asked: int = 0
    last: Request | None = None

    def __post_init__(self) -> None:
        create_ledger(self.engine, self.name)
        self.ledger = Ledger(self.engine, self.name, clock=lambda: self.now)
        self.desk = Desk(self.ledger)

    def pass_days(self, days: int) -> None:
        self.now += timedelta(days=days)

    def of(self, stream: str) -> list[Record[Any]]:
        return [record for record in self.records if record.stream == stream]

    def subjects(self, act: Act) -> list[Subject]:
        """Those that an act may be about, each as often as something has happened to it."""
        subjects = subjects_of(act)
        names = {f"{kind.KIND}/{code}": (kind, code) for kind, code in subjects}
        return subjects + [names[r.stream] for r in self.records if r.stream in names]

    def reluctance(self, ask: Ask) -> int:
        """By how many rules it would be refused; more where there would be no fact at all."""
        sitting = Sitting(self.ledger, self.now)
        decided = sitting.decide(ask.request("dry"))
        if decided.outcome == RECORDED or decided.case is None:
            return 0
        it = sitting.history(ask.kind, ask.command.subject(ask.code))
        return NO_FACT if is_undecided(ask, it, decided.case) else refusing(decided.case)

    def persuaded(self, ask: Ask, dice: Random) -> Ask:
        """Ask mostly what is possible, or no history would ever grow long.

        Changes one word after the other and keeps what is refused by no more rules than before.
        """
        words, subjects, least = self.words(), self.subjects(ask.act), self.reluctance(ask)
        for _ in range(PATIENCE):
            if least == 0:
                break
            other = ask.varied(words, subjects, dice)
            reluctance = self.reluctance(other)
            if reluctance <= least:
                ask, least = other, reluctance
        return ask

    def nearly(self, ask: Ask, dice: Random) -> Ask:
        """The same but for one word, with which it would be allowed, if there is such a word."""
        words, subjects = self.words(), self.subjects(ask.act)
        others = [ask.varied(words, subjects, dice) for _ in range(PATIENCE)]
        if ask.source:
            return others[0]
        return next((other for other in others if self.reluctance(other) == 0), ask)

    def words(self) -> Dictionary:
        """Our words, and what in this world may be meant by a digest or a position."""
        last = [record.position for record in self.records[-12:]]
        seen = [value for record in self.records for value in vars(record.fact).values()]
        digests = [each for each in seen if isinstance(each, str) and len(each) == 64]
        return Dictionary(
            {
                **WORDS,
                Position: Word(tuple(last or [1])),
                Digest: Word((*WORDS[Digest].few, *digests[-4:])),
            }
        )

    def follow(self, road: Sequence[Ask]) -> list[Outcome]:
        """What one sitting makes of several acts, each seeing what those before it decided."""
        if not road:
            return []
        sitting = Sitting(self.ledger, self.now)
        for number, ask in enumerate(road):
            sitting.decide(ask.request(f"road-{number}"))
        outcomes = sitting.conclude()
        for ask, outcome in zip(road, outcomes, strict=True):
            self._keep(ask, outcome)
        return outcomes

    def carry_out(self, ask: Ask) -> Outcome | None:
        """What the desk does with it; nothing where the source's row has been seen before."""
        self.asked += 1
        sitting = Sitting(self.ledger, self.now)
        request = ask.request(f"request-{self.asked}", repr(ask).encode())
        decided = sitting.decide(request)
        try:
            (outcome,) = sitting.conclude()
        except ObservedRepeated:
            return None
        self.last = request
        assert [*map(as_intended, outcome.records)] == [*map(as_intended, decided.records)]
        self._keep(ask, outcome)
        return outcome

    def _keep(self, ask: Ask, outcome: Outcome) -> None:
        self.records += outcome.records
        if outcome.is_recorded:
            self.granted.setdefault(ask.act.name, []).append(ask)

    def repeat(self) -> None:
        """Whoever repeats a request gets the first answer, and nothing is recorded again."""
        if self.last is not None:
            outcome = self.desk.carry_out(self.last)
            assert outcome.repeated
            assert outcome.records == tuple(self.records[-len(outcome.records) :])
            assert self.ledger.head_position() == len(self.records)


def is_undecided(ask: Ask, it: Aggregate, case: Case) -> bool:
    """Something is missing without which there is no fact."""
    try:
        ask.command.decide(it, replace(case, breaches=[], committed=[], withheld=[]))
    except Undecided:
        return True
    return case.observed


def refusing(case: Case) -> int:
    """How many breaches refuse the act."""
    return sum(breach.severity == Severity.REFUSE for breach in case.breaches)


def as_intended(record: Record[Any]) -> Record[Any]:
    """A record as it was before it had its place in the ledger."""
    return replace(record, version=0, position=0, recorded_at=None)
