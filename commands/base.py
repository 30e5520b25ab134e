"""A command is a request by somebody, answered with facts, or with the rules that it breaks."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from types import NoneType
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform, get_args, get_type_hints

from aggregates.base import (
    KINDS,
    Actor,
    Aggregate,
    Breach,
    Fact,
    Record,
    Severity,
    Source,
    title_of,
)
from aggregates.roles import Role
from aggregates.rulebook import DEFAULT, RuleSet

A = TypeVar("A", bound=Aggregate)
S = TypeVar("S", bound=Aggregate)
T = TypeVar("T")
C = TypeVar("C", bound="type[Command[Any]]")

FIRM = frozenset({"correction", "ledger", "office", "person", "rules", "source", "time"})
"""Of what the rules are that guard power or the record itself. What of them only marks is free."""

RULES: dict[str, Rule] = {}
ACTS: dict[str, Act] = {}


@dataclass(frozen=True)
class Rule:
    """规则: one sentence for the person who reads the refusal, and what it rests on.

    ``id`` is stable for ever; ``basis`` names the document, article or seed row. The severity is
    the default that a rule set may change, unless the rule is firm.
    """

    id: str
    sentence: str
    basis: str
    severity: Severity = Severity.REFUSE

    def __post_init__(self) -> None:
        if self.id in RULES:
            raise TypeError(f"rule {self.id!r} is declared twice")
        RULES[self.id] = self

    @property
    def is_firm(self) -> bool:
        """It refuses, and guards what no office may open by a rule set of its own."""
        return self.severity == Severity.REFUSE and self.id.partition(".")[0] in FIRM

    def severity_under(self, rule_set: RuleSet) -> Severity:
        """What a breach leads to in an office."""
        return self.severity if self.is_firm else rule_set.severity(self.id, self.severity)


class Undecided(Exception):
    """Something is missing without which there is no fact; the case knows which rule says so."""


Histories = Callable[[type[Aggregate], str], Aggregate]
Salt = Callable[[], bytes]
Recorded = Callable[[int], Record[Any] | None]
Provided = Callable[[], Collection[str]]
Telling = Callable[[type[Fact[Any]], Mapping[str, Any]], Fact[Any]]


def _nothing_recorded(position: int) -> None:
    """No position of this history is known."""


def _no_such_fact(kind: type[Fact[Any]], told: Mapping[str, Any]) -> Fact[Any]:
    raise ValueError(f"{kind.TOPIC} {told}")


@dataclass(frozen=True)
class Committed:
    """A value kept beside the ledger; records hold only its digest, SHA-256 of salt and value."""

    salt: bytes
    value: str

    @property
    def digest(self) -> str:
        return sha256(self.salt + self.value.encode()).hexdigest()


@dataclass
class Case:
    """Who asks, in which role, on which business date, under which rule set; and what was found.

    ``on`` is the business date (it happened then), ``today`` the date of recording. ``observed``:
    it has already happened elsewhere, so breaches are recorded instead of refused; ``source`` is
    the row in which it was seen. ``opening``: it is taken over from before the ledger began.

    ``recorded`` gives the record of the addressed history at a position; ``fact`` makes a fact of a
    kind and its fields as a door has them, or raises ``ValueError`` saying what is wrong;
    ``provided`` gives the digests of the addressed history whose values are not withheld.
    """

    actor: Actor
    on: date
    today: date
    histories: Histories
    salt: Salt
    rule_set: RuleSet = DEFAULT
    edition: int = 0
    observed: bool = False
    opening: bool = False
    source: Source | None = None
    recorded: Recorded = _nothing_recorded
    fact: Telling = _no_such_fact
    provided: Provided = frozenset
    breaches: list[Breach] = field(default_factory=list)
    committed: list[Committed] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    _noted: set[tuple[object, ...]] = field(default_factory=set, init=False, repr=False)
    _refuses: bool = field(default=False, init=False, repr=False)

    @property
    def role(self) -> Role:
        return Role(self.actor.role)

    def require(self, condition: object, rule: Rule, **saw: object) -> bool:
        """State a rule. Where it does not hold, note the breach with the values seen, and go on."""
        severity = rule.severity_under(self.rule_set)
        if condition or severity == Severity.OFF:
            return True
        self._note(rule, severity, saw)
        return False

    def need(self, value: T | None, rule: Rule, **saw: object) -> T:
        """Go on only with a value; without it there can be no fact, whatever the severity."""
        if value is None:
            self._note(rule, Severity.REFUSE, saw)
            raise Undecided(rule.id)
        return value

    def read(self, kind: type[A], code: str) -> A:
        """Another history. Its version is checked again when the facts are appended."""
        found = self.histories(kind, code)
        if not isinstance(found, kind):
            raise TypeError(f"{found} is not a {kind.__name__}")
        return found

    def commit(self, value: str) -> str:
        """The digest that stands in the record for a value that may later be withheld."""
        committed = Committed(self.salt(), value)
        self.committed.append(committed)
        return committed.digest

    def withhold(self, digest: str) -> None:
        """Take a committed value away for good; every proof of its digest still holds."""
        self.withheld.append(digest)

    @property
    def is_refused(self) -> bool:
        """Commanded and in breach of a rule that refuses."""
        return self._refuses and not self.observed

    def _note(self, rule: Rule, severity: Severity, saw: Mapping[str, object]) -> None:
        shown = {name: _shown(value)[:LONGEST_SHOWN] for name, value in saw.items()}
        self._refuses |= severity == Severity.REFUSE
        noted = (rule.id, *shown.items())
        if noted not in self._noted and len(self.breaches) < MOST_BREACHES:
            self.breaches.append(Breach(rule.id, severity, shown))
        self._noted.add(noted)


MOST_BREACHES = 30
"""How many breaches of one act are told: nobody reads more, and a record has to hold them."""

LONGEST_SHOWN = 80
"""The most characters of a value that a breach shows."""


def repeated(named: Iterable[T]) -> list[T]:
    """What is named more than once, for a breach to show."""
    return [each for each, often in Counter(named).items() if often > 1]


def _shown(value: object) -> str:
    if value is None:
        return "无"
    if isinstance(value, tuple | list | set | frozenset):
        return "、".join(_shown(each) for each in value)
    return str(getattr(value, "label", value))


@dataclass(frozen=True)
class Into(Generic[A]):
    """A fact for another history than the one that the act is addressed to."""

    aggregate: A
    fact: Fact[A]


Decision = Fact[Any] | Iterable[Fact[Any] | Into[Any]] | None


@dataclass_transform(frozen_default=True)
class Command(ABC, Generic[S]):
    """Its fields are what is asked; ``decide`` is the rule."""

    act: ClassVar[Act]

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)

    @classmethod
    def about(cls) -> type[S]:
        (subject,) = get_args(cls.__orig_bases__[0])  # type: ignore[attr-defined]
        return subject  # type: ignore[no-any-return]

    def subject(self, code: str) -> str:
        """The code of the history that is addressed, from the code in the path."""
        return code

    @abstractmethod
    def decide(self, it: S, case: Case, /) -> Decision:
        """The facts that follow. Notes breaches on the case, changes nothing."""


@dataclass(frozen=True)
class Act:
    """办理事项: what the world outside needs to know about a command.

    ``paths`` maps each route to the aggregate that it addresses; an act on what projects and units
    share has one for each. ``by`` are those whose business it is, who may also correct what was
    recorded of it. ``observed``: only ever recorded as something that happened elsewhere;
    ``begins``: the history of its subject begins with it; ``at_console``: asked at the machine
    itself, by its operator, and through no door.
    """

    name: str
    title: str
    paths: Mapping[str, type[Aggregate]]
    by: frozenset[Role]
    basis: str
    command: type[Command[Any]]
    reads: frozenset[type[Aggregate]]
    observed: bool
    begins: bool
    at_console: bool
    facts: tuple[type[Fact[Any]], ...]

    @property
    def doors(self) -> Mapping[str, type[Aggregate]]:
        """The routes at which it can be asked from outside."""
        return {} if self.at_console else self.paths

    @property
    def asked_by(self) -> frozenset[Role]:
        """The roles in which it is asked: what has happened elsewhere, only its system tells."""
        return frozenset({Role.SOURCE_SYSTEM}) if self.observed else self.by


def act(
    path: str,
    *,
    by: Iterable[Role],
    basis: str,
    reads: Iterable[type[Aggregate]] = (),
    observed: bool = False,
    begins: bool = False,
    at_console: bool = False,
) -> Callable[[C], C]:
    """Announce a business act: where it is posted, who may do it, what it rests on.

    The path names its subject in braces, ``projects/{project}/suspension``. A subject that several
    kinds share stands for their collections too: ``{accountable}/goal`` gives both
    ``projects/{project}/goal`` and ``units/{unit}/goal``. ``reads`` are the kinds that ``decide``
    asks its case for.
    """

    def announce(command: C) -> C:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", command.__name__).lower()
        if name in ACTS:
            raise TypeError(f"act {name!r} is declared twice")
        command.act = ACTS[name] = Act(
            name=name,
            title=title_of(command),
            paths=_paths(path, command.about()),
            by=frozenset(by),
            basis=basis,
            command=command,
            reads=frozenset(reads),
            observed=observed,
            begins=begins,
            at_console=at_console,
            facts=_facts(command),
        )
        return command

    return announce


def _paths(path: str, subject: type[Aggregate]) -> dict[str, type[Aggregate]]:
    if subject.KIND:
        return {path: subject}
    head, _, rest = path.partition("/")
    kinds = [kind for _, kind in sorted(KINDS.items()) if issubclass(kind, subject)]
    return {f"{k.COLLECTION}/{{{k.KIND}}}/{rest}": k for k in kinds if head.startswith("{")}


def _facts(command: type[Command[Any]]) -> tuple[type[Fact[Any]], ...]:
    """The facts that a command can lead to, read off the return type of its ``decide``."""

    def within(hint: Any) -> Iterable[type[Fact[Any]]]:
        if isinstance(hint, type) and issubclass(hint, Fact):
            yield hint
        for inner in get_args(hint):
            yield from within(inner)

    hint = get_type_hints(command.decide).get("return", NoneType)
    return tuple(dict.fromkeys(within(hint)))
