"""The budget of a year is approved together with its goal."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from aggregates.base import Fact, Severity
from aggregates.evaluation import ApplicationDecided
from aggregates.exante import ExAnteConditionMet
from aggregates.item import ItemCause
from aggregates.project import Project
from aggregates.rectification import RectificationClosed, RectificationOrdered
from aggregates.roles import Role
from aggregates.rulebook import Measure
from aggregates.unit import Unit
from aggregates.values import Fen
from commands import budget as rules
from commands import goal, review
from commands.budget import ApproveBudget
from tests.scenario import Scenario, given
from tests.stories.cast import (
    EVIDENCE,
    UNIT,
    admitted,
    amended,
    approved,
    evaluated_adversely,
    evaluated_ex_ante,
    evaluated_on_condition,
    excellent,
    fair,
    good,
    lines,
    new_and_major,
    own_line,
    personnel,
    poor,
    province_line,
    reserved,
    reviewed,
    unit,
)

cut_lines = (replace(own_line, amount=Fen(718_900_00)), province_line)
approve = ApproveBudget(2021, "师财预〔2021〕8号", cut_lines)
as_recommended = replace(approved, lines=cut_lines, amount=Fen(918_900_00))
cancelled = ApplicationDecided(
    evaluation="E1",
    budget_year=2021,
    measure=Measure.CANCEL,
    amount=Fen(1_000_000_00),
    recommendation=Measure.CANCEL,
    follows=True,
    decider="li",
)
ordered = RectificationOrdered(
    item="Z1",
    cause=ItemCause.AUDIT,
    problem="利息计算有误",
    digest=EVIDENCE,
    responsible=UNIT,
    received_on=date(2020, 9, 1),
    due=date(2020, 11, 1),
)
closed = RectificationClosed("Z1")
condition_met = ExAnteConditionMet(EVIDENCE, "用地手续已补齐")


def the_budget_section(*history: Fact[Any]) -> Scenario:
    return given(Project, *history).by("chen", Role.BUDGET_SECTION)


def test_budget_and_goal_are_approved_by_one_document() -> None:
    the_budget_section(reserved, *reviewed, excellent, admitted).when(approve).then(as_recommended)


def test_the_approved_version_is_the_amended_one() -> None:
    the_budget_section(reserved, *reviewed, good, amended, admitted).when(approve).then(
        replace(as_recommended, goal_version=2)
    )


def test_the_year_is_in_execution_from_then_on() -> None:
    before = given(Project, reserved, *reviewed, excellent, admitted).subject
    after = given(Project, reserved, *reviewed, excellent, admitted, approved).subject
    assert isinstance(before, Project)
    assert isinstance(after, Project)
    assert not before.year(2021).is_in_execution
    assert after.year(2021).is_in_execution
    assert after.year(2021).line("L2") == province_line
    assert after.year(2021).budget == Fen(1_000_000_00)
    assert not after.year(2022).is_in_execution


def test_nothing_is_arranged_outside_the_library() -> None:
    the_budget_section(reserved, *reviewed, excellent).when(approve).refused(rules.ADMITTED_FIRST)


@pytest.mark.parametrize("grade", [fair, poor, good])
def test_nothing_is_arranged_for_a_goal_that_did_not_pass(grade: Fact[Any]) -> None:
    the_budget_section(reserved, *reviewed, grade, admitted).when(approve).refused(
        rules.GOAL_PASSED
    )


def test_nothing_is_arranged_without_a_goal() -> None:
    the_budget_section(reserved, admitted).when(approve).refused(rules.GOAL_PASSED)


def test_personnel_costs_are_arranged_without_a_goal() -> None:
    of_no_goal = replace(admitted, goal_version=0)
    the_budget_section(personnel, of_no_goal).when(approve).then(
        replace(as_recommended, goal_version=0)
    )


def test_a_later_year_needs_a_goal_of_its_own() -> None:
    the_budget_section(reserved, *reviewed, excellent, admitted, approved).when(
        replace(approve, year=2022)
    ).refused(rules.GOAL_PASSED)


def test_what_is_new_and_major_is_evaluated_before_it_is_funded() -> None:
    the_budget_section(new_and_major, *reviewed, excellent, admitted).when(approve).refused(
        rules.EX_ANTE_CONCLUDED
    )


def test_what_is_new_and_major_is_funded_after_its_evaluation() -> None:
    the_budget_section(new_and_major, evaluated_ex_ante, *reviewed, excellent, admitted).when(
        approve
    ).then(as_recommended)


@pytest.mark.parametrize("either", [{"is_new": True}, {"is_major": True}])
def test_what_is_only_new_or_only_major_needs_no_evaluation(either: dict[str, bool]) -> None:
    half: Fact[Any] = replace(reserved, **either)  # type: ignore[arg-type]
    the_budget_section(half, *reviewed, excellent, admitted).when(approve).then(as_recommended)


def test_money_for_what_was_judged_poor_is_marked() -> None:
    the_budget_section(new_and_major, evaluated_adversely, *reviewed, excellent, admitted).when(
        approve
    ).flagged(rules.EX_ANTE_NOT_ADVERSE, then=[as_recommended])


def test_money_before_the_material_is_completed_is_marked() -> None:
    the_budget_section(new_and_major, evaluated_on_condition, *reviewed, excellent, admitted).when(
        approve
    ).flagged(rules.CONDITION_MET, then=[as_recommended])


def test_money_after_the_material_is_completed_is_not_marked() -> None:
    the_budget_section(
        new_and_major, evaluated_on_condition, condition_met, *reviewed, excellent, admitted
    ).when(approve).then(as_recommended)


def test_a_budget_is_approved_once_a_year() -> None:
    the_budget_section(reserved, *reviewed, excellent, admitted, approved).when(approve).refused(
        rules.APPROVED_ONCE
    )


def test_a_budget_names_its_funds() -> None:
    the_budget_section(reserved, *reviewed, excellent, admitted).when(
        replace(approve, lines=())
    ).refused(rules.HAS_LINES)


def test_every_approved_line_has_a_code_of_its_own() -> None:
    the_budget_section(reserved, *reviewed, excellent, admitted).when(
        replace(approve, lines=(own_line, replace(own_line, amount=Fen(1))))
    ).refused(goal.LINES_ARE_NAMED)


def test_more_than_was_recommended_is_marked() -> None:
    the_budget_section(reserved, *reviewed, excellent, admitted).when(
        replace(approve, lines=lines)
    ).flagged(rules.WITHIN_RECOMMENDED, then=[approved])


def test_an_office_may_forbid_more_than_was_recommended() -> None:
    the_budget_section(reserved, *reviewed, excellent, admitted).under(
        severities={rules.WITHIN_RECOMMENDED.id: Severity.REFUSE}
    ).when(replace(approve, lines=lines)).refused(rules.WITHIN_RECOMMENDED)


def test_nobody_approves_what_they_submitted() -> None:
    given(Project, reserved, *reviewed, excellent, admitted).by("clerk", Role.BUDGET_SECTION).when(
        approve
    ).refused(review.NOT_OWN_SUBMISSION)


def test_a_unit_s_overall_goal_is_approved_with_its_budget() -> None:
    given(Unit, unit, *reviewed, excellent, code=UNIT).by("chen", Role.BUDGET_SECTION).when(
        approve
    ).then(as_recommended)


def test_a_budget_that_another_system_approved_is_kept_with_its_faults() -> None:
    the_budget_section(reserved).observed().when(approve).recorded_with(
        rules.ADMITTED_FIRST, rules.GOAL_PASSED
    )


def test_money_that_was_cancelled_upon_an_evaluation_is_not_arranged() -> None:
    the_budget_section(reserved, *reviewed, excellent, admitted, cancelled).when(approve).refused(
        rules.NOT_CANCELLED
    )


def test_money_cancelled_for_another_year_leaves_this_one_alone() -> None:
    in_2022 = replace(cancelled, budget_year=2022)
    the_budget_section(reserved, *reviewed, excellent, admitted, in_2022).when(approve).then(
        as_recommended
    )


def test_money_before_everything_is_put_right_is_marked() -> None:
    the_budget_section(reserved, *reviewed, excellent, admitted, ordered).when(approve).flagged(
        rules.ITEMS_SETTLED, then=[as_recommended]
    )


def test_money_after_everything_was_put_right_is_not_marked() -> None:
    history = (reserved, *reviewed, excellent, admitted, ordered, closed)
    the_budget_section(*history).when(approve).then(as_recommended)


def test_an_office_may_ask_for_everything_to_be_put_right_first() -> None:
    the_budget_section(reserved, *reviewed, excellent, admitted, ordered).under(
        severities={rules.ITEMS_SETTLED.id: Severity.REFUSE}
    ).when(approve).refused(rules.ITEMS_SETTLED)
