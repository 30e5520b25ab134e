"""A *fact* happened; a *record* is its place in history; an *aggregate* is what rules remember."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, Self, TypeVar, dataclass_transform, get_args

from aggregates.values import Term, yuan

A = TypeVar("A", bound="Aggregate")
F_co = TypeVar("F_co", bound="Fact[Any]", covariant=True)

FACTS: dict[str, type[Fact[Any]]] = {}
KINDS: dict[str, type[Aggregate]] = {}

CODE = r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}"
"""How a history is named within its kind, unless the kind says otherwise."""

MAIN = "main"
"""The code of histories of which an office has only one."""


@dataclass
class Aggregate:
    """One history, folded: only what its rules must look at.

    ``id`` is the stream's readable name (``project/2021-017``), minted once and never recomputed;
    ``version`` counts its records, ``latest_on`` is the last business date among what is read here,
    ``corrections`` holds the latest correction of a position.
    """

    KIND: ClassVar[str] = ""
    COLLECTION: ClassVar[str] = ""
    CODE: ClassVar[str] = CODE

    id: str
    version: int = field(default=0, kw_only=True)
    latest_on: date = field(default=date.min, kw_only=True)
    corrections: dict[int, RecordCorrected] = field(default_factory=dict, kw_only=True)

    def __init_subclass__(cls, kind: str = "", collection: str = "") -> None:
        if kind:
            cls.KIND, cls.COLLECTION, KINDS[kind] = kind, collection or f"{kind}s", cls

    @classmethod
    def stream(cls, code: str) -> str:
        """The stream's name for a code."""
        return f"{cls.KIND}/{code}"

    @classmethod
    def of(cls, code: str) -> Self:
        """A blank history under a code."""
        return cls(cls.stream(code))

    @property
    def code(self) -> str:
        return self.id.partition("/")[2]

    @property
    def is_blank(self) -> bool:
        """Nothing has been recorded here yet."""
        return self.version == 0

    @property
    def belongs_to(self) -> str:
        """The unit (its code) that answers for this history; empty where it is the office's own."""
        return ""


def kind_of(stream: str) -> type[Aggregate]:
    """The aggregate whose histories carry this kind of name."""
    return KINDS.get(stream.partition("/")[0], Aggregate)


def said(value: Any, form: str) -> str:
    """A value as a sentence says it: lists joined, terms in Chinese, fen as ``yuan``."""
    if isinstance(value, tuple | list):
        return "、".join(said(each, form) for each in value)
    if form == "yuan":
        return f"{yuan(value)} 元"
    if isinstance(value, Term):
        return value.label
    return "" if value is None else format(value, form)


@dataclass_transform(frozen_default=True)
class Fact(Generic[A]):
    """Something that happened: past tense, frozen, kept for ever.

    Declared with the topic under which it is stored, and the sentence that a time line shows::

        class FundsSuspended(Fact[Project], topic="funds.suspended", says="停拨 {lines}: {reason}"):

    Fields are plain types and conclusions (the gap, the grade), never something to be recomputed;
    they are only ever added, with defaults. Any other change is a new topic. ``personal`` names the
    fields that hold, instead of a person's own data, the digests of committed values, in the order
    in which the act has those data.
    """

    TOPIC: ClassVar[str]
    TITLE: ClassVar[str]
    SAYS: ClassVar[str]
    PERSONAL: ClassVar[tuple[str, ...]]
    _parts: ClassVar[tuple[tuple[str, str | None, str], ...]]
    about: ClassVar[type[Aggregate]]

    def __init_subclass__(cls, topic: str, says: str = "", personal: tuple[str, ...] = ()) -> None:
        if topic in FACTS:
            raise TypeError(f"{topic!r} already names {FACTS[topic]}")
        dataclass(frozen=True)(cls)
        (cls.about,) = get_args(cls.__orig_bases__[0])  # type: ignore[attr-defined]
        cls.TOPIC, cls.TITLE, cls.PERSONAL = topic, title_of(cls), personal
        cls.SAYS = says or cls.TITLE
        parsed = string.Formatter().parse(cls.SAYS)
        cls._parts = tuple((words, name, form or "") for words, name, form, _ in parsed)
        FACTS[topic] = cls

    def apply(self, it: A, /) -> None:
        """Change what the aggregate remembers. Total: what happened, happened."""

    @property
    def committed(self) -> tuple[str, ...]:
        """For each personal field the digest of its committed value; empty where it has none."""
        return tuple(getattr(self, name) for name in self.PERSONAL)

    @property
    def digests(self) -> tuple[str, ...]:
        """The committed values that it rests on, by their digests."""
        return tuple(filter(None, self.committed))

    def sentence(self) -> str:
        """What a time line says of it."""
        return "".join(
            words if name is None else words + said(getattr(self, name), form)
            for words, name, form in self._parts
        )


