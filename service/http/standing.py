"""现状: projects and units as they stand at a position of the ledger, one of them or a list.

What lies outside the asker's subtree is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from marshmallow import Schema, fields

from aggregates.accountable import Accountable
from aggregates.base import CODE
from aggregates.project import Project
from aggregates.unit import Unit
from aggregates.values import Grade
from commands.vocabulary import DayField
from projections.places import Behind, frozen
from projections.project_status import PROJECTS
from projections.standing import Standing, StandingModel, StatusFilter
from projections.unit_status import UNITS
from projections.year_status import YEARS, Stage, YearFilter
from service.http.conditions import etag
from service.http.doors import Doors, path_parameter
from service.http.problems import BEHIND, Problem
from service.http.questions import Asked, PagedQuestion, Question, Whole, Yes, code, understood
from service.http.shapes import PageShape, RecordShape, number, record_told, said
from service.http.statuses import ProjectShape, UnitShape, project_told, unit_told
from service.ledger.tables import record
from service.request import NotFound

MODELS = (PROJECTS, UNITS, YEARS)

IN_PATH = {
    Project: path_parameter("project", "项目编码", CODE),
    Unit: path_parameter("unit", "预算单位编码", CODE),
}
ETAG = {"ETag": {"description": "该历史在此位置的版本", "schema": {"type": "string"}}}

standing = Doors("standing", __name__, url_prefix="/v1/<ledger>", description="现状")


class UnitsQuestion(PagedQuestion):
    """Which units are asked for."""

    within = code("该单位及其下级")
    open_items = Yes(metadata=said("有未销号的整改事项"))
    overdue_on = DayField(metadata=said("在这一天有整改事项逾期"))
    year = Whole(1990, 2100, metadata=said("预算年度"))
    stage = fields.Enum(Stage, by_value=True, metadata=said("该年度的阶段"))
    review_grade = fields.Enum(Grade, by_value=True, metadata=said("该年度的目标审核等级"))
    grade = fields.Enum(Grade, by_value=True, metadata=said("该年度的评价等级"))
    is_suspended = Yes(metadata=said("该年度有资金被停拨"))


class ProjectsQuestion(UnitsQuestion):
    """Which projects are asked for."""

    unit = code("预算单位")


class FreezingShape(Schema):
    """停滞: what is told may stand still since a record that could not be taken in."""

    frozen_at = fields.Integer(
        required=True,
        allow_none=True,
        metadata=said("自这一位置的记录起未能读入，所示为此前的情况；null: 无此情形"),
    )


class StandingShape(FreezingShape):
    """现状: as of a position, at a version."""

    as_of = fields.Integer(required=True, metadata=said("所答复的台账位置"))
    version = fields.Integer(required=True, metadata=said("该历史在此位置的版本"))


class ProjectStandingShape(StandingShape):
    project = fields.Nested(ProjectShape, required=True)


class UnitStandingShape(StandingShape):
    unit = fields.Nested(UnitShape, required=True)


class ListedProjectShape(ProjectShape, FreezingShape):
    """项目: as a list tells it."""


class ListedUnitShape(UnitShape, FreezingShape):
    """预算单位: as a list tells it."""


class ProjectsShape(PageShape):
    items = fields.List(fields.Nested(ListedProjectShape), required=True)


class UnitsShape(PageShape):
    items = fields.List(fields.Nested(ListedUnitShape), required=True)


@standing.reads("/projects", ProjectsShape, asks=ProjectsQuestion, fails={400}, tags=["项目"])
def projects(asked: Mapping[str, Any]) -> Any:
    """项目列表: by code."""
    return _list(PROJECTS, understood(asked, MODELS, named=str), project_told)


@standing.reads("/units", UnitsShape, asks=UnitsQuestion, fails={400}, tags=["预算单位"])
def units(asked: Mapping[str, Any]) -> Any:
    """预算单位列表: by code."""
    return _list(UNITS, understood(asked, MODELS, named=str), unit_told)


@standing.reads(
    "/projects/<project>",
    ProjectStandingShape,
    asks=Question,
    headers=ETAG,
    in_path=[IN_PATH[Project]],
    tags=["项目"],
)
def project(asked: Mapping[str, Any], project: str) -> Any:
    """项目现状: with its budget years and rectification items."""
    return _standing(Project, PROJECTS, project, understood(asked, MODELS), project_told)


@standing.reads(
    "/units/<unit>",
    UnitStandingShape,
    asks=Question,
    headers=ETAG,
    in_path=[IN_PATH[Unit]],
    tags=["预算单位"],
)
def unit(asked: Mapping[str, Any], unit: str) -> Any:
    """预算单位现状: with its budget years and rectification items."""
    return _standing(Unit, UNITS, unit, understood(asked, MODELS), unit_told)


class LateShape(Schema):
    """迟录: a record of something that happened before what its history already told."""

    days = number("早于已记录的最晚业务日期的天数")
    record = fields.Nested(RecordShape, required=True)


class HappenedShape(FreezingShape):
    """实际发生顺序: a history in the order in which things happened, with all that is known."""

    as_of = fields.Integer(required=True, metadata=said("所答复的台账位置"))
    late = fields.List(fields.Nested(LateShape), required=True, metadata=said("迟录的记录"))


class ProjectHappenedShape(HappenedShape):
    project = fields.Nested(ProjectShape, required=True, allow_none=True)


class UnitHappenedShape(HappenedShape):
    unit = fields.Nested(UnitShape, required=True, allow_none=True)


class HappenedQuestion(Question):
    """Known at ``as_of``, looked at on the evening of a day."""

    on = DayField(metadata=said("看这一天结束时的情况，默认全部"))


@standing.reads(
    "/projects/<project>/as-happened",
    ProjectHappenedShape,
    asks=HappenedQuestion,
    in_path=[IN_PATH[Project]],
    tags=["项目"],
)
def project_as_happened(asked: Mapping[str, Any], project: str) -> Any:
    """项目实际发生顺序: by business date, late records in their place."""
    return _happened(Project, PROJECTS, project, understood(asked), project_told)


@standing.reads(
    "/units/<unit>/as-happened",
    UnitHappenedShape,
    asks=HappenedQuestion,
    in_path=[IN_PATH[Unit]],
    tags=["预算单位"],
)
def unit_as_happened(asked: Mapping[str, Any], unit: str) -> Any:
    """预算单位实际发生顺序: by business date, late records in their place."""
    return _happened(Unit, UNITS, unit, understood(asked), unit_told)


Told = Callable[[Any], dict[str, Any]]


def _list(model: StandingModel[Any], asked: Asked, told: Told) -> Any:
    filters = asked.of(StatusFilter, of_year=asked.of(YearFilter))
    if filters is None:
        return asked.answer([])
    with asked.connected() as connection:
        page = model.query(connection, asked.slug, asked.as_of, filters, asked.after, asked.limit)
    items = (told(found) | {"frozen_at": found.frozen_at} for found in page.rows)
    return asked.answer(items, page.next)


def _standing(
    kind: type[Accountable], model: StandingModel[Any], code: str, asked: Asked, told: Told
) -> Any:
    asked.require_known(kind, code)
    with asked.connected() as connection:
        found = model.find(connection, asked.slug, code, asked.as_of)
        version = _version(connection, asked, kind.stream(code))
        if found is None:
            raise _missing(connection, model, asked, kind.stream(code), version)
    answer = {"as_of": asked.as_of, "version": version, "frozen_at": found.frozen_at}
    return answer | {kind.KIND: told(found)}, {"ETag": etag(version)}


def _happened(
    kind: type[Accountable], model: StandingModel[Any], code: str, asked: Asked, told: Told
) -> Any:
    asked.require_known(kind, code)
    known = asked.ledger, kind.stream(code), asked.as_of, asked.filters.get("on")
    of_it, of_years = model.as_happened(*known), YEARS.as_happened(*known)
    row = next(iter(of_it.rows), None)
    stopped = [each.frozen_at for each in (of_it, of_years) if each.frozen_at is not None]
    return {
        "as_of": asked.as_of,
        "frozen_at": min(stopped, default=None),
        "late": [{"days": it.days, "record": record_told(it.record)} for it in of_it.late],
        kind.KIND: row and told(Standing(row, of_years.rows)),
    }


def _missing(
    connection: sa.Connection, model: StandingModel[Any], asked: Asked, stream: str, version: int
) -> Exception:
    """It was not there; or it was, and has not been read yet, or never could be."""
    if asked.is_now and not version:
        return Behind(model.NAME, asked.ledger.head_position(), asked.as_of)
    place = model.at(connection, asked.slug, asked.as_of)
    if stopped := frozen(connection, [place], [stream]).get(stream):
        return Problem(BEHIND, f"自第 {stopped} 号记录起未能读入，此前无现状可答")
    return NotFound("没有这个对象")


def _version(connection: sa.Connection, asked: Asked, stream: str) -> int:
    """The version of a history as of a position."""
    c = record.c
    wanted = sa.select(sa.func.coalesce(sa.func.max(c.version), 0)).where(
        c.ledger == asked.slug, c.stream == stream, c.position <= asked.as_of
    )
    return int(connection.execute(wanted).scalar_one())
