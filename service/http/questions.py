"""提问: as of when, at least how far, which page; and what of it the asker may see.

Every question is answered at one position, which the answer names. ``as_of`` chooses it: a
position, a time with its offset, or a day (its end, as the offices count days), and nothing that is
still to come. ``at_least`` waits until the read models have come that far, for whoever has just
recorded something. What cannot be answered exactly is not answered: a 503 says when to ask again.

A position says the same for ever, and so does a time that is before the last record's: no record
comes before one that is there. Of a later time, today's end above all, the answer is as far as the
ledger has come; another server, whose clock is a little behind, may still record something before
that time. The position in the answer is what to ask for again.

What is told is as of that position; who may see it is judged by the units as they stand today.
Whoever answers for a history now sees all of its past, and whoever has handed it over none of it.
Today is, for one history, what the ledger says this moment; for a list, what the read models have
read by now: until they have read of a move, a list still shows what has gone and not yet what has
come. To wait for them with every list would let nobody read one while they stand still.

A list comes in pages. Its ``next`` holds where the next page begins, at which position, and to
which question it belongs; under another question it is refused.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import fields as fields_of
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any, Self, TypeVar, cast

import msgspec
import sqlalchemy as sa
from flask import current_app, request
from marshmallow import ValidationError, fields, validate

from aggregates.base import CODE, Aggregate, kind_of
from aggregates.values import BEIJING, business_day
from commands.vocabulary import DAY, INSTANT, CodeField, is_printable
from projections.base import ReadModel
from projections.changes import Values
from projections.places import Behind
from service.http.bearer import Caller, caller
from service.http.problems import BAD_CURSOR, Problem, malformed
from service.ledger.application import Ledger
from service.projector import lowest, wait_for
from service.request import NotFound
from service.schemas import Strict
from service.sitting import is_within

F = TypeVar("F")

MOST = 500
"""The longest page."""

FARTHEST = 2**53 - 1

WHOLE = re.compile(r"0|[1-9][0-9]{0,15}")


class Whole(fields.Integer):
    """A whole number in a query, written in one way only."""

    def __init__(self, lowest: int, highest: int = FARTHEST, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(lowest, highest), **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        if not WHOLE.fullmatch(str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *args, **kwargs)


class Yes(fields.Boolean):
    """``true`` or ``false`` in a query."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **kwargs)


def code(description: str, *, required: bool = False) -> CodeField:
    """A code in a query."""
    field = CodeField(required=required)
    field.metadata = {**field.metadata, "description": description}
    return field


class Moment(fields.Field[Any]):
    """A position, a time with its offset, or a day."""

    def __init__(self, **kwargs: Any) -> None:
        forms = [
            {"type": "integer", "minimum": 0, "maximum": FARTHEST},
            {"type": "string", "format": "date-time"},
            {"type": "string", "format": "date"},
        ]
        super().__init__(metadata={"anyOf": forms} | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if WHOLE.fullmatch(value) and int(value) <= FARTHEST:
            return int(value)
        try:
            if DAY.fullmatch(value):
                return date.fromisoformat(value)
            if INSTANT.fullmatch(value):
                return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise ValidationError("应为台账位置、带时区的时间（如 2021-11-21T15:20:00%2B08:00）或日期")


class Question(Strict):
    """What may be said with every question."""

    as_of = Moment(
        metadata={
            "description": "截至: 台账位置、时间或日期。按位置的答复永远不变；"
            "时间不早于台账最后一条记录的，按当时已有的记录答复，此后仍可能有不晚于该时间的记录入账，"
            "须复现时请用答复中的 as_of 位置"
        }
    )
    at_least = Whole(1, metadata={"description": "至少更新到这一位置再回答"})


class PagedQuestion(Question):
    """What may be said with every question that is answered by a list."""

    limit = Whole(1, MOST, metadata={"description": f"每页条数，最多 {MOST}", "default": 100})
    cursor = fields.String(metadata={"description": "上一页的 next，其余参数须与之相同"})


@dataclass(frozen=True)
class Cursor:
    """游标: behind which row the next page begins, as of which position, to which question."""

    after: Values
    as_of: int
    question: str

    def __str__(self) -> str:
        told = msgspec.json.encode([self.after, self.as_of, self.question])
        return urlsafe_b64encode(told).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, named: type) -> Self:
        """The cursor that was given out; raises a :class:`Problem` for any other text."""
        try:
            told = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            found = cls(*msgspec.json.decode(told, type=tuple[tuple[str | int], int, str]))
        except (ValueError, msgspec.MsgspecError) as error:
            raise Problem(BAD_CURSOR) from error
        if str(found) != text or not found._is_ours(named):
            raise Problem(BAD_CURSOR)
        return found

    def _is_ours(self, named: type) -> bool:
        """It belongs to this question, and no stranger has made it up badly."""
        (last,) = self.after
        is_row = isinstance(last, named) and is_printable(str(last))
        places = [self.as_of, *([last] if isinstance(last, int) else [])]
        return is_row and self.question == _digest() and all(0 <= p <= FARTHEST for p in places)


