"""The unit that asks for money says what it is for."""

from dataclasses import replace
from typing import Any

import pytest

from aggregates.base import Fact, Severity
from aggregates.goal import GoalSubmitted, TaskBudget
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.unit import Unit
from aggregates.values import Fen, FundLine, Indicator
from commands import goal as rules
from commands.base import Rule
from commands.goal import AmendGoal, SubmitGoal
from tests.scenario import Scenario, given
from tests.stories.cast import (
    DEPARTMENT,
    PAPER,
    UNIT,
    amended,
    approved,
    evaluated_ex_ante,
    excellent,
    fair,
    good,
    indicators,
    kilometres,
    lines,
    new_and_major,
    own_line,
    percent,
    poor,
    reserved,
    resubmitted,
    returned,
    reviewed,
    safety,
    submitted,
    unit,
)

submit = SubmitGoal(
    year=2021, objective="管好养好农村公路", indicators=indicators, lines=lines, plan=PAPER
)
amend = AmendGoal(
    year=2021,
    objective="管好养好农村公路",
    indicators=indicators,
    lines=lines,
    agreed="补充满意度指标",
    plan=PAPER,
)
maintenance = TaskBudget("日常养护", Fen(600_000_00))
repair = TaskBudget("水毁修复", Fen(400_000_00))


def the_clerk_of_a(*history: Fact[Any]) -> Scenario:
    return given(Project, *history).by("clerk", Role.UNIT_CLERK, UNIT)


def the_clerk_of_the(*history: Fact[Any]) -> Scenario:
    return given(Unit, *history, code=UNIT).by("clerk", Role.UNIT_CLERK, UNIT)


def weighing(first: str, second: str) -> tuple[Indicator, Indicator]:
    return replace(kilometres, weight=percent(first)), replace(safety, weight=percent(second))


def named(*ids: str) -> tuple[FundLine, ...]:
    return tuple(replace(own_line, id=each) for each in ids)


def test_a_unit_submits_the_goal_of_its_project() -> None:
    the_clerk_of_a(reserved).when(submit).then(submitted)


def test_a_unit_submits_its_overall_goal_with_its_tasks() -> None:
    overall = replace(submit, lines=(), tasks=(maintenance, repair), plan="")
    expected = replace(submitted, lines=(), tasks=(maintenance, repair), plan="")
    the_clerk_of_the(unit).when(overall).then(expected)


def test_a_goal_is_of_something_that_is_registered() -> None:
    given(Unit, code=UNIT).by("clerk", Role.UNIT_CLERK, UNIT).when(submit).refused(
        rules.ENTERED_FIRST
    )


def test_who_applies_for_the_money_sets_the_goal() -> None:
    given(Project, reserved).by("clerk", Role.UNIT_CLERK, "118").when(submit).refused(
        rules.SET_BY_THE_APPLICANT
    )


def test_a_goal_filled_in_on_behalf_of_the_unit_is_marked() -> None:
    given(Project, reserved).by("li", Role.COUNTERPART_SECTION, "finance", on_behalf_of=UNIT).when(
        submit
    ).flagged(rules.NOT_ON_BEHALF, then=[replace(submitted, submitter="li")])


def test_filling_in_for_another_unit_does_not_help() -> None:
    given(Project, reserved).by(
        "li", Role.COUNTERPART_SECTION, "finance", on_behalf_of=DEPARTMENT
    ).when(submit).refused(rules.SET_BY_THE_APPLICANT)


def test_an_office_may_forbid_filling_in_on_behalf() -> None:
    given(Project, reserved).by("li", Role.COUNTERPART_SECTION, "finance", on_behalf_of=UNIT).under(
        severities={rules.NOT_ON_BEHALF.id: Severity.REFUSE}
    ).when(submit).refused(rules.NOT_ON_BEHALF)


@pytest.mark.parametrize("only", indicators)
def test_a_goal_has_an_output_and_an_effect(only: Indicator) -> None:
    whole = replace(only, weight=percent("90"))
    the_clerk_of_a(reserved).when(replace(submit, indicators=(whole,))).refused(
        rules.OUTPUT_AND_EFFECT
    )


@pytest.mark.parametrize("weights", [("50", "39.99"), ("50", "45"), ("60", "40.01")])
def test_weights_that_make_no_whole_are_marked(weights: tuple[str, str]) -> None:
    the_clerk_of_a(reserved).when(replace(submit, indicators=weighing(*weights))).flagged(
        rules.WEIGHTS_MAKE_A_WHOLE
    )


@pytest.mark.parametrize("weights", [("50", "40"), ("60", "40")])
def test_weights_make_100_or_leave_10_for_execution(weights: tuple[str, str]) -> None:
    weighed = weighing(*weights)
    the_clerk_of_a(reserved).when(replace(submit, indicators=weighed)).then(
        replace(submitted, indicators=weighed)
    )


