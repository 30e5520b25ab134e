"""年度现状: how far the goal, the budget and the evaluation of one budget year have come.

A year of a project and a year of a unit's overall performance take the same road, so they are rows
of one table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, ClassVar

import sqlalchemy as sa

from aggregates.accountable import Accountable
from aggregates.base import Record
from aggregates.budget import BudgetApproved
from aggregates.evaluated import EvaluationMode
from aggregates.evaluation import (
    ApplicationDecided,
    EvaluationGraded,
    EvaluationReceived,
    EvaluationReported,
)
from aggregates.funding import FundsDeferred, FundsResumed, FundsSuspended
from aggregates.goal import GoalAmended, GoalSubmitted
from aggregates.lines import HeldLine, HoldKind
from aggregates.reserve import ProjectAdmitted
from aggregates.review import CollectiveOpinionGiven, GoalReviewConcluded, OpinionGiven, Verdict
from aggregates.rulebook import AfterReview, Measure
from aggregates.values import Fen, FundLine, Grade, ReviewStage, Score, Term
from projections.base import Row
from projections.changes import Rows
from projections.places import Place
from projections.streams import StreamModel


class Stage(Term):
    """阶段: the last step that a budget year has taken."""

    PLANNED = "planned", "未申报"
    SUBMITTED = "submitted", "已申报"
    UNDER_REVIEW = "under_review", "审核中"
    RETURNED = "returned", "退回修改"
    TO_BE_AMENDED = "to_be_amended", "待修改完善"
    PASSED = "passed", "审核通过"
    EXCLUDED = "excluded", "不进入预算安排"
    ADMITTED = "admitted", "纳入项目库"
    APPROVED = "approved", "已批复"
    EVALUATED = "evaluated", "已评价"
    GRADED = "graded", "已评定等级"
    RECEIVED = "received", "已签收评价结果"
    DECIDED = "decided", "已决定结果应用"


AFTER_REVIEW = {
    AfterReview.ENTER: Stage.PASSED,
    AfterReview.AMEND_THEN_ENTER: Stage.TO_BE_AMENDED,
    AfterReview.RESUBMIT: Stage.RETURNED,
    AfterReview.EXCLUDE: Stage.EXCLUDED,
}


@dataclass(frozen=True)
class HoldStatus:
    """缓停拨现状: what is held back of the year's money, from one day to another."""

    kind: HoldKind
    scope: tuple[HeldLine, ...]
    since: date
    until: date | None = None


@dataclass(frozen=True)
class EvaluationStatus:
    """评价现状: one evaluation of the year, from its report to the decision upon it."""

    mode: EvaluationMode
    affected_year: int
    score: Score
    grade: Grade | None = None
    recommendation: Measure | None = None
    received_on: date | None = None
    decision: Measure | None = None
    amount: Fen = Fen(0)


@dataclass
class YearStatus(Row):
    """One budget year: its goal and the goal's review, its budget, what is held back, its grade.

    ``review_grade`` is the goal's, ``grade`` the one last settled by an evaluation. All sums are
    in fen.
    """

    KEY: ClassVar[tuple[str, ...]] = ("year",)

    year: int
    stage: Stage = Stage.PLANNED
    goal_version: int = 0
    declared: int = 0
    passed_stages: tuple[ReviewStage, ...] = ()
    review_score: Score | None = None
    review_grade: Grade | None = None
    recommended: int | None = None
    reduction: int | None = None
    budget: int | None = None
    budget_document: str = ""
    lines: tuple[FundLine, ...] = ()
    holds: dict[str, HoldStatus] = field(default_factory=dict)
    suspended_lines: tuple[str, ...] = ()
    deferred_lines: tuple[str, ...] = ()
    is_suspended: bool = False
    evaluations: dict[str, EvaluationStatus] = field(default_factory=dict)
    score: Score | None = None
    grade: Grade | None = None

    def put_hold(self, id: str, hold: HoldStatus) -> None:
        self.holds[id] = hold
        self.suspended_lines = self._held(HoldKind.SUSPENSION)
        self.deferred_lines = self._held(HoldKind.DEFERRAL)
        self.is_suspended = bool(self.suspended_lines)

    def evaluation_changed(self, id: str, **changes: Any) -> None:
        self.evaluations[id] = replace(self.evaluations[id], **changes)

    def _held(self, kind: HoldKind) -> tuple[str, ...]:
        open_ones = (h for h in self.holds.values() if h.kind == kind and h.until is None)
        return tuple(sorted({each.line for hold in open_ones for each in hold.scope}))


@dataclass(frozen=True)
class YearFilter:
    """Which projects or units have a budget year of which all of this holds."""

    year: int | None = None
    stage: Stage | None = None
    review_grade: Grade | None = None
    grade: Grade | None = None
    is_suspended: bool | None = None


ANY_YEAR = YearFilter()


