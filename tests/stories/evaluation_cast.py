"""绩效评价: the facts, the acts and the scenes that its stories are told with."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from aggregates.base import Fact
from aggregates.evaluated import EvaluationMode
from aggregates.evaluation import (
    ApplicationDecided,
    EvaluationAnswered,
    EvaluationGraded,
    EvaluationReceived,
    EvaluationReported,
    FindingReported,
)
from aggregates.office import OFFICE, Office, PersonAssigned
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.rulebook import Measure
from aggregates.values import Fen, Grade
from commands.evaluation import (
    DecideApplication,
    FindingGiven,
    GradeEvaluation,
    ReportEvaluation,
    digest_of,
)
from tests.scenario import Scenario, given
from tests.stories.cast import UNIT, reserved, score

REPORTED_ON, LATER = date(2021, 5, 10), date(2021, 5, 21)
LEDGER_MISSING = "未按项目设置辅助台账"
reported = EvaluationReported(
    evaluation="E1",
    mode=EvaluationMode.FINANCE_KEY,
    evaluated_year=2020,
    work_year=2021,
    affected_year=2022,
    evaluator="云岭会计师事务所",
    score=score("85"),
    proposed_grade=Grade.GOOD,
    reporter="expert",
    reported_on=REPORTED_ON,
)
found = FindingReported("E1", "F1", LEDGER_MISSING, digest_of(LEDGER_MISSING))
answered = EvaluationAnswered("E1", "无异议", objects=False)
objected = EvaluationAnswered("E1", "台账在乡镇留存", objects=True)
graded = EvaluationGraded(
    "E1",
    score("85"),
    Grade.GOOD,
    Measure.SUPPORT_AFTER_RECTIFICATION,
    reported_score=score("85"),
    grader="zhao",
)
graded_fair = replace(graded, score=score("70"), grade=Grade.FAIR, recommendation=Measure.REDUCE)
graded_poor = replace(graded, score=score("50"), grade=Grade.POOR, recommendation=Measure.CANCEL)
received = EvaluationReceived("E1", LATER)
decided = ApplicationDecided(
    "E1",
    2022,
    Measure.SUPPORT_AFTER_RECTIFICATION,
    Fen(0),
    Measure.SUPPORT_AFTER_RECTIFICATION,
    follows=True,
    decider="li",
)
deputy = PersonAssigned("chen", Role.BUREAU_LEADER, "副局长", "财政局", since=date(2020, 1, 1))

report = ReportEvaluation(
    "E1",
    EvaluationMode.FINANCE_KEY,
    2020,
    2021,
    2022,
    "云岭会计师事务所",
    score("85"),
    Grade.GOOD,
    (FindingGiven("F1", LEDGER_MISSING),),
)
self_evaluation = replace(report, mode=EvaluationMode.SELF, accounts_approved_on=date(2021, 4, 30))
grade = GradeEvaluation("E1", score("85"), Grade.GOOD)
follow = DecideApplication("E1", 2022, Measure.SUPPORT_AFTER_RECTIFICATION)
reduce = DecideApplication("E1", 2022, Measure.REDUCE, Fen(50_000_00))


def at_the_agency(*facts: Fact[Any]) -> Scenario:
    return at_the_project(*facts).by("expert", Role.AGENCY).on(REPORTED_ON)


def at_the_unit(*facts: Fact[Any]) -> Scenario:
    return at_the_project(*facts).by("clerk", Role.UNIT_CLERK, UNIT).on(LATER)


def at_the_section(*facts: Fact[Any]) -> Scenario:
    return at_the_project(*facts).by("zhao", Role.PERFORMANCE_SECTION).on(LATER)


def at_the_bureau(*facts: Fact[Any]) -> Scenario:
    told = at_the_project(*facts).and_given(Office, deputy, code=OFFICE)
    return told.by("li", Role.BUDGET_SECTION).on(LATER)


def at_the_project(*facts: Fact[Any]) -> Scenario:
    return given(Project, reserved, *facts)
