"""绩效评价: what an evaluator proposes, what the unit says to it, and how finance grades it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from aggregates.evaluated import EvaluationMode
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.rulebook import Measure
from aggregates.unit import Unit
from aggregates.values import Fen, Grade
from commands import evaluation
from commands.evaluation import (
    AnswerEvaluation,
    GradeEvaluation,
)
from tests.scenario import given
from tests.stories.cast import UNIT, score, unit
from tests.stories.evaluation_cast import (
    LATER,
    REPORTED_ON,
    answered,
    at_the_agency,
    at_the_project,
    at_the_section,
    at_the_unit,
    found,
    grade,
    graded,
    objected,
    report,
    reported,
    self_evaluation,
)

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
    told = at_the_project().by("head", Role.SUPERIOR_DEPARTMENT, "100").on(REPORTED_ON)
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
