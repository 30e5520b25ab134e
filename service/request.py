"""A request: one act that somebody asks for, understood and ready to be decided."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache
from hashlib import sha256
from itertools import islice
from typing import Annotated, Any, get_type_hints

import marshmallow as ma
import msgspec
from marshmallow import fields as words

from aggregates.base import FACTS, Actor, Aggregate, Document, RecordCorrected, Source
from aggregates.ledger import LedgerItself
from aggregates.office import Office, Token
from aggregates.person import Holder, Person
from aggregates.roles import WITHOUT_POST, Role
from aggregates.rulebook import RuleBook
from commands.base import Act, Command, Committed
from commands.vocabulary import Digest, DocumentNumber, PersonId, Position, RowName, TextField
from service.ledger.batch import CLOCK_TOLERANCE
from service.schemas import schema_of

OptionalName = Annotated[str, TextField(200, shortest=0)]

MOST_FAULTS = 100
"""How many faults of one body are told."""

FIELD = "[a-z0-9_]{1,40}|{code}"
"""A step of a JSON pointer to a field, an element or the code in the path."""

OF_THE_DELIVERY = frozenset({"because", "opening", "submitted_at"})
"""Circumstances that are not the source row's own."""

OUR_OWN = frozenset({LedgerItself, Office, Person, Holder, RuleBook})
"""What acts are about that are asked for nowhere but here: no system and no file tells us whom we
have come to trust, by which rules we decide, or whose data we keep.
"""


HasPost = Callable[[str, Role], bool]
"""Whether the office has a post on record for a person in a role."""


class Refusal(Exception):
    """A request that is turned away before its rule is asked; nothing is recorded of it."""


class Forbidden(Refusal):
    """The bearer may not do this."""


class NotFound(Refusal):
    """There is no such thing, or none that the bearer may know of."""


class Malformed(Refusal):
    """The body is not of the act's form. ``faults`` maps JSON pointers to what is wrong there.

    Its sentence is kept of a line of a file, and so has no name that is none of ours.
    """

    def __init__(self, faults: Mapping[str, list[str]]) -> None:
        self.faults = faults
        told = (f"{_ours(pointer) or '/'}: {'；'.join(faults[pointer])}" for pointer in faults)
        super().__init__("；".join(told))


def _ours(pointer: str) -> str:
    """A JSON pointer in which only such names are legible as fields have."""
    return re.sub("[^/]+", lambda step: step[0] if re.fullmatch(FIELD, step[0]) else "…", pointer)


@dataclass(frozen=True)
class ActorGiven:
    """办理人: whom a business system names as the one who acted in it."""

    person: PersonId
    post: Annotated[OptionalName, "岗位"] = ""
    organisation: Annotated[OptionalName, "单位；代单位办理的，为其编码"] = ""
    on_behalf_of: Annotated[OptionalName, "代何单位或何人办理"] = ""


@dataclass(frozen=True)
class DocumentGiven:
    """所凭文件: the paper behind an act."""

    number: DocumentNumber
    dated: Annotated[date, "成文日期"] | None = None
    digest: Annotated[Digest, "SHA-256 摘要，64 位小写十六进制"] = ""


@dataclass(frozen=True)
class SourceGiven:
    """来源: the row of another system in which it was observed, and that row's revision.

    The system is the token's own. A row's revisions count in the order of their arrival.
    """

    system: Annotated[RowName, "系统名称"]
    table: Annotated[RowName, "表"]
    row: Annotated[RowName, "行"]
    revision: Annotated[RowName, "该行的版本"]
    batch: Annotated[OptionalName, "送达批次"] = ""
    deleted: Annotated[bool, "该行在来源系统中已经删除"] = False


@dataclass(frozen=True)
class Circumstances:
    """办理情况: everything about a request that is not the act itself, under the key ``case``."""

    occurred_on: Annotated[date, "业务日期，不填为今天"] | None = None
    submitted_at: Annotated[datetime, "报送时间"] | None = None
    role: Annotated[Role, "办理时的角色"] | None = None
    actor: Annotated[ActorGiven, "由业务系统代为报送时，实际的办理人"] | None = None
    document: DocumentGiven | None = None
    source: Annotated[SourceGiven, "来源行: 在其他系统中已经发生的业务"] | None = None
    because: Annotated[tuple[Position, ...], "所依据的记录的台账位置"] = ()
    opening: Annotated[bool, "期初数: 台账启用之前的业务"] = False


@dataclass(frozen=True)
class Line:
    """One line of an import: its number, its text as it is kept beside the ledger, its bytes."""

    batch: str
    number: int
    text: Committed
    length: int

    def seal(self, salt: bytes) -> bytes:
        """What the row of a line says that could not be read: nothing that outlives its text."""
        return sha256(salt + self.text.digest.encode()).digest()


