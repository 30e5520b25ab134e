"""记录与问责链: records as they were made, and as they read in the chain of accountability."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from aggregates.base import Record
from aggregates.ledger import ActRefused
from projections.accountability import Trace
from service.http.shapes import (
    BreachShape,
    Instant,
    RecordShape,
    Told,
    breach_told,
    fields_told,
    number,
    record_told,
    refusal_told,
    said,
    text,
    truth,
)
from service.ledger.body import plain


class ActorShape(Schema):
    """办理人: who acted, at which post, in which role; asserted: so the calling system says."""

    person = text("人员编号")
    role = text("角色")
    post = text("岗位")
    organisation = text("单位")
    on_behalf_of = text("代何人办理")
    asserted = truth("由业务系统代为报送")


class DocumentShape(Schema):
    """文件: the paper behind an act."""

    number = text("文号")
    dated = fields.Date(required=True, allow_none=True, metadata=said("成文日期"))
    digest = text("文件的 SHA-256 摘要")


class SourceShape(Schema):
    """来源: the row of another system in which it was observed."""

    system = text("系统")
    table = text("表")
    row = text("行")
    revision = text("版本")
    batch = text("批次")


class FullRecordShape(RecordShape):
    """记录: everything that is on record, as it was recorded."""

    act = text("办理事项")
    via = text("令牌编号")
    request = text("幂等键")
    rule_set = number("所依规则集的版次")
    submitted_at = Instant(required=True, allow_none=True, metadata=said("报送时间"))
    actor = fields.Nested(ActorShape, required=True)
    document = fields.Nested(DocumentShape, required=True, allow_none=True)
    source = fields.Nested(SourceShape, required=True, allow_none=True)
    because = fields.List(fields.Integer(), required=True, metadata=said("所依据的记录的位置"))
    breaches = fields.List(fields.Nested(BreachShape), required=True)
    opening = truth("期初数")
    fact = fields.Dict(
        Told(),
        fields.Raw(),
        required=True,
        metadata=said("事实，照存储的原样: 金额是以分为单位的整数"),
    )


class TraceShape(Schema):
    """留痕: a record in the chain of accountability, as it reads with later corrections."""

    position = number("台账位置")
    stream = text("所属历史")
    version = number("在该历史中的序号")
    subject = text("所涉及的历史")
    topic = text("事项代码")
    title = text("事项名称")
    sentence = text("一句话说明")
    recorded_at = Instant(required=True, metadata=said("登记时间"))
    occurred_on = fields.Date(required=True, metadata=said("业务日期"))
    days_late = number("迟登天数")
    person = text("办理人")
    role = text("角色")
    post = text("岗位")
    organisation = text("单位")
    on_behalf_of = text("代何人办理")
    is_asserted = truth("由业务系统代为报送")
    via = text("令牌编号")
    act = text("办理事项")
    rule_set = number("所依规则集的版次")
    breaches = fields.List(fields.Nested(BreachShape), required=True)
    document = text("文号")
    is_observed = truth("在其他系统中已经发生")
    is_opening = truth("期初数")
    corrected_by = fields.Integer(
        required=True, allow_none=True, metadata=said("更正它的记录的位置")
    )
    is_withdrawn = truth("已撤回")


def full_record_told(record: Record[Any]) -> dict[str, Any]:
    """A record with everything that is on record."""
    envelope, fact = record.envelope, record.fact
    is_refusal = isinstance(fact, ActRefused)
    breaches = refusal_told(fact) if is_refusal else map(breach_told, envelope.breaches)
    return {
        **fields_told(envelope),
        **record_told(record),
        "breaches": [*breaches],
        "fact": plain(fact),
    }


def trace_told(trace: Trace) -> dict[str, Any]:
    """A row of the chain, its breaches with their rules' words."""
    return {**fields_told(trace), "breaches": [breach_told(each) for each in trace.breaches]}
