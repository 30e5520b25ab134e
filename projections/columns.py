"""Columns of read models: a row's fields as a database stores them, the same on every database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from types import NoneType
from typing import Any, get_args

import msgspec
import sqlalchemy as sa

# Compared byte by byte: neither an order nor a digest may depend on an operating system.
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Column:
    """One field of a row: its type in the database, and the ways there and back."""

    name: str
    type: sa.types.TypeEngine[Any]
    nullable: bool
    dump: Convert
    load: Convert

    @property
    def is_text(self) -> bool:
        """Stored as it is, and may hold any character."""
        return self.type is Name and self.dump is as_it_is


def column_of(name: str, hint: Any) -> Column:
    """The column of a field with this type; ``| None`` may be empty."""
    inner = [each for each in get_args(hint) if each is not NoneType]
    nullable = NoneType in get_args(hint)
    stored, dump, load = _way(inner[0] if nullable else hint)
    if nullable and dump is not as_it_is:
        dump, load = _or_none(dump), _or_none(load)
    return Column(name, stored, nullable, dump, load)


def _way(hint: Any) -> tuple[sa.types.TypeEngine[Any], Convert, Convert]:
    """How values of a type are stored: plainly where a database can, else as canonical JSON."""
    hint = getattr(hint, "__supertype__", hint)
    if hint is bool:
        return sa.Boolean(), as_it_is, as_it_is
    if hint is int:
        return sa.BigInteger(), as_it_is, as_it_is
    if hint is str:
        return Name, as_it_is, as_it_is
    if hint is date:
        return sa.Date(), date.isoformat, _day
    if hint is datetime:
        return Name, _utc, datetime.fromisoformat
    if hint is Decimal:
        return Name, "{:f}".format, Decimal
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Name, _code, hint
    return sa.Text(), _canonical, msgspec.json.Decoder(hint).decode


def as_it_is(value: Any) -> Any:
    return value


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _utc(value: datetime) -> str:
    """A time as text that sorts as it passes, always in UTC and with six digits."""
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _code(value: StrEnum) -> str:
    return value.value


def clean(text: str) -> str:
    """Text as every database takes it: PostgreSQL knows no NUL, so its picture stands for it."""
    return text.replace("\0", "␀") if "\0" in text else text


def _canonical(value: Any) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()


def _or_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)