@dataclass(frozen=True)
class Request:
    """受理件: who asks for which act on which history, in what circumstances, under which key."""

    token: Token
    key: str
    act: Act
    kind: type[Aggregate]
    code: str
    command: Command[Any]
    given: Circumstances
    masked: bytes
    """The act, its subject and its body as JSON, without personal values."""
    line: Line | None = None

    @property
    def subject(self) -> str:
        """The code of the history that the act is about."""
        return self.command.subject(self.code)

    @property
    def source(self) -> Source | None:
        seen = self.given.source
        if seen is None:
            return None
        return Source(seen.system, seen.table, seen.row, seen.revision, seen.batch)

    @property
    def document(self) -> Document | None:
        paper = self.given.document
        return None if paper is None else Document(paper.number, paper.dated, paper.digest)

    @property
    def personal(self) -> list[str]:
        """The personal values, which no row and no digest of a request may hold, in the order of
        their fields; empty where there is none.
        """
        return [getattr(self.command, name) or "" for name in _personal(type(self.command))]

    def digest(self, salt: bytes) -> bytes:
        """What tells this request from another under the same key, but for personal values."""
        return sha256(salt + self.masked).digest()

    def actor(self, has_post: HasPost) -> Actor:
        """Who acts: the token's person, or whom the calling system names within its roles. Where
        several roles may, it is in the first in which the person has a post.

        Raises :class:`Forbidden` where the token has no role that may, and :class:`Malformed` where
        somebody has to be named and is not.
        """
        roles, named = self._roles(), self.given.actor
        if self.token.person:
            if named is not None and named.person != self.token.person:
                raise Forbidden("个人令牌只能以本人名义办理")
            behalf = named.on_behalf_of if named else ""
            role = _held(roles, self.token.person, has_post)
            return Actor(self.token.person, role, on_behalf_of=behalf)
        if named is None:
            return self._system(roles)
        role = _held(roles, named.person, has_post)
        return Actor(
            named.person, role, named.post, named.organisation, named.on_behalf_of, asserted=True
        )

    def _system(self, roles: list[Role]) -> Actor:
        """The system itself, in a role in which nobody holds a post."""
        role = next((role for role in roles if role in WITHOUT_POST), None)
        if role is None:
            raise Malformed({"/case/actor": ["业务系统代为办理的，须写明办理人"]})
        return Actor(self.token.system, role, asserted=role != Role.SOURCE_SYSTEM)

    def require_past(self, now: datetime, size: Callable[[], int]) -> None:
        """Raises :class:`Malformed` where it was submitted later than now, or rests on a record
        that is not in the ledger, of which there are ``size``.
        """
        faults: dict[str, list[str]] = {}
        submitted_at, because = self.given.submitted_at, self.given.because
        if submitted_at is not None and submitted_at > now + CLOCK_TOLERANCE:
            faults["/case/submitted_at"] = ["报送时间晚于现在"]
        last = size() if because else 0
        for index, position in enumerate(because):
            if position > last:
                faults[f"/case/because/{index}"] = ["台账中没有这个位置"]
        if faults:
            raise Malformed(faults)

    def _roles(self) -> list[Role]:
        """The roles in which it may be asked, in the token's order."""
        allowed = set(self.token.roles) & set(self.act.by)
        if self.given.source is not None:
            self._require_own_row(self.given.source)
            allowed.add(Role.SOURCE_SYSTEM)
        if self.given.role is not None:
            allowed &= {self.given.role}
        if not allowed:
            may = "、".join(sorted(role.label for role in self.act.asked_by))
            raise Forbidden(f"{self.act.title}由{may}办理")
        return sorted(allowed, key=[*self.token.roles, *Role].index)

    def _require_own_row(self, source: SourceGiven) -> None:
        """A system tells of its own rows and no others; whatever a file tells of, an operator has
        read in.
        """
        if Role.SOURCE_SYSTEM not in self.token.roles:
            raise Forbidden("该令牌无权登记其他系统已经发生的事项")
        if is_our_own(self.act):
            raise Forbidden("该事项只在本系统办理，不能作为其他系统已经发生的业务登记")
        if self.line is None and source.system != self.token.system:
            raise Forbidden(f"来源系统 {source.system} 的来源行只能凭该系统的令牌报送")


def _held(roles: list[Role], person: str, has_post: HasPost) -> Role:
    """The first role in which a person has a post; else the first, and the rule will say so."""
    if roles[0] in WITHOUT_POST:
        return roles[0]
    return next((role for role in roles if has_post(person, role)), roles[0])


