"""问责链: what was recorded of a history, and who answers for it.

*Records* are what was recorded, as it was recorded. The *history* is the chain of accountability:
the same records as they read with every correction, those beside them included (refusals of what
was tried on a project, payments made on it), each with who did it, when, and against which rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from aggregates.base import Aggregate, Record
from aggregates.project import Project
from aggregates.unit import Unit
from commands.vocabulary import DayField, TextField
from projections.accountability import ACCOUNTABILITY, TraceFilter, subject_of
from projections.project_status import PROJECTS
from projections.unit_status import UNITS
from service.http.doors import Doors
from service.http.questions import (
    FARTHEST,
    WHOLE,
    Asked,
    PagedQuestion,
    Question,
    Whole,
    Yes,
    code,
    understood,
)
from service.http.shapes import PageShape, said
from service.http.standing import IN_PATH
from service.http.traces import FullRecordShape, TraceShape, full_record_told, trace_told
from service.ledger.body import record_of
from service.request import NotFound

POSITION = {
    "in": "path",
    "name": "position",
    "description": "台账位置",
    "schema": {"type": "integer", "minimum": 1, "maximum": FARTHEST},
}
MODELS = (ACCOUNTABILITY, PROJECTS, UNITS)

chain = Doors("chain", __name__, url_prefix="/v1/<ledger>", description="问责链")


class HistoryQuestion(PagedQuestion):
    """Which records of one history are asked for."""

    person = code("办理人")
    topic = TextField(100, metadata=said("事项代码"))
    rule = TextField(100, metadata=said("触犯的规则"))
    breached = Yes(metadata=said("触犯了规则"))
    recorded_from = Whole(1, metadata=said("自这一位置起"))
    recorded_until = Whole(1, metadata=said("至这一位置止"))
    occurred_from = DayField(metadata=said("业务日期自"))
    occurred_until = DayField(metadata=said("业务日期至"))
    days_late = Whole(0, 100_000, metadata=said("迟登至少这些天"))


class ChainQuestion(HistoryQuestion):
    """Which records of the whole ledger are asked for."""

    subject = TextField(200, metadata=said("所涉及的历史，如 project/2021-017"))
    unit = code("预算单位")
    within = code("该单位及其下级")


class TracesShape(PageShape):
    items = fields.List(fields.Nested(TraceShape), required=True)


class RecordsShape(PageShape):
    items = fields.List(fields.Nested(FullRecordShape), required=True)


@chain.reads("/accountability", TracesShape, asks=ChainQuestion, fails={400}, tags=["问责链"])
def accountability(asked: Mapping[str, Any]) -> Any:
    """问责链: every record in its order, as far as the asker may see."""
    return _traces(understood(asked, MODELS))


@chain.reads(
    "/records/<position>",
    FullRecordShape,
    asks=Question,
    in_path=[POSITION],
    tags=["问责链"],
)
def record(asked: Mapping[str, Any], position: str) -> Any:
    """记录: one record, by its position."""
    return full_record_told(record_seen(understood(asked), position))


def record_seen(asked: Asked, position: str) -> Record[Any]:
    """The record at a position, if there is one that the asker may see."""
    at = int(position) if WHOLE.fullmatch(position) else 0
    found = asked.ledger.record_at(at) if 0 < at <= asked.as_of else None
    if found is None:
        raise NotFound("没有这条记录")
    asked.require_seen(subject_of(found.stream))
    return found


def _traces(asked: Asked, **more: Any) -> Any:
    filters = asked.of(TraceFilter, **more)
    if filters is None:
        return asked.answer([])
    with asked.connected() as connection:
        page = ACCOUNTABILITY.query(
            connection, asked.slug, asked.as_of, filters, asked.after, asked.limit
        )
    return asked.answer(map(trace_told, page.rows), page.next)


def _records(asked: Asked, stream: str) -> Any:
    """A page of one history; versions and positions rise together."""
    (after,) = asked.after or (0,)
    rows = asked.ledger.records_in.select_events(stream, gt=after, limit=asked.limit + 1)
    known = [record_of(row) for row in rows if row.id <= asked.as_of]
    more = len(known) > asked.limit
    shown = known[: asked.limit]
    return asked.answer(map(full_record_told, shown), (shown[-1].version,) if more else None)


def _open(kind: type[Aggregate], called: str) -> None:
    """Doors to the records and to the history of one project or unit."""

    def records(asked: Mapping[str, Any], **path: str) -> Any:
        question = understood(asked)
        (code,) = path.values()
        question.require_known(kind, code)
        return _records(question, kind.stream(code))

    def history(asked: Mapping[str, Any], **path: str) -> Any:
        question = understood(asked, MODELS)
        (code,) = path.values()
        question.require_known(kind, code)
        return _traces(question, subject=kind.stream(code))

    for view, shape, asks, title in (
        (records, RecordsShape, PagedQuestion, "记录: as they were recorded"),
        (history, TracesShape, HistoryQuestion, "问责链: as they read today, refusals included"),
    ):
        view.__doc__ = f"{called}{title}."
        chain.reads(
            f"/{kind.COLLECTION}/<{kind.KIND}>/{view.__name__}",
            shape,
            asks=asks,
            name=f"{view.__name__}_of_{kind.KIND}",
            fails={400},
            in_path=[IN_PATH[kind]],
            tags=[called],
        )(view)


_open(Project, "项目")
_open(Unit, "预算单位")
