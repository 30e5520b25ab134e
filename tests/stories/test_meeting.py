"""One sitting gives its opinion on many goals, all of them or none."""

from dataclasses import replace

from aggregates.base import Aggregate
from aggregates.meeting import CollectiveReviewHeld, Dissent, Meeting
from aggregates.project import Project
from aggregates.review import CollectiveOpinionGiven, OpinionGiven, Verdict
from aggregates.roles import Role
from aggregates.unit import Unit
from aggregates.values import Fen, Grade, ReviewStage
from commands import guards, review
from commands import meeting as rules
from commands.base import Into
from commands.meeting import GoalLine, HoldCollectiveReview, Subject
from commands.review import ConcludeGoalReview, GiveOpinion
from tests.scenario import Scenario, given, history
from tests.stories.cast import (
    PAPER,
    UNIT,
    excellent,
    first_level_unit,
    first_opinion,
    reserved,
    score,
    submitted,
)

CHAIN = (ReviewStage.COUNTERPART_SECTION, ReviewStage.COLLECTIVE)

road_passed = GoalLine("2021-017", 2021, 1, Verdict.PASS, recommended=Fen(900_000_00))
road_returned = GoalLine("2021-017", 2021, 1, Verdict.RETURN, comments="投入偏高")
bridge_passed = GoalLine("2021-018", 2021, 1, Verdict.PASS)
unit_passed = GoalLine(UNIT, 2021, 1, Verdict.PASS, subject=Subject.UNIT)
against = Dissent("zhao", "里程未核实")

hold = HoldCollectiveReview((road_passed, bridge_passed), ("wang", "zhao", "chen"), PAPER)
held = CollectiveReviewHeld(
    ("wang", "zhao", "chen"), ("project/2021-017", "project/2021-018"), PAPER
)
passed = CollectiveOpinionGiven("2021-3", 2021, 1, Verdict.PASS)
returned = CollectiveOpinionGiven("2021-3", 2021, 1, Verdict.RETURN, "投入偏高")

road = history(Project, reserved, submitted, first_opinion, code="2021-017")
bridge = history(Project, reserved, submitted, first_opinion, code="2021-018")
whole_unit = history(Unit, first_level_unit, submitted, first_opinion, code=UNIT)


def the_committee(*present: Aggregate, before: tuple[CollectiveReviewHeld, ...] = ()) -> Scenario:
    story = given(Meeting, *before, code="2021-3").and_given(Unit, first_level_unit, code=UNIT)
    story.others |= {it.id: it for it in present}
    return story.by("chen", Role.BUREAU_PARTY_COMMITTEE).under(review_chain=CHAIN)


def test_a_meeting_gives_its_opinion_on_every_goal() -> None:
    the_committee(road, bridge).when(hold).then(
        held,
        Into(road, replace(passed, recommended=Fen(900_000_00))),
        Into(bridge, passed),
    )


def test_a_meeting_looks_at_projects_and_at_units() -> None:
    both = replace(hold, lines=(bridge_passed, unit_passed))
    the_committee(bridge, whole_unit).when(both).then(
        replace(held, subjects=("project/2021-018", f"unit/{UNIT}")),
        Into(bridge, passed),
        Into(whole_unit, passed),
    )


def test_a_meeting_returns_a_goal_with_comments() -> None:
    only = replace(hold, lines=(road_returned,))
    the_committee(road).when(only).then(
        replace(held, subjects=("project/2021-017",)), Into(road, returned)
    )


def test_a_meeting_says_why_it_returns_a_goal() -> None:
    silent = replace(hold, lines=(replace(road_returned, comments=""),))
    the_committee(road).when(silent).refused(review.RETURN_SAYS_WHY)


def test_a_dissent_is_kept() -> None:
    the_committee(road, bridge).when(replace(hold, dissents=(against,))).then(
        replace(held, dissents=(against,)),
        Into(road, replace(passed, recommended=Fen(900_000_00))),
        Into(bridge, passed),
    )


def test_only_those_present_dissent() -> None:
    absent = Dissent("sun", "里程未核实")
    the_committee(road, bridge).when(replace(hold, dissents=(absent,))).refused(
        rules.DISSENT_OF_THE_PRESENT
    )


