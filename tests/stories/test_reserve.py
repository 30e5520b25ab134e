"""A project enters the reserve, and after its review the library."""

from dataclasses import replace

from aggregates.project import Project
from aggregates.reserve import ProjectAdmitted
from aggregates.roles import Role
from aggregates.unit import Unit
from aggregates.values import Fen, ProjectClass
from commands import reserve as rules
from commands.reserve import AdmitProject, ReserveProject
from commands.unit import ENTRUSTED_ON_RECORD, SPEAKS_FOR_ITS_OWN
from tests.scenario import Scenario, given
from tests.stories.cast import (
    DEPARTMENT,
    UNIT,
    admitted,
    amended,
    excellent,
    fair,
    good,
    personnel,
    poor,
    reserved,
    resubmitted,
    reviewed,
    unit,
)

reserve = ReserveProject(
    name="农村公路养护",
    unit=UNIT,
    project_class=ProjectClass.SPECIFIC_TARGET,
    first_year=2021,
    last_year=2023,
    is_new=False,
    is_major=False,
    demanded=Fen(1_000_000_00),
)
admit = AdmitProject(2021)


def nothing_yet() -> Scenario:
    return given(Project).and_given(Unit, unit, code=UNIT)


def test_a_unit_names_a_project() -> None:
    nothing_yet().when(reserve).then(reserved)


def test_a_project_belongs_to_its_unit_from_then_on() -> None:
    assert given(Project, reserved).subject.belongs_to == UNIT


def test_a_project_code_is_used_once() -> None:
    given(Project, reserved).and_given(Unit, unit, code=UNIT).when(reserve).refused(
        rules.RESERVED_ONCE
    )


def test_only_registered_units_have_projects() -> None:
    given(Project).when(reserve).refused(rules.UNIT_IS_REGISTERED)


def test_a_unit_reserves_for_itself_and_a_department_for_those_below_it() -> None:
    for role, organisation in ((Role.UNIT_CLERK, UNIT), (Role.SUPERIOR_DEPARTMENT, DEPARTMENT)):
        nothing_yet().by("li", role, organisation).when(reserve).then(reserved)


def test_that_a_unit_was_asked_to_reserve_for_another_is_a_system_s_word_and_marked() -> None:
    asked = nothing_yet().by("li", Role.UNIT_CLERK, "999", on_behalf_of=UNIT, asserted=True)
    asked.when(reserve).flagged(ENTRUSTED_ON_RECORD, then=[reserved])
    at_home = nothing_yet().by("li", Role.UNIT_CLERK, UNIT, on_behalf_of=UNIT, asserted=True)
    at_home.when(reserve).then(reserved)


def test_nobody_says_for_himself_that_another_unit_has_asked_him() -> None:
    asked = nothing_yet().by("li", Role.UNIT_CLERK, "999", on_behalf_of=UNIT)
    asked.when(reserve).refused(SPEAKS_FOR_ITS_OWN)


def test_nobody_reserves_for_a_unit_of_others() -> None:
    for role in (Role.UNIT_CLERK, Role.SUPERIOR_DEPARTMENT):
        for organisation in ("999", ""):
            nothing_yet().by("li", role, organisation).when(reserve).refused(SPEAKS_FOR_ITS_OWN)


def test_a_project_does_not_end_before_it_begins() -> None:
    nothing_yet().when(replace(reserve, last_year=2020)).refused(rules.PERIOD_HAS_AN_ORDER)


def test_a_project_may_last_a_single_year() -> None:
    nothing_yet().when(replace(reserve, last_year=2021)).then(replace(reserved, last_year=2021))


def test_a_large_new_project_that_is_not_called_major_is_marked() -> None:
    at_the_threshold = replace(reserve, is_new=True, demanded=Fen(500_000_00))
    nothing_yet().when(at_the_threshold).flagged(rules.LARGE_AND_NEW_IS_MAJOR)


def test_a_new_project_just_below_the_threshold_is_not_marked() -> None:
    below = Fen(499_999_99)
    nothing_yet().when(replace(reserve, is_new=True, demanded=below)).then(
        replace(reserved, is_new=True, demanded=below)
    )


def test_a_large_new_project_that_is_called_major_is_not_marked() -> None:
    nothing_yet().when(replace(reserve, is_new=True, is_major=True)).then(
        replace(reserved, is_new=True, is_major=True)
    )


def test_an_excellent_goal_opens_the_library() -> None:
    given(Project, reserved, *reviewed, excellent).when(admit).then(admitted)


def test_a_good_goal_opens_the_library_once_it_is_amended() -> None:
    given(Project, reserved, *reviewed, good, amended).when(admit).then(ProjectAdmitted(2021, 2))


def test_a_good_goal_is_amended_first() -> None:
    given(Project, reserved, *reviewed, good).when(admit).refused(rules.PASSED_REVIEW)


def test_neither_a_fair_nor_a_poor_goal_opens_the_library() -> None:
    for grade in (fair, poor):
        given(Project, reserved, *reviewed, grade).when(admit).refused(rules.PASSED_REVIEW)


def test_a_resubmitted_goal_has_to_pass_anew() -> None:
    given(Project, reserved, *reviewed, fair, resubmitted).when(admit).refused(rules.PASSED_REVIEW)


def test_the_goal_of_another_year_does_not_open_the_library() -> None:
    given(Project, reserved, *reviewed, excellent).when(AdmitProject(2022)).refused(
        rules.PASSED_REVIEW
    )


def test_personnel_costs_need_no_goal() -> None:
    given(Project, personnel).when(admit).then(ProjectAdmitted(2021, 0))


def test_a_rule_set_may_ask_personnel_costs_for_a_goal() -> None:
    given(Project, personnel).under(goal_classes=tuple(ProjectClass)).when(admit).refused(
        rules.PASSED_REVIEW
    )


def test_a_project_is_admitted_once() -> None:
    given(Project, reserved, *reviewed, excellent, admitted).when(admit).refused(
        rules.ADMITTED_ONCE
    )


def test_what_is_not_in_the_reserve_is_not_admitted() -> None:
    given(Project, *reviewed, excellent).when(admit).refused(rules.RESERVED_FIRST)