def title_of(declared: type) -> str:
    """The first words of a docstring, up to its colon: the title in the user's language."""
    return (declared.__doc__ or declared.__name__).partition(":")[0].strip()


class Severity(StrEnum):
    """What a breach of a rule leads to; every rule set may choose."""

    REFUSE = "refuse"
    FLAG = "flag"
    OFF = "off"


@dataclass(frozen=True)
class Breach:
    """A rule that an act breaks, and the values that were looked at."""

    rule: str
    severity: Severity
    saw: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Actor:
    """Who acted: a person by id, at a post of an organisation, in a role.

    ``asserted``: not authenticated here, but named by the front office that called.
    """

    person: str
    role: str
    post: str = ""
    organisation: str = ""
    on_behalf_of: str = ""
    asserted: bool = False


@dataclass(frozen=True)
class Document:
    """The paper behind an act: its number, its date, the SHA-256 of its file."""

    number: str
    dated: date | None = None
    digest: str = ""


@dataclass(frozen=True)
class Source:
    """Where an observed fact was seen: a row of another system, in one revision."""

    system: str
    table: str
    row: str
    revision: str
    batch: str = ""


@dataclass(frozen=True)
class Envelope:
    """Everything about a record that is not the fact itself.

    Of the four times, ``occurred_on`` (business), ``submitted_at`` (front office) and the
    document's date are here; ``recorded_at`` is the ledger's own and stands in the entry.
    ``because`` are the positions it rests on; ``rule_set`` the version that it was decided by;
    ``source`` is there if and only if the act was observed, not commanded.
    """

    via: str
    actor: Actor
    occurred_on: date
    act: str
    request: str = ""
    request_digest: str = ""
    rule_set: int = 0
    submitted_at: datetime | None = None
    document: Document | None = None
    source: Source | None = None
    because: tuple[int, ...] = ()
    breaches: tuple[Breach, ...] = ()
    opening: bool = False

    @property
    def observed(self) -> bool:
        return self.source is not None


@dataclass(frozen=True)
class Record(Generic[F_co]):
    """A fact in its place: whose history, which number, when, by whom, on which rules.

    ``position`` and ``recorded_at`` are the ledger's; they are 0 and ``None`` until it has
    recorded. The eventsourcing library asks for the stream and the version by its own names.
    """

    stream: str
    version: int
    envelope: Envelope
    fact: F_co
    position: int = 0
    recorded_at: datetime | None = None

    @property
    def originator_id(self) -> str:
        return self.stream

    @property
    def originator_version(self) -> int:
        return self.version


class Replacement:
    """A whole fact inside another one: what should have been recorded."""

    __slots__ = ("fact",)

    def __init__(self, fact: Fact[Any]) -> None:
        self.fact = fact

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Replacement) and self.fact == other.fact

    def __hash__(self) -> int:
        return hash(self.fact)

    def __repr__(self) -> str:
        return f"Replacement({self.fact!r})"


class RecordCorrected(
    Fact[Aggregate], topic="record.corrected", says="更正第 {position} 号记录: {reason}"
):
    """更正: an earlier record of this history is read with another fact from here on.

    Nothing is deleted and nothing counts twice: a fold as of a position substitutes the latest
    replacement known there. Without a replacement the record is withdrawn (its source row is gone).
    """

    position: int
    reason: str
    replacement: Replacement | None = None

    @property
    def committed(self) -> tuple[str, ...]:
        return self.replacement.fact.committed if self.replacement else ()

    def apply(self, it: Aggregate, /) -> None:
        it.corrections[self.position] = self


def fold(it: A, history: Iterable[Record[Any]]) -> A:
    """Replay a history, oldest first, on top of what an aggregate remembers.

    Corrections among the records replace the facts of earlier ones among the same records; whoever
    continues a fold begun before must fold again from the start when a correction arrives.
    """
    records = list(history)
    corrected = {r.fact.position: r.fact for r in records if isinstance(r.fact, RecordCorrected)}
    for record in records:
        correction = corrected.get(record.position)
        read = Replacement(record.fact) if correction is None else correction.replacement
        if read is not None:
            read.fact.apply(it)
        if read is not None and not isinstance(read.fact, RecordCorrected):
            it.latest_on = max(it.latest_on, record.envelope.occurred_on)
        it.version = record.version
    return it