def test_a_dissent_has_a_reason() -> None:
    silent = Dissent("zhao", "")
    the_committee(road, bridge).when(replace(hold, dissents=(silent,))).refused(
        rules.DISSENT_OF_THE_PRESENT
    )


def test_a_meeting_is_recorded_once() -> None:
    the_committee(road, bridge, before=(held,)).when(hold).refused(rules.HELD_ONCE)


def test_a_meeting_is_about_something() -> None:
    the_committee().when(replace(hold, lines=())).refused(rules.HAS_GOALS)


def test_a_meeting_has_people() -> None:
    the_committee(road, bridge).when(replace(hold, attendees=())).refused(rules.HAS_ATTENDEES)


def test_a_meeting_has_minutes() -> None:
    the_committee(road, bridge).when(replace(hold, minutes="")).refused(rules.HAS_MINUTES)


def test_a_goal_is_looked_at_once() -> None:
    twice = replace(hold, lines=(road_passed, road_returned))
    the_committee(road).when(twice).refused(rules.EACH_GOAL_ONCE)


def test_one_goal_that_is_not_ready_stops_the_whole_meeting() -> None:
    too_early = history(Project, reserved, submitted, code="2021-018")
    the_committee(road, too_early).when(hold).refused(review.STAGES_IN_ORDER)


def test_a_meeting_does_not_look_at_what_is_not_there() -> None:
    the_committee(road).when(hold).refused(
        guards.SUBJECT_IS_KNOWN, review.GOAL_IS_SUBMITTED, review.STAGES_IN_ORDER
    )


def test_a_meeting_has_no_place_where_the_chain_has_none() -> None:
    story = the_committee(road, bridge).under(review_chain=CHAIN[:1])
    story.when(hold).refused(review.STAGE_APPLIES)


def test_a_meeting_looks_at_the_current_version() -> None:
    superseded = replace(hold, lines=(replace(road_passed, version=2), bridge_passed))
    the_committee(road, bridge).when(superseded).refused(review.ON_THE_CURRENT_VERSION)


def test_nobody_sits_over_what_they_submitted() -> None:
    the_committee(road, bridge).when(replace(hold, attendees=("chen", "clerk"))).refused(
        review.NOT_OWN_SUBMISSION
    )


def test_a_section_head_may_sit_over_what_they_passed_alone() -> None:
    alone = replace(hold, lines=(bridge_passed,), attendees=("wang",))
    the_committee(bridge).by("wang", Role.BUREAU_PARTY_COMMITTEE).when(alone).then(
        replace(held, attendees=("wang",), subjects=("project/2021-018",)), Into(bridge, passed)
    )


def test_the_meeting_s_opinion_completes_the_chain() -> None:
    conclude = ConcludeGoalReview(2021, 1, score("92"), Grade.EXCELLENT, Fen(918_900_00))
    (
        given(Project, reserved, submitted, first_opinion, passed)
        .and_given(Unit, first_level_unit, code=UNIT)
        .by("zhao", Role.PERFORMANCE_SECTION)
        .under(review_chain=CHAIN)
        .when(conclude)
        .then(excellent)
    )


def test_whoever_sat_in_the_meeting_may_pass_a_later_stage() -> None:
    (
        given(Project, reserved, submitted, first_opinion, passed)
        .and_given(Unit, first_level_unit, code=UNIT)
        .by("chen", Role.BUDGET_SECTION)
        .under(review_chain=(*CHAIN, ReviewStage.BUDGET_SECTION))
        .when(GiveOpinion(2021, 1, ReviewStage.BUDGET_SECTION, Verdict.PASS))
        .then(OpinionGiven(2021, 1, ReviewStage.BUDGET_SECTION, "chen", Verdict.PASS))
    )


def test_what_the_meeting_returned_waits_for_a_new_version() -> None:
    (
        given(Project, reserved, submitted, first_opinion, returned)
        .and_given(Unit, first_level_unit, code=UNIT)
        .by("zhao", Role.PERFORMANCE_SECTION)
        .under(review_chain=(*CHAIN, ReviewStage.PERFORMANCE_SECTION))
        .when(ConcludeGoalReview(2021, 1, score("92"), Grade.EXCELLENT, Fen(0)))
        .refused(review.GOAL_IS_UNDER_REVIEW, review.ALL_STAGES_PASSED)
    )
