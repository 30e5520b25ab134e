"""应答: the shapes of everything that is answered, as schemas that write it and document it."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from marshmallow import Schema, fields

from aggregates.base import Breach, Record, Severity
from aggregates.ledger import ActRefused
from commands.base import RULES
from service.clock import shown


class Instant(fields.Field[datetime]):
    """A time with its offset, +08:00."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"type": "string", "format": "date-time"} | kwargs.pop("metadata", {})
        super().__init__(metadata=metadata, **kwargs)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else shown(value)


class Told(fields.String):
    """Text that is told, whatever it holds."""


def said(description: str, **metadata: Any) -> dict[str, Any]:
    """What the documentation says of a field."""
    return {"description": description, **metadata}


def text(description: str) -> Told:
    return Told(required=True, metadata=said(description))


def number(description: str) -> fields.Integer:
    return fields.Integer(required=True, metadata=said(description))


def truth(description: str) -> fields.Boolean:
    return fields.Boolean(required=True, metadata=said(description))


class BreachShape(Schema):
    """触犯规则: a rule that an act breaks, and the values that were looked at."""

    class Meta:
        title = "Breach"

    rule = Told(required=True, metadata=said("规则编号，永久不变"))
    sentence = Told(required=True, metadata=said("规则内容"))
    basis = Told(required=True, metadata=said("依据"))
    severity = fields.Enum(
        Severity,
        by_value=True,
        required=True,
        metadata=said("refuse 拒绝办理，flag 予以标注"),
    )
    saw = fields.Dict(Told(), Told(), required=True, metadata=said("核对时所见的值"))


class RecordShape(Schema):
    """记录: a fact in its place."""

    position = fields.Integer(required=True, metadata=said("台账位置", minimum=1))
    stream = Told(required=True, metadata=said("所属历史，如 project/2021-017"))
    version = fields.Integer(required=True, metadata=said("在该历史中的序号", minimum=1))
    topic = Told(required=True, metadata=said("事项代码，永久不变"))
    title = Told(required=True, metadata=said("事项名称"))
    sentence = Told(required=True, metadata=said("一句话说明"))
    recorded_at = Instant(required=True, metadata=said("登记时间"))
    occurred_on = fields.Date(required=True, metadata=said("业务日期"))


class ReceiptShape(Schema):
    """回执: what was recorded of an act, and where."""

    act = Told(required=True, metadata=said("办理事项"))
    title = Told(required=True, metadata=said("事项名称"))
    position = fields.Integer(
        required=True, metadata=said("最后一条记录的位置；查询时以 at_least 等待到此", minimum=1)
    )
    records = fields.List(fields.Nested(RecordShape), required=True)
    breaches = fields.List(
        fields.Nested(BreachShape), required=True, metadata=said("照办但予以标注的规则")
    )


class PageShape(Schema):
    """一页: what stands at a position, and the way to the next page."""

    as_of = fields.Integer(required=True, metadata=said("所答复的台账位置", minimum=0))
    next = Told(required=True, allow_none=True, metadata=said("下一页的游标；null: 这是最后一页"))


class ReadyShape(Schema):
    """就绪: what there is to know about a process and its database."""

    ready = truth("可以提供服务")
    database = truth("数据库可以连接")
    migrated = truth("数据库结构为本版本所需")
    durable = truth("数据库的设置保证记录不丢失")
    ledgers = number("台账数")
    lag = number("查询数据最多落后的记录数")
    quarantined = number("查询数据未能读入的记录数")
    unverified = number("最近一次核验未通过的台账数")
    history_missing = number("缺少已经签署的记录，或见证人有异议，因而不再登记的台账数")


class FaultShape(Schema):
    """不合要求之处: ``pointer`` into the body, ``parameter``, or ``header``; and what is wrong."""

    detail = Told(required=True)
    pointer = Told(metadata=said("请求体中的位置（RFC 6901）"))
    parameter = Told(metadata=said("查询参数或路径参数"))
    header = Told(metadata=said("请求头"))


class ProblemShape(Schema):
    """问题: whatever goes wrong is answered in this shape (RFC 9457)."""

    type = Told(required=True, metadata=said("问题类型，供程序判断", format="uri"))
    title = Told(required=True, metadata=said("问题名称"))
    status = fields.Integer(required=True, metadata=said("状态码", minimum=400, maximum=599))
    detail = Told(required=True, metadata=said("本次的说明"))
    request = Told(required=True, metadata=said("请求编号"))
    errors = fields.List(fields.Nested(FaultShape), metadata=said("所有不合要求之处"))
    breaches = fields.List(fields.Nested(BreachShape), metadata=said("所触犯的规则"))
    position = fields.Integer(metadata=said("拒绝办理的记录的位置", minimum=1))
    version = fields.Integer(metadata=said("该历史现在的版本", minimum=0))
    log = fields.Integer(metadata=said("台账现为第几部日志", minimum=1))
    readiness = fields.Nested(ReadyShape, metadata=said("尚不能提供服务的原因"))


def fields_told(it: Any) -> dict[str, Any]:
    """A dataclass's fields by their names, one level deep."""
    return {f.name: getattr(it, f.name) for f in dataclasses.fields(it)}


def record_told(record: Record[Any]) -> dict[str, Any]:
    """A record as a receipt tells it."""
    fact = record.fact
    return {
        "position": record.position,
        "stream": record.stream,
        "version": record.version,
        "topic": fact.TOPIC,
        "title": fact.TITLE,
        "sentence": fact.sentence(),
        "recorded_at": record.recorded_at,
        "occurred_on": record.envelope.occurred_on,
    }


def breach_told(breach: Breach, sentence: str = "") -> dict[str, Any]:
    """A breach with its rule's own words; those on record go before those of today."""
    rule = RULES.get(breach.rule)
    return {
        "rule": breach.rule,
        "sentence": sentence or (rule.sentence if rule else breach.rule),
        "basis": rule.basis if rule else "",
        "severity": breach.severity,
        "saw": dict(breach.saw),
    }


def refusal_told(refused: ActRefused) -> list[dict[str, Any]]:
    """The breaches of a refusal, in the words that were kept with it."""
    told = zip(refused.breaches, refused.sentences, strict=True)
    return [breach_told(breach, sentence) for breach, sentence in told]