@dataclass(frozen=True)
class Asked:
    """A question as it is put to the read models: by whom, as of when, from where on.

    ``is_now``: as of now, which for read models is as far as they have read.
    """

    who: Caller
    as_of: int
    is_now: bool
    limit: int
    after: Values | None
    filters: dict[str, Any]

    @property
    def ledger(self) -> Ledger:
        return self.who.ledger

    @property
    def slug(self) -> str:
        return self.who.ledger.slug

    def connected(self) -> sa.Connection:
        return self.ledger.engine.connect()

    def of(self, filters: type[F], **more: Any) -> F | None:
        """What is asked for, no farther than the asker may see; None if that is nothing."""
        said = {**self.filters, **more}
        names = {f.name for f in fields_of(cast("Any", filters))}
        if "seen_from" in names:
            wanted = said.get("within")
            if wanted and not self._sees(wanted):
                return None
            said["seen_from"] = self.who.token.unit or None
        return filters(**{name: said[name] for name in names & said.keys()})

    def answer(self, items: Iterable[Any], behind: Values | None = None) -> dict[str, Any]:
        """A page of a list; ``behind`` names the row behind which the next one begins."""
        more = None if behind is None else str(Cursor(behind, self.as_of, _digest()))
        return {"as_of": self.as_of, "items": [*items], "next": more}

    def require_known(self, kind: type[Aggregate], code: str) -> None:
        """There is such a history, and the asker may know of it."""
        if not re.fullmatch(CODE, code):
            raise NotFound("没有这个对象")
        it = self.ledger.load(kind, code)
        if it.is_blank or not self._sees(it.belongs_to):
            raise NotFound("没有这个对象")

    def require_seen(self, stream: str) -> None:
        """The asker may know of this history, whatever kind it is of."""
        if self.who.token.unit:
            self.require_known(kind_of(stream), stream.partition("/")[2])

    def _sees(self, unit: str) -> bool:
        return is_within(_Fresh(self.ledger), self.who.token, unit)


class _Fresh:
    """The ledger, as `is_within` wants to read it."""

    def __init__(self, ledger: Ledger) -> None:
        self.history: Callable[[type[Aggregate], str], Aggregate] = ledger.load


def understood(
    asked: Mapping[str, Any], models: Iterable[ReadModel[Any]] = (), named: type = int
) -> Asked:
    """Who asks what as of when. Waits for the read models; without any, the ledger itself answers.

    ``named`` is the type of what names the rows of a list. Raises ``Behind`` when the wait is over.
    """
    who = caller()
    who.may_read()
    said = dict(asked)
    limit, text = said.pop("limit", 100), said.pop("cursor", None)
    cursor = None if text is None else Cursor.read(text, named)
    as_of = cursor.as_of if cursor else _position(who.ledger, said.pop("as_of", None))
    reached = _reach(who.ledger, tuple(models), max(as_of or 0, said.pop("at_least", 0)))
    said.pop("as_of", None)
    position = reached if as_of is None else as_of
    return Asked(who, position, as_of is None, limit, cursor.after if cursor else None, said)


def _position(ledger: Ledger, said: int | date | None) -> int | None:
    """The position of a moment. Of what is still to come nothing can be said: to ask is a fault,
    for nobody knows when it could be answered.
    """
    if said is None:
        return None
    if isinstance(said, int):
        if said > ledger.head_position():
            raise malformed(parameter={"as_of": ["台账尚未到这一位置"]})
        return said
    now = _latest(ledger)
    moment = said if isinstance(said, datetime) else _within(said, now)
    if moment > now:
        raise malformed(parameter={"as_of": ["这一时间尚未到来"]})
    return ledger.position_at(moment)


def _latest(ledger: Ledger) -> datetime:
    """The time now; or that of the last record, which a server whose clock is ahead has made."""
    now = ledger.clock()
    return max(now, ledger.records_in.head().recorded_at or now)


def _within(day: date, now: datetime) -> datetime:
    """The end of a day, as far as it has come."""
    if day == business_day(now):
        return now
    return datetime.combine(day, time.max, BEIJING)


def _reach(ledger: Ledger, models: tuple[ReadModel[Any], ...], wanted: int) -> int:
    """Wait until all of these have read so far; how far they have come."""
    head = ledger.head_position()
    if wanted > head:
        raise Behind(ledger.slug, wanted, head)
    if not models:
        return head
    app: Any = current_app
    if wanted:
        wait_for(ledger.engine, ledger.slug, wanted, app.settings.wait_seconds, models)
    reached = lowest(ledger.engine, ledger.slug, models)
    if reached < wanted:
        raise Behind(models[0].NAME, wanted, reached)
    return reached


def _digest() -> str:
    """What tells this question from others: its path and all that is said but the page."""
    said = {k: v for k, v in request.args.items() if k not in {"cursor", "limit", "at_least"}}
    told = msgspec.json.encode([request.path, said], order="deterministic")
    return sha256(told).hexdigest()[:16]
