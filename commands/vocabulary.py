"""The words that a request may contain, each with its type and its marshmallow field.

A command's field is annotated with a word of this page, with a value of ``aggregates.values``, or
with a dataclass or tuple of such; whatever has no field here cannot be asked for.

What a field is called stands beside its type, in the act: ``Annotated[Text, "用途"]``. Words that
several files share say here what they are called; a term or a value is called by its title.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar

from marshmallow import ValidationError, fields, validate

import commands.wording  # noqa: F401  it speaks before any field is made
from aggregates.base import CODE
from aggregates.values import Fen, Percent, Quantity, Score, yuan

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
HOUR = r"[0-9]{2}:[0-9]{2}"
INSTANT = re.compile(rf"{DAY.pattern}T{HOUR}:[0-9]{{2}}(\.[0-9]+)?(Z|[+-]{HOUR})")
"""A day and a moment as RFC 3339 writes them; which of them exist, the calendar says."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def is_printable(text: str) -> bool:
    """No control characters but tab and line breaks, no half characters."""
    return not _UNPRINTABLE.search(text)


class TextField(fields.String):
    """Text without control characters, of limited length."""

    def __init__(self, longest: int, *, shortest: int = 1, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(shortest, longest), **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not is_printable(text):
            raise ValidationError("不得含有控制字符")
        return text


class LineField(TextField):
    """One line of text, of limited length."""

    PATTERN: ClassVar[str] = r"^[^\x00-\x1f\x7f\ud800-\udfff]+$"

    def __init__(self, longest: int, **kwargs: Any) -> None:
        metadata = {"pattern": self.PATTERN} | kwargs.pop("metadata", {})
        super().__init__(longest, metadata=metadata, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text and not re.fullmatch(self.PATTERN, text):
            raise ValidationError("不得换行")
        return text


class RowNameField(LineField):
    """What another system calls a table, a row or a revision: one line of at most 60 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(60, **kwargs)


class CodeField(fields.String):
    """A code: letters, digits, dot, dash and underline, beginning with a letter or digit."""

    def __init__(self, **kwargs: Any) -> None:
        pattern = validate.Regexp(rf"\A{CODE}\Z", error="编码由 1 至 64 个字母、数字和 . _ - 组成")
        metadata = {"pattern": f"^{CODE}$", "minLength": 1, "maxLength": 64}
        super().__init__(validate=pattern, metadata=metadata, **kwargs)


class MoneyField(fields.Field[int]):
    """A sum in yuan as a decimal string with at most two places; fen inside.

    At most thirteen digits before the point: in fen it still fits a JSON number exactly.
    """

    PATTERN: ClassVar[str] = r"-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,2})?"

    def __init__(self, *, signed: bool = False, **kwargs: Any) -> None:
        self.signed = signed
        pattern = self.PATTERN if signed else self.PATTERN.removeprefix("-?")
        self.form = re.compile(pattern)
        metadata = {"type": "string", "pattern": f"^{pattern}$", "examples": ["1200000.00"]}
        super().__init__(metadata=metadata, **kwargs)

    def _serialize(self, value: int | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else yuan(value)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if not isinstance(value, str) or not self.form.fullmatch(value):
            raise ValidationError('金额是以元为单位的字符串，最多两位小数，如 "1200000.00"')
        return int(Decimal(value).scaleb(2))


class DecimalField(fields.Field[Decimal]):
    """A decimal string between two bounds with at most so many places."""

    def __init__(self, lowest: int, highest: int, places: int = 2, **kwargs: Any) -> None:
        self.lowest, self.highest, self.places = lowest, highest, places
        sign = "-?" if lowest < 0 else ""
        self.form = re.compile(rf"{sign}(0|[1-9][0-9]{{0,5}})(\.[0-9]{{1,{places}}})?")
        form = {"type": "string", "pattern": f"^{self.form.pattern}$", "examples": ["91.8"]}
        super().__init__(metadata=form | kwargs.pop("metadata", {}), **kwargs)

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else format(value, "f")

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        if isinstance(value, str) and self.form.fullmatch(value):
            try:
                number = Decimal(value)
            except InvalidOperation:  # pragma: no cover - the form admits only numbers
                number = Decimal("NaN")
            if self.lowest <= number <= self.highest:
                return number
        raise ValidationError(
            f"应为 {self.lowest} 至 {self.highest} 之间的十进制字符串，最多 {self.places} 位小数"
        )


class DayField(fields.Date):
    """A day, written as people write it: year, month, day; no weeks, no digits in a row."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> date:
        if isinstance(value, str) and not DAY.fullmatch(value):
            raise ValidationError("日期应写作 2021-03-01")
        day: date = super()._deserialize(value, attr, data, **kwargs)
        return day


class InstantField(fields.AwareDateTime):
    """A moment with its offset, in the form of RFC 3339 and no other."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        if isinstance(value, str) and not INSTANT.fullmatch(value):
            raise ValidationError("时间应写作 2021-03-01T15:20:00+08:00")
        moment: datetime = super()._deserialize(value, attr, data, **kwargs)
        return moment


def in_our_time(when: date) -> None:
    """Where calendars end, terms cannot be reckoned; nobody means a day there."""
    if not 1950 <= when.year <= 2199:
        raise ValidationError("年份应在 1950 至 2199 之间")


IN_OUR_TIME: Mapping[str, Any] = {
    "validate": in_our_time,
    "metadata": {"pattern": "^(19[5-9][0-9]|2[01][0-9]{2})-"},
}

Name = Annotated[str, TextField(200)]
RowName = Annotated[str, RowNameField()]
Text = Annotated[str, TextField(2000)]
Remark = Annotated[str, TextField(2000, shortest=0)]
Code = Annotated[str, CodeField()]
UnitCode = Annotated[str, CodeField(), "预算单位编码"]
PersonId = Annotated[str, CodeField(), "人员编号"]
ItemId = Annotated[str, CodeField(), "整改事项编号"]
FindingId = Annotated[str, CodeField(), "问题编号"]
LineId = Annotated[str, CodeField(), "资金明细编号"]
EvaluationId = Annotated[Code, "评价编号"]
Digest = Annotated[
    str,
    fields.String(
        validate=validate.Regexp(
            r"\A[0-9a-f]{64}\Z", error="应为 64 位小写十六进制的 SHA-256 摘要"
        ),
        metadata={"pattern": "^[0-9a-f]{64}$"},
    ),
]
Year = Annotated[
    int,
    fields.Integer(
        strict=True, validate=validate.Range(1990, 2100, error="年度应在 1990 至 2100 之间")
    ),
]
BudgetYear = Annotated[Year, "预算年度"]
Count = Annotated[int, fields.Integer(strict=True, validate=validate.Range(1, 1_000_000))]
Position = Annotated[int, fields.Integer(strict=True, validate=validate.Range(1, 2**53))]
Size = Annotated[int, fields.Integer(strict=True, validate=validate.Range(0, 2**53))]

Reason = Annotated[Text, "理由"]
DocumentNumber = Annotated[Name, "文号"]
Evidence = Annotated[Digest, "佐证材料的 SHA-256 摘要"]

SignedYuan = Annotated[Fen, MoneyField(signed=True)]
PersonName = Annotated[str, TextField(200, metadata={"personal": True})]
"""A person's own data: kept as a committed value, masked wherever a request is stored."""

FIELDS: Mapping[Any, fields.Field[Any]] = {
    Fen: MoneyField(),
    Score: DecimalField(0, 100, metadata={"description": "得分，0 至 100"}),
    Percent: DecimalField(0, 100),
    Quantity: DecimalField(0, 999_999, places=4),
    bool: fields.Boolean(truthy={True}, falsy={False}),
    date: DayField(format="iso", **IN_OUR_TIME),
    datetime: InstantField(format="iso", **IN_OUR_TIME),
}
"""Fields of bare types; those of enumerations, dataclasses and collections are derived."""
