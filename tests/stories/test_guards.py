"""What every act is held to, whatever it is about."""

from datetime import date, timedelta

import pytest

from aggregates.accountable import Accountable
from aggregates.base import Actor, Envelope, Record
from aggregates.office import OFFICE, Office, PersonAssigned
from aggregates.payments import Payments
from aggregates.project import Project
from aggregates.reserve import ProjectReserved
from aggregates.roles import Role
from aggregates.unit import Unit
from commands import guards as rules
from commands.base import Case, Command
from commands.guards import check_always, check_row
from tests.scenario import TODAY, Scenario, given
from tests.stories.cast import reserved

JOINED = date(2021, 1, 1)
wang = PersonAssigned("wang", Role.COUNTERPART_SECTION, "科员", "finance", JOINED)
wang_left = PersonAssigned(
    "wang", Role.COUNTERPART_SECTION, "科员", "finance", JOINED, TODAY - timedelta(days=1)
)


class Anything(Command[Project]):
    """An act that knows no rules but those that all acts share."""

    begins: bool = True

    def decide(self, project: Project, case: Case, /) -> ProjectReserved:
        check_always(project, case, begins=self.begins)
        return reserved


def office(*assigned: PersonAssigned) -> Scenario:
    return given(Project).and_given(Office, *assigned, code=OFFICE)


def asserting(actor: Actor, *assigned: PersonAssigned) -> Scenario:
    story = office(*assigned)
    story.case.actor = actor
    return story


def test_what_was_not_there_is_shown_as_such() -> None:
    case = office().case
    case.require(False, rules.SUBJECT_IS_KNOWN, 审核结果=None)  # noqa: FBT003
    assert [breach.saw for breach in case.breaches] == [{"审核结果": "无"}]


@pytest.mark.parametrize("kind", [Project, Unit])
def test_nothing_is_done_to_what_nobody_has_entered(kind: type[Accountable]) -> None:
    given(kind).when(Anything(begins=False)).refused(rules.SUBJECT_IS_KNOWN)


def test_what_somebody_has_entered_is_there() -> None:
    given(Project, reserved).when(Anything(begins=False)).then(reserved)
    given(Payments).when(Anything(begins=False)).then(reserved)


def test_nothing_is_recorded_before_it_happens() -> None:
    given(Project).on(TODAY + timedelta(days=1), today=TODAY).when(Anything()).refused(
        rules.NOT_BEFORE_IT_HAPPENED
    )


def test_what_happened_today_is_recorded_today() -> None:
    given(Project).on(TODAY).when(Anything()).then(reserved)


def test_what_is_recorded_in_time_is_not_marked() -> None:
    given(Project).on(TODAY - timedelta(days=30), today=TODAY).when(Anything()).then(reserved)


def test_what_is_recorded_late_is_marked() -> None:
    given(Project).on(TODAY - timedelta(days=31), today=TODAY).when(Anything()).flagged(
        rules.RECORDED_IN_TIME, then=[reserved]
    )


def taken_over() -> Scenario:
    told = given(Project).on(date(2020, 1, 1), today=date(2021, 3, 1))
    told.case.opening = True
    return told


def test_what_was_taken_over_from_before_is_not_late() -> None:
    taken_over().by("console", Role.OPERATOR).when(Anything()).then(reserved)
    taken_over().by("treasury", Role.SOURCE_SYSTEM).observed().when(Anything()).then(reserved)


def test_nobody_else_takes_anything_over() -> None:
    told = taken_over().and_given(Office, wang, code=OFFICE)
    told.by("wang", Role.COUNTERPART_SECTION).when(Anything()).refused(
        rules.TAKEN_OVER_BY_THE_OPERATOR
    )


def test_what_is_recorded_out_of_order_is_marked() -> None:
    told = given(Project, reserved).on(TODAY - timedelta(days=1), today=TODAY)
    told.when(Anything()).flagged(rules.IN_ORDER, then=[reserved])


def test_what_follows_on_the_same_day_is_in_order() -> None:
    given(Project, reserved).on(TODAY).when(Anything()).then(reserved)


def test_what_was_seen_elsewhere_comes_in_any_order() -> None:
    told = given(Project, reserved).on(TODAY - timedelta(days=1), today=TODAY).observed()
    told.by("treasury", Role.SOURCE_SYSTEM).when(Anything()).then(reserved)


def test_an_office_sets_its_own_time_for_recording() -> None:
    given(Project).on(TODAY - timedelta(days=31), today=TODAY).under(backdate_days=31).when(
        Anything()
    ).then(reserved)


def test_whoever_holds_the_role_may_act() -> None:
    office(wang).by("wang", Role.COUNTERPART_SECTION).when(Anything()).then(reserved)


@pytest.mark.parametrize(
    ("person", "role"),
    [("zhao", Role.COUNTERPART_SECTION), ("wang", Role.PERFORMANCE_SECTION)],
    ids=["another person", "another role"],
)
def test_whoever_does_not_hold_the_role_may_not(person: str, role: Role) -> None:
    office(wang).by(person, role).when(Anything()).refused(rules.HOLDS_THE_ROLE)


def test_whoever_has_left_may_not_act_any_more() -> None:
    office(wang_left).by("wang", Role.COUNTERPART_SECTION).when(Anything()).refused(
        rules.HOLDS_THE_ROLE
    )


def test_the_day_of_recording_decides_who_holds_the_role() -> None:
    office(wang_left).by("wang", Role.COUNTERPART_SECTION).on(
        TODAY - timedelta(days=2), today=TODAY
    ).when(Anything()).refused(rules.HOLDS_THE_ROLE)


def test_an_actor_whom_a_system_names_and_nobody_knows_is_marked() -> None:
    unknown = Actor("sun", Role.UNIT_CLERK, asserted=True)
    asserting(unknown, wang).when(Anything()).flagged(rules.SYSTEM_NAMES_ITS_ACTOR, then=[reserved])


def test_an_actor_whom_a_system_names_and_the_office_knows_is_not_marked() -> None:
    known = Actor("wang", Role.COUNTERPART_SECTION, asserted=True)
    asserting(known, wang).when(Anything()).then(reserved)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SOURCE_SYSTEM])
def test_consoles_and_systems_hold_no_posts(role: Role) -> None:
    office().by("console", role).when(Anything()).then(reserved)


class Something(Command[Project]):
    """An act that was observed in another system's row: first seen at a position, or never."""

    first: int | None
    is_deleted: bool = False

    def decide(self, project: Project, case: Case, /) -> ProjectReserved:
        check_row(self.first, case, is_deleted=self.is_deleted)
        return reserved


def seen_here_at(position: int) -> Scenario:
    """A project to which the record at this position belongs."""
    story = given(Project).observed()
    envelope = Envelope("treasury", story.case.actor, TODAY, "reserve_project")
    record = Record(story.subject.id, 1, envelope, reserved, position)
    story.case.recorded = {position: record}.get
    return story


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_row_is_read_on_where_it_was_first_seen(is_deleted: bool) -> None:  # noqa: FBT001
    seen_here_at(7).when(Something(7, is_deleted)).then(reserved)


def test_a_row_does_not_move_to_another_history() -> None:
    seen_here_at(7).when(Something(8)).refused(rules.ROW_STAYS)


def test_a_row_that_is_new_begins_a_history_of_its_own() -> None:
    seen_here_at(7).when(Something(None)).then(reserved)


def test_a_row_that_was_gone_before_it_came_withdraws_nothing() -> None:
    seen_here_at(7).when(Something(None, is_deleted=True)).refused(rules.ROW_WAS_THERE)