def understand(
    act: Act,
    kind: type[Aggregate],
    code: str,
    body: Any,
    *,
    token: Token,
    key: str,
    line: Line | None = None,
) -> Request:
    """Read a JSON body as an act.

    Raises :class:`Malformed` with every fault at once, each under its JSON pointer.
    """
    faults: dict[str, list[str]] = {}
    if not isinstance(body, dict):
        raise Malformed({"": ["应为 JSON 对象"]})
    if not re.fullmatch(kind.CODE, code):
        faults["/{code}"] = ["编码由 1 至 64 个字母、数字和 . _ - 组成"]
    asked = {name: value for name, value in body.items() if name != "case"}
    command = _loaded(act.command, asked, "", faults)
    given = _loaded(Circumstances, body.get("case", {}), "/case", faults)
    if given is not None:
        faults |= _faults_of_source(act, given.source)
    if command is not None and RecordCorrected in act.facts:
        faults |= _faults_of_content(kind, getattr(command, "content", None) or {})
    if command is None or given is None or faults:
        raise Malformed(dict(islice(faults.items(), MOST_FAULTS)))
    told = {
        "act": act.name,
        "subject": f"{kind.KIND}/{code}",
        "body": _without_personal(act, body),
    }
    masked = msgspec.json.encode(told, order="deterministic")
    return Request(token, key, act, kind, code, command, given, masked, line)


def _faults_of_source(act: Act, seen: SourceGiven | None) -> dict[str, list[str]]:
    """An act may need a source, and a correction is no row's content that could be deleted."""
    if seen is None and act.observed:
        return {"/case/source": ["该事项只登记其他系统中已经发生的业务，须写明来源"]}
    if seen is not None and seen.deleted and RecordCorrected in act.facts:
        return {"/case/source/deleted": ["更正自身不能撤回；撤回原记录的，不写 content 即可"]}
    return {}


def _faults_of_content(kind: type[Aggregate], content: Mapping[str, Any]) -> dict[str, list[str]]:
    """A correction holds no field that no record of its history has, and of a person's data only
    digests: whatever it says is kept for ever, also where it is refused.
    """
    facts: list[Any] = [fact for fact in FACTS.values() if issubclass(kind, fact.about)]
    known = {each.name for fact in facts for each in fields(fact)}
    faults = {name: ["该类记录没有这一项"] for name in content if name not in known}
    for name in {name for fact in facts for name in fact.PERSONAL} & set(content):
        if not re.fullmatch("([0-9a-f]{64})?", str(content[name])):
            faults[name] = ["应为原记录中的摘要"]
    return pointed({"content": faults})


def _loaded(cls: Any, given: Any, at: str, faults: dict[str, list[str]]) -> Any:
    try:
        return cls(**schema_of(cls).load(given))
    except ma.ValidationError as error:
        faults.update(pointed(error.messages, at))
    return None


def pointed(messages: Any, at: str = "") -> dict[str, list[str]]:
    """Nested messages of marshmallow, each under its JSON pointer (RFC 6901)."""
    if isinstance(messages, dict):
        found: dict[str, list[str]] = {}
        for key, inner in messages.items():
            step = "" if key == "_schema" else "/" + str(key).replace("~", "~0").replace("/", "~1")
            found.update(pointed(inner, at + step))
        return found
    return {at: [str(each) for each in (messages if isinstance(messages, list) else [messages])]}


def content(masked: bytes) -> dict[str, Any]:
    """What a request's source row says, as far as it is stored: its act, its subject and its body
    without what may differ each time that the row is delivered.
    """
    told: dict[str, Any] = msgspec.json.decode(masked)
    case = told["body"].pop("case", {})
    told["case"] = {name: value for name, value in case.items() if name not in OF_THE_DELIVERY}
    told["case"].get("source", {}).pop("batch", None)
    return told


def _without_personal(act: Act, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as it is stored for ever: a person's own data is left out."""
    personal = _personal(act.command)
    return {name: None if name in personal else value for name, value in body.items()}


def is_our_own(act: Act) -> bool:
    """Whether an act is about the office itself, and asked for nowhere but here."""
    return act.command.about() in OUR_OWN


@cache
def _personal(command: type[Command[Any]]) -> tuple[str, ...]:
    hints = get_type_hints(command, include_extras=True)
    declared: Any = command
    return tuple(f.name for f in fields(declared) if _is_personal(hints[f.name]))


def _is_personal(hint: Any) -> bool:
    marks = getattr(hint, "__metadata__", ())
    return any(
        isinstance(mark, words.Field) and mark.metadata.get("personal") for mark in marks
    ) or any(_is_personal(inner) for inner in getattr(hint, "__args__", ()))