def test_a_project_names_its_funds() -> None:
    the_clerk_of_a(reserved).when(replace(submit, lines=())).refused(rules.FUNDS_ARE_SPLIT)


@pytest.mark.parametrize("ids", [("L1", "L1"), ("L1", ""), ("本级",)])
def test_every_fund_line_has_a_code_of_its_own(ids: tuple[str, ...]) -> None:
    the_clerk_of_a(reserved).when(replace(submit, lines=named(*ids))).refused(rules.LINES_ARE_NAMED)


def test_a_project_says_how_it_will_be_carried_out() -> None:
    the_clerk_of_a(reserved).when(replace(submit, plan="")).refused(rules.PLAN_IS_THERE)


def test_tasks_stay_within_the_budget_of_the_unit() -> None:
    too_much = replace(repair, amount=Fen(400_000_01))
    the_clerk_of_the(unit).when(replace(submit, tasks=(maintenance, too_much))).refused(
        rules.TASKS_WITHIN_BUDGET
    )


def test_tasks_may_use_up_the_budget_of_the_unit() -> None:
    tasks = (maintenance, repair)
    the_clerk_of_the(unit).when(replace(submit, tasks=tasks)).then(replace(submitted, tasks=tasks))


def test_a_new_and_major_project_that_nobody_evaluated_is_marked() -> None:
    the_clerk_of_a(new_and_major).when(submit).flagged(rules.EX_ANTE_FIRST, then=[submitted])


def test_a_new_and_major_project_that_was_evaluated_is_not_marked() -> None:
    the_clerk_of_a(new_and_major, evaluated_ex_ante).when(submit).then(submitted)


def test_a_goal_under_review_is_not_replaced() -> None:
    the_clerk_of_a(reserved, submitted).when(submit).refused(rules.NEW_VERSION_WHEN_RETURNED)


@pytest.mark.parametrize("passed", [excellent, good])
def test_a_goal_that_passed_is_not_replaced(passed: Fact[Any]) -> None:
    the_clerk_of_a(reserved, *reviewed, passed).when(submit).refused(
        rules.NEW_VERSION_WHEN_RETURNED
    )


def test_a_returned_goal_comes_back_as_the_next_version() -> None:
    the_clerk_of_a(reserved, submitted, returned).when(submit).then(resubmitted)


def test_a_fair_goal_comes_back_as_the_next_version() -> None:
    the_clerk_of_a(reserved, *reviewed, fair).when(submit).then(resubmitted)


def test_a_poor_goal_is_out_for_this_year() -> None:
    the_clerk_of_a(reserved, *reviewed, poor).when(submit).refused(rules.NOT_AFTER_EXCLUSION)


def test_a_poor_goal_says_nothing_about_the_next_year() -> None:
    next_year: GoalSubmitted = replace(submitted, year=2022)
    the_clerk_of_a(reserved, *reviewed, poor).when(replace(submit, year=2022)).then(next_year)


def test_an_approved_budget_closes_the_year_for_goals() -> None:
    the_clerk_of_a(reserved, approved).when(submit).refused(rules.NOT_AFTER_APPROVAL)


def test_a_good_goal_is_amended_by_agreement() -> None:
    the_clerk_of_a(reserved, *reviewed, good).when(amend).then(amended)


@pytest.mark.parametrize("grade", [excellent, fair, poor])
def test_only_a_good_goal_is_amended(grade: Fact[Any]) -> None:
    the_clerk_of_a(reserved, *reviewed, grade).when(amend).refused(rules.AMENDED_WHEN_GOOD)


def test_a_goal_is_not_amended_before_it_is_graded() -> None:
    the_clerk_of_a(reserved, *reviewed).when(amend).refused(rules.AMENDED_WHEN_GOOD)


def test_a_good_goal_is_amended_once() -> None:
    the_clerk_of_a(reserved, *reviewed, good, amended).when(amend).refused(rules.AMENDED_WHEN_GOOD)


def test_a_goal_is_not_amended_behind_its_approval() -> None:
    the_clerk_of_a(reserved, *reviewed, good, approved).when(amend).refused(
        rules.NOT_AFTER_APPROVAL
    )


@pytest.mark.parametrize(
    ("form", "rule"),
    [
        (replace(amend, indicators=(kilometres,)), rules.OUTPUT_AND_EFFECT),
        (replace(amend, lines=()), rules.FUNDS_ARE_SPLIT),
        (replace(amend, plan=""), rules.PLAN_IS_THERE),
    ],
)
def test_an_amended_goal_is_held_to_the_same_rules(form: AmendGoal, rule: Rule) -> None:
    the_clerk_of_a(reserved, *reviewed, good).when(form).refused(rule)


def test_who_applies_for_the_money_amends_the_goal() -> None:
    given(Project, reserved, *reviewed, good).by("clerk", Role.UNIT_CLERK, "118").when(
        amend
    ).refused(rules.SET_BY_THE_APPLICANT)