class YearStatusModel(StreamModel[YearStatus], name="year_status", of=Accountable):
    """年度现状: one row per budget year of a project or unit."""

    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("year", "stage"),)

    def submitted(self, rows: Rows[YearStatus], it: Record[GoalSubmitted]) -> None:
        year = rows[it.fact.year]
        year.stage, year.passed_stages = Stage.SUBMITTED, ()
        year.goal_version, year.declared = it.fact.version, it.fact.declared
        year.review_score = year.review_grade = year.recommended = year.reduction = None

    def amended(self, rows: Rows[YearStatus], it: Record[GoalAmended]) -> None:
        year = rows[it.fact.year]
        year.stage = Stage.PASSED
        year.goal_version, year.declared = it.fact.version, it.fact.declared

    def opinion(self, rows: Rows[YearStatus], it: Record[OpinionGiven]) -> None:
        self._opinion(rows, it, it.fact.stage)

    def collective(self, rows: Rows[YearStatus], it: Record[CollectiveOpinionGiven]) -> None:
        self._opinion(rows, it, ReviewStage.COLLECTIVE)

    def _opinion(
        self,
        rows: Rows[YearStatus],
        it: Record[OpinionGiven | CollectiveOpinionGiven],
        stage: ReviewStage,
    ) -> None:
        year = rows[it.fact.year]
        if it.fact.version != year.goal_version:
            return
        if it.fact.verdict == Verdict.RETURN:
            year.stage = Stage.RETURNED
        else:
            year.stage = Stage.UNDER_REVIEW
            year.passed_stages = (*(s for s in year.passed_stages if s != stage), stage)

    def concluded(self, rows: Rows[YearStatus], it: Record[GoalReviewConcluded]) -> None:
        year = rows[it.fact.year]
        year.stage = AFTER_REVIEW[it.fact.consequence]
        year.review_score, year.review_grade = it.fact.score, it.fact.grade
        year.recommended, year.reduction = it.fact.recommended, it.fact.reduction

    def admitted(self, rows: Rows[YearStatus], it: Record[ProjectAdmitted]) -> None:
        rows[it.fact.year].stage = Stage.ADMITTED

    def approved(self, rows: Rows[YearStatus], it: Record[BudgetApproved]) -> None:
        year = rows[it.fact.year]
        year.stage = Stage.APPROVED
        year.budget, year.lines = it.fact.amount, it.fact.lines
        year.budget_document = it.fact.document

    def deferred(self, rows: Rows[YearStatus], it: Record[FundsDeferred]) -> None:
        hold = HoldStatus(HoldKind.DEFERRAL, it.fact.scope, it.fact.since)
        rows[it.fact.year].put_hold(it.fact.hold, hold)

    def suspended(self, rows: Rows[YearStatus], it: Record[FundsSuspended]) -> None:
        hold = HoldStatus(HoldKind.SUSPENSION, it.fact.scope, it.fact.since)
        rows[it.fact.year].put_hold(it.fact.hold, hold)

    def resumed(self, rows: Rows[YearStatus], it: Record[FundsResumed]) -> None:
        year = rows.get(it.fact.year)
        hold = year and year.holds.get(it.fact.hold)
        if year and hold:
            year.put_hold(it.fact.hold, replace(hold, until=it.fact.resumed_on))

    def evaluated(self, rows: Rows[YearStatus], it: Record[EvaluationReported]) -> None:
        year = rows[it.fact.evaluated_year]
        year.stage = Stage.EVALUATED
        year.evaluations[it.fact.evaluation] = EvaluationStatus(
            it.fact.mode, it.fact.affected_year, it.fact.score
        )

    def graded(self, rows: Rows[YearStatus], it: Record[EvaluationGraded]) -> None:
        told = it.fact
        if year := _year_of(rows, told.evaluation):
            year.stage, year.score, year.grade = Stage.GRADED, told.score, told.grade
            year.evaluation_changed(
                told.evaluation,
                score=told.score,
                grade=told.grade,
                recommendation=told.recommendation,
            )

    def received(self, rows: Rows[YearStatus], it: Record[EvaluationReceived]) -> None:
        if year := _year_of(rows, it.fact.evaluation):
            year.stage = Stage.RECEIVED
            year.evaluation_changed(it.fact.evaluation, received_on=it.fact.received_on)

    def decided(self, rows: Rows[YearStatus], it: Record[ApplicationDecided]) -> None:
        told = it.fact
        if year := _year_of(rows, told.evaluation):
            year.stage = Stage.DECIDED
            year.evaluation_changed(
                told.evaluation,
                affected_year=told.budget_year,
                decision=told.measure,
                amount=told.amount,
            )

    def conditions(
        self, place: Place, stream: sa.ColumnElement[str], asked: YearFilter
    ) -> Iterator[sa.ColumnElement[bool]]:
        """That a stream has such a year as of a place; nothing if nothing is asked."""
        said = {f.name: getattr(asked, f.name) for f in fields(asked)}
        said = {name: value for name, value in said.items() if value is not None}
        if said:
            c = self.table.c
            alike = [c[name] == value for name, value in said.items()]
            yield sa.exists().where(self.visible(place), c.stream == stream, *alike)


def _year_of(rows: Rows[YearStatus], evaluation: str) -> YearStatus | None:
    """The year that an evaluation is about."""
    return next((year for year in rows if evaluation in year.evaluations), None)


YEARS = YearStatusModel()
