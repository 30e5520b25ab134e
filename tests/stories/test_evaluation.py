"""绩效评价: what an evaluator proposes, finance grades, the unit receives, and a leader decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

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
from aggregates.unit import Unit
from aggregates.values import Fen, Grade
from commands import evaluation
from commands.evaluation import (
    AnswerEvaluation,
    DecideApplication,
    FindingGiven,
    GradeEvaluation,
    ReceiveEvaluation,
    ReportEvaluation,
    digest_of,
)
from tests.scenario import Scenario, given
from tests.stories.cast import UNIT, reserved, score, unit

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
    return _project(*facts).by("expert", Role.AGENCY).on(REPORTED_ON)


def at_the_unit(*facts: Fact[Any]) -> Scenario:
    return _project(*facts).by("clerk", Role.UNIT_CLERK, UNIT).on(LATER)


def at_the_section(*facts: Fact[Any]) -> Scenario:
    return _project(*facts).by("zhao", Role.PERFORMANCE_SECTION).on(LATER)


def at_the_bureau(*facts: Fact[Any]) -> Scenario:
    told = _project(*facts).and_given(Office, deputy, code=OFFICE)
    return told.by("li", Role.BUDGET_SECTION).on(LATER)


def _project(*facts: Fact[Any]) -> Scenario:
    return given(Project, reserved, *facts)


# Reported


def test_an_agency_reports_its_score_and_what_it_found_word_for_word() -> None:
    at_the_agency().when(report).then(reported, found)


def test_a_unit_is_evaluated_as_a_whole() -> None:
    told = given(Unit, unit, code=UNIT).by("expert", Role.AGENCY).on(REPORTED_ON)
    told.when(report).then(reported, found)


def test_a_report_says_how_much_money_it_looked_at() -> None:
    asked = replace(report, amount=Fen(2_000_000_00))
    at_the_agency().when(asked).then(replace(reported, amount=Fen(2_000_000_00)), found)


def test_nobody_evaluates_what_does_not_exist() -> None:
    told = given(Project).by("expert", Role.AGENCY).on(REPORTED_ON)
    told.when(report).refused(evaluation.SUBJECT_IS_ENTERED)


def test_an_evaluation_is_reported_once() -> None:
    at_the_agency(reported).when(report).refused(evaluation.REPORTED_ONCE)


@pytest.mark.parametrize(
    ("evaluated", "work", "affected"), [(2021, 2020, 2022), (2020, 2022, 2021), (2021, 2021, 2021)]
)
def test_an_evaluation_looks_back_and_its_result_forward(
    evaluated: int, work: int, affected: int
) -> None:
    asked = replace(report, evaluated_year=evaluated, work_year=work, affected_year=affected)
    at_the_agency().when(asked).refused(evaluation.YEARS_IN_ORDER)


def test_a_unit_evaluates_itself() -> None:
    own = replace(
        reported,
        mode=EvaluationMode.SELF,
        reporter="clerk",
        reported_on=LATER,
        accounts_approved_on=date(2021, 4, 30),
    )
    at_the_unit().when(self_evaluation).then(own, found)


def test_nobody_evaluates_himself_for_another_unit() -> None:
    at_the_agency().when(self_evaluation).refused(evaluation.EVALUATOR_FITS_MODE)
    elsewhere = at_the_unit().by("clerk", Role.UNIT_CLERK, "118")
    elsewhere.when(self_evaluation).refused(evaluation.EVALUATOR_FITS_MODE)


def test_a_unit_does_not_report_an_evaluation_by_finance() -> None:
    at_the_unit().when(report).refused(evaluation.EVALUATOR_FITS_MODE)


def test_a_department_evaluates_its_units() -> None:
    told = _project().by("head", Role.SUPERIOR_DEPARTMENT, "100").on(REPORTED_ON)
    by_department = replace(reported, mode=EvaluationMode.DEPARTMENT, reporter="head")
    asked = replace(report, mode=EvaluationMode.DEPARTMENT)
    told.when(asked).then(by_department, found)


@pytest.mark.parametrize("approved", [None, date(2021, 5, 22)])
def test_self_evaluation_before_final_accounts_leaves_a_mark(approved: date | None) -> None:
    early = replace(self_evaluation, accounts_approved_on=approved)
    at_the_unit().when(early).flagged(evaluation.SELF_AFTER_FINAL_ACCOUNTS)


def test_findings_are_told_apart() -> None:
    twice = replace(report, findings=report.findings * 2)
    at_the_agency().when(twice).refused(evaluation.FINDINGS_DIFFER)


def test_a_proposed_grade_outside_its_band_leaves_a_mark() -> None:
    generous = replace(report, proposed_grade=Grade.EXCELLENT)
    at_the_agency().when(generous).flagged(evaluation.PROPOSAL_FITS_SCORE)


# Answered


def test_the_unit_is_asked_before_the_report_counts() -> None:
    asked = AnswerEvaluation("E1", "台账在乡镇留存", objects=True)
    at_the_unit(reported).when(asked).then(objected)


def test_a_finding_alone_is_no_report() -> None:
    asked = AnswerEvaluation("E1", "无异议", objects=False)
    at_the_unit(found).when(asked).refused(evaluation.IS_REPORTED)


def test_nobody_answers_a_report_that_is_not_there() -> None:
    asked = AnswerEvaluation("E1", "无异议", objects=False)
    at_the_unit().when(asked).refused(evaluation.IS_REPORTED)


def test_nobody_answers_for_the_unit() -> None:
    told = at_the_unit(reported).by("clerk", Role.UNIT_CLERK, "118")
    told.when(AnswerEvaluation("E1", "无异议", objects=False)).refused(
        evaluation.BY_THE_EVALUATED_UNIT
    )


def test_an_answer_after_grading_comes_too_late() -> None:
    asked = AnswerEvaluation("E1", "有异议", objects=True)
    at_the_unit(reported, graded).when(asked).refused(evaluation.ANSWERED_BEFORE_GRADING)


# Graded


def test_finance_grades_and_table_b_recommends() -> None:
    at_the_section(reported, answered).when(grade).then(graded)


@pytest.mark.parametrize(
    ("points", "given_grade", "measure"),
    [
        ("100", Grade.EXCELLENT, Measure.PRIORITY_SUPPORT),
        ("90", Grade.EXCELLENT, Measure.PRIORITY_SUPPORT),
        ("89.99", Grade.GOOD, Measure.SUPPORT_AFTER_RECTIFICATION),
        ("80", Grade.GOOD, Measure.SUPPORT_AFTER_RECTIFICATION),
        ("79.99", Grade.FAIR, Measure.REDUCE),
        ("60", Grade.FAIR, Measure.REDUCE),
        ("59.99", Grade.POOR, Measure.CANCEL),
        ("0", Grade.POOR, Measure.CANCEL),
    ],
)
def test_every_grade_has_its_band_and_its_recommendation(
    points: str, given_grade: Grade, measure: Measure
) -> None:
    proposed = replace(reported, score=score(points))
    settled = replace(
        graded,
        score=score(points),
        grade=given_grade,
        recommendation=measure,
        reported_score=score(points),
    )
    asked = GradeEvaluation("E1", score(points), given_grade)
    at_the_section(proposed, answered).when(asked).then(settled)


def test_a_self_evaluation_recommends_nothing() -> None:
    own = replace(reported, mode=EvaluationMode.SELF)
    at_the_section(own).when(grade).then(replace(graded, recommendation=None))


def test_an_office_has_a_table_of_its_own() -> None:
    told = at_the_section(reported, answered).under(after_evaluation={Grade.GOOD: Measure.REDUCE})
    told.when(grade).then(replace(graded, recommendation=Measure.REDUCE))


def test_an_agency_may_not_grade() -> None:
    assert Role.AGENCY not in GradeEvaluation.act.by


def test_an_evaluation_is_graded_once() -> None:
    at_the_section(reported, answered, graded).when(grade).refused(evaluation.GRADED_ONCE)


def test_a_grade_outside_the_band_is_refused() -> None:
    asked = replace(grade, grade=Grade.EXCELLENT)
    at_the_section(reported, answered).when(asked).refused(evaluation.GRADE_FITS_SCORE)


def test_nobody_grades_what_he_reported() -> None:
    own = replace(reported, reporter="zhao")
    at_the_section(own, answered).when(grade).refused(evaluation.GRADED_BY_ANOTHER)


def test_another_score_than_reported_is_explained() -> None:
    asked = GradeEvaluation("E1", score("82"), Grade.GOOD)
    at_the_section(reported, answered).when(asked).refused(evaluation.CHANGE_IS_EXPLAINED)
    explained = replace(asked, reason="产出指标重复计分")
    settled = replace(graded, score=score("82"), reason="产出指标重复计分")
    at_the_section(reported, answered).when(explained).then(settled)


def test_an_objection_is_dealt_with() -> None:
    at_the_section(reported, objected).when(grade).refused(evaluation.CHANGE_IS_EXPLAINED)
    dealt_with = replace(grade, reason="经复核台账确未设置")
    at_the_section(reported, objected).when(dealt_with).then(
        replace(graded, reason="经复核台账确未设置")
    )


def test_grading_before_the_unit_was_heard_leaves_a_mark() -> None:
    last_day = at_the_section(reported).on(date(2021, 5, 20))
    last_day.when(grade).flagged(evaluation.UNIT_IS_HEARD, then=[graded])


def test_silence_for_ten_days_is_an_answer() -> None:
    at_the_section(reported).on(date(2021, 5, 21)).when(grade).then(graded)


# Received


def test_the_unit_receives_the_result() -> None:
    at_the_unit(reported, graded).when(ReceiveEvaluation("E1")).then(received)


def test_nothing_is_received_before_it_is_graded() -> None:
    told = at_the_unit(reported).when(ReceiveEvaluation("E1"))
    told.refused(evaluation.GRADED_FIRST)


def test_a_result_is_received_once() -> None:
    told = at_the_unit(reported, graded, received).when(ReceiveEvaluation("E1"))
    told.refused(evaluation.RECEIVED_ONCE)


def test_nobody_receives_for_the_unit() -> None:
    told = at_the_unit(reported, graded).by("clerk", Role.UNIT_CLERK, "118")
    told.when(ReceiveEvaluation("E1")).refused(evaluation.BY_THE_EVALUATED_UNIT)


# Applied


def test_the_recommendation_is_followed() -> None:
    at_the_bureau(reported, graded, received).when(follow).then(decided)


def test_nothing_is_decided_upon_an_ungraded_report() -> None:
    told = at_the_bureau(reported).when(replace(follow, reason="急需", approver="chen"))
    told.refused(evaluation.GRADED_FIRST)


def test_it_is_decided_once() -> None:
    at_the_bureau(reported, graded, decided).when(follow).refused(evaluation.DECIDED_ONCE)


def test_who_graded_does_not_decide() -> None:
    told = at_the_bureau(reported, graded).by("zhao", Role.BUREAU_LEADER)
    told.when(follow).refused(evaluation.DECIDED_BY_ANOTHER)


def test_a_fair_grade_costs_money() -> None:
    expected = ApplicationDecided(
        "E1", 2022, Measure.REDUCE, Fen(50_000_00), Measure.REDUCE, follows=True, decider="li"
    )
    at_the_bureau(reported, graded_fair).when(reduce).then(expected)


def test_a_reduction_by_nothing_is_none() -> None:
    asked = replace(reduce, amount=Fen(0))
    told = at_the_bureau(reported, graded_fair).when(asked)
    told.refused(evaluation.REDUCTION_HAS_AN_AMOUNT)


def test_only_a_reduction_has_an_amount() -> None:
    asked = replace(follow, amount=Fen(1))
    at_the_bureau(reported, graded).when(asked).refused(evaluation.REDUCTION_HAS_AN_AMOUNT)


def test_a_poor_grade_cancels_what_is_to_come_and_takes_nothing_back() -> None:
    asked = DecideApplication("E1", 2022, Measure.CANCEL)
    expected = ApplicationDecided(
        "E1", 2022, Measure.CANCEL, Fen(0), Measure.CANCEL, follows=True, decider="li"
    )
    at_the_bureau(reported, graded_poor).when(asked).then(expected)
    backwards = replace(asked, budget_year=2020)
    told = at_the_bureau(reported, graded_poor).when(backwards)
    told.refused(evaluation.TAKES_NOTHING_BACK)


def test_a_departure_has_a_reason_and_a_leader_who_approved_it() -> None:
    asked = DecideApplication(
        "E1",
        2022,
        Measure.SUPPORT_AFTER_RECTIFICATION,
        reason="项目关系防汛安全",
        approver="chen",
    )
    expected = ApplicationDecided(
        "E1",
        2022,
        Measure.SUPPORT_AFTER_RECTIFICATION,
        Fen(0),
        Measure.REDUCE,
        follows=False,
        decider="li",
        reason="项目关系防汛安全",
        approver="chen",
    )
    at_the_bureau(reported, graded_fair).when(asked).then(expected)


@pytest.mark.parametrize(
    ("reason", "approver"), [("", "chen"), ("项目关系防汛安全", ""), ("项目关系防汛安全", "li")]
)
def test_a_departure_without_reason_or_second_person_is_refused(reason: str, approver: str) -> None:
    asked = replace(follow, reason=reason, approver=approver)
    told = at_the_bureau(reported, graded_fair).when(asked)
    told.refused(evaluation.DEPARTURE_IS_APPROVED)


def test_a_departure_is_not_approved_by_just_anybody() -> None:
    asked = replace(follow, reason="项目关系防汛安全", approver="wang")
    at_the_bureau(reported, graded_fair).when(asked).refused(evaluation.APPROVER_LEADS)
