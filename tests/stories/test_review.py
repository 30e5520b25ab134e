"""A goal goes through its chain, one opinion after the other, to a conclusion."""

from dataclasses import replace
from typing import Any

import pytest

from aggregates.base import Fact, Severity
from aggregates.project import Project
from aggregates.review import GoalReviewConcluded, OpinionGiven, Verdict
from aggregates.roles import Role
from aggregates.rulebook import DEFAULT, AfterReview
from aggregates.unit import Unit
from aggregates.values import Bands, Fen, Grade, ReviewStage
from commands import review as rules
from commands.review import ConcludeGoalReview, GiveOpinion
from tests.scenario import Scenario, given
from tests.stories.cast import (
    DEPARTMENT,
    UNIT,
    department,
    excellent,
    fair,
    first_level_unit,
    first_opinion,
    good,
    percent,
    poor,
    reserved,
    resubmitted,
    returned,
    reviewed,
    score,
    second_opinion,
    submitted,
    unit,
)

FIVE_STAGES = (
    ReviewStage.DEPARTMENT,
    ReviewStage.COUNTERPART_SECTION,
    ReviewStage.PERFORMANCE_SECTION,
    ReviewStage.BUDGET_SECTION,
    ReviewStage.COLLECTIVE,
)
by_department = OpinionGiven(2021, 1, ReviewStage.DEPARTMENT, "sun", Verdict.PASS)

give_first = GiveOpinion(2021, 1, ReviewStage.COUNTERPART_SECTION, Verdict.PASS)
give_second = GiveOpinion(2021, 1, ReviewStage.PERFORMANCE_SECTION, Verdict.PASS)
give_for_department = GiveOpinion(2021, 1, ReviewStage.DEPARTMENT, Verdict.PASS)
send_back = GiveOpinion(2021, 1, ReviewStage.COUNTERPART_SECTION, Verdict.RETURN, "指标不够量化")
conclude = ConcludeGoalReview(2021, 1, score("92"), Grade.EXCELLENT, recommended=Fen(918_900_00))


def project(*history: Fact[Any]) -> Scenario:
    """A project of a unit of the second level, under its department."""
    return (
        given(Project, reserved, *history)
        .and_given(Unit, unit, code=UNIT)
        .and_given(Unit, department, code=DEPARTMENT)
    )


def at_wang(*history: Fact[Any]) -> Scenario:
    return project(*history).by("wang", Role.COUNTERPART_SECTION)


def at_zhao(*history: Fact[Any]) -> Scenario:
    return project(*history).by("zhao", Role.PERFORMANCE_SECTION)


def test_the_counterpart_section_opens_the_review() -> None:
    at_wang(submitted).when(give_first).then(first_opinion)


def test_the_performance_section_follows() -> None:
    at_zhao(submitted, first_opinion).when(give_second).then(second_opinion)


def test_an_opinion_may_score_and_recommend() -> None:
    scored = replace(give_first, score=score("88.5"), recommended=Fen(900_000_00))
    at_wang(submitted).when(scored).then(
        replace(first_opinion, score=score("88.5"), recommended=Fen(900_000_00))
    )


def test_a_unit_s_overall_goal_is_reviewed_like_a_project_s() -> None:
    given(Unit, unit, submitted, code=UNIT).by("wang", Role.COUNTERPART_SECTION).when(
        give_first
    ).then(first_opinion)


def test_a_goal_is_returned_with_comments() -> None:
    at_wang(submitted).when(send_back).then(returned)


def test_nobody_returns_a_goal_without_saying_why() -> None:
    at_wang(submitted).when(replace(send_back, comments="")).refused(rules.RETURN_SAYS_WHY)


def test_there_is_no_opinion_without_a_goal() -> None:
    at_wang().when(give_first).refused(rules.GOAL_IS_SUBMITTED)


def test_an_opinion_is_about_the_current_version() -> None:
    at_wang(submitted, returned, resubmitted).when(give_first).refused(rules.ON_THE_CURRENT_VERSION)


def test_a_new_version_goes_through_the_whole_chain() -> None:
    at_zhao(*reviewed, fair, resubmitted).when(replace(give_second, version=2)).refused(
        rules.STAGES_IN_ORDER
    )
    at_wang(*reviewed, fair, resubmitted).when(replace(give_first, version=2)).then(
        replace(first_opinion, version=2)
    )


def test_a_returned_goal_gets_no_more_opinions() -> None:
    at_wang(submitted, returned).when(give_first).refused(rules.GOAL_IS_UNDER_REVIEW)


def test_no_stage_is_skipped() -> None:
    at_zhao(submitted).when(give_second).refused(rules.STAGES_IN_ORDER)


def test_no_stage_is_repeated() -> None:
    project(submitted, first_opinion).by("li", Role.COUNTERPART_SECTION).when(give_first).refused(
        rules.STAGES_IN_ORDER
    )


def test_a_stage_outside_the_chain_gives_no_opinion() -> None:
    third_party = replace(give_first, stage=ReviewStage.THIRD_PARTY)
    project(submitted).by("agent", Role.AGENCY).when(third_party).refused(rules.STAGE_APPLIES)


def test_an_office_may_ask_a_third_party() -> None:
    third_party = replace(give_first, stage=ReviewStage.THIRD_PARTY)
    project(submitted).under(review_chain=(ReviewStage.THIRD_PARTY,)).by("agent", Role.AGENCY).when(
        third_party
    ).then(replace(first_opinion, stage=ReviewStage.THIRD_PARTY, reviewer="agent"))


def test_the_department_reviews_what_its_unit_submits() -> None:
    project(submitted).under(review_chain=FIVE_STAGES).by(
        "sun", Role.SUPERIOR_DEPARTMENT, DEPARTMENT
    ).when(give_for_department).then(by_department)


def test_another_department_does_not() -> None:
    project(submitted).under(review_chain=FIVE_STAGES).by(
        "sun", Role.SUPERIOR_DEPARTMENT, "200"
    ).when(give_for_department).refused(rules.DEPARTMENT_STANDS_ABOVE)


def test_a_first_level_unit_has_no_department_above_it() -> None:
    own = given(Project, reserved, submitted).and_given(Unit, first_level_unit, code=UNIT)
    own.under(review_chain=FIVE_STAGES).by("wang", Role.COUNTERPART_SECTION).when(give_first).then(
        first_opinion
    )


def test_nor_may_anybody_review_it_as_its_department() -> None:
    own = given(Project, reserved, submitted).and_given(Unit, first_level_unit, code=UNIT)
    own.under(review_chain=FIVE_STAGES).by("sun", Role.SUPERIOR_DEPARTMENT, UNIT).when(
        give_for_department
    ).refused(rules.STAGE_APPLIES, rules.DEPARTMENT_STANDS_ABOVE)


def test_each_stage_has_its_role() -> None:
    at_zhao(submitted).when(give_first).refused(rules.STAGE_HAS_ITS_ROLE)


def test_nobody_gives_the_meeting_s_opinion_alone() -> None:
    alone = replace(give_first, stage=ReviewStage.COLLECTIVE)
    at_zhao(submitted).under(review_chain=(ReviewStage.COLLECTIVE,)).when(alone).refused(
        rules.STAGE_HAS_ITS_ROLE
    )


def test_nobody_reviews_what_they_submitted() -> None:
    project(submitted).by("clerk", Role.COUNTERPART_SECTION).when(give_first).refused(
        rules.NOT_OWN_SUBMISSION
    )


def test_one_person_in_two_stages_is_marked() -> None:
    project(submitted, first_opinion).by("wang", Role.PERFORMANCE_SECTION).when(
        give_second
    ).flagged(rules.ONE_STAGE_EACH, then=[replace(second_opinion, reviewer="wang")])


def test_an_office_may_forbid_one_person_in_two_stages() -> None:
    project(submitted, first_opinion).by("wang", Role.PERFORMANCE_SECTION).under(
        severities={rules.ONE_STAGE_EACH.id: Severity.REFUSE}
    ).when(give_second).refused(rules.ONE_STAGE_EACH)


def test_the_same_person_may_review_the_next_version() -> None:
    at_wang(submitted, returned, resubmitted).when(replace(give_first, version=2)).then(
        replace(first_opinion, version=2)
    )


def test_an_opinion_given_elsewhere_on_an_old_version_passes_nothing() -> None:
    at_wang(submitted, returned, resubmitted).observed().when(give_first).recorded_with(
        rules.ON_THE_CURRENT_VERSION
    )
    story = at_zhao(submitted, returned, resubmitted, first_opinion)
    story.when(replace(give_second, version=2)).refused(rules.STAGES_IN_ORDER)


def test_a_return_given_elsewhere_on_an_old_version_returns_nothing() -> None:
    at_wang(submitted, returned, resubmitted, returned).when(replace(give_first, version=2)).then(
        replace(first_opinion, version=2)
    )


@pytest.mark.parametrize("concluded", [excellent, good, fair, poor])
def test_the_grade_decides_what_follows(concluded: GoalReviewConcluded) -> None:
    as_graded = replace(conclude, score=concluded.score, grade=concluded.grade)
    at_zhao(*reviewed).when(as_graded).then(concluded)


def test_an_office_may_decide_otherwise_what_follows() -> None:
    lenient = {**DEFAULT.after_review, Grade.GOOD: AfterReview.ENTER}
    at_zhao(*reviewed).under(after_review=lenient).when(
        replace(conclude, score=score("85"), grade=Grade.GOOD)
    ).then(replace(good, consequence=AfterReview.ENTER))


@pytest.mark.parametrize("history", [(submitted,), (submitted, first_opinion)])
def test_every_stage_passes_before_the_conclusion(history: tuple[Fact[Any], ...]) -> None:
    at_zhao(*history).when(conclude).refused(rules.ALL_STAGES_PASSED)


@pytest.mark.parametrize(
    ("points", "grade"),
    [("90", Grade.GOOD), ("89.99", Grade.EXCELLENT), ("60", Grade.POOR), ("79.99", Grade.GOOD)],
)
def test_the_grade_fits_the_score(points: str, grade: Grade) -> None:
    at_zhao(*reviewed).when(replace(conclude, score=score(points), grade=grade)).refused(
        rules.GRADE_FITS_SCORE
    )


def test_an_office_may_draw_the_bands_elsewhere() -> None:
    bands = Bands(score("85"), score("75"), score("60"))
    at_zhao(*reviewed).under(review_bands=bands).when(replace(conclude, score=score("85"))).then(
        replace(excellent, score=score("85"))
    )


def test_nothing_is_recommended_beyond_what_was_declared() -> None:
    more = replace(conclude, recommended=Fen(1_000_000_01))
    at_zhao(*reviewed).when(more).refused(rules.RECOMMENDED_WITHIN_DECLARED)


def test_all_that_was_declared_may_be_recommended() -> None:
    all_of_it = replace(conclude, recommended=Fen(1_000_000_00))
    at_zhao(*reviewed).when(all_of_it).then(
        replace(
            excellent,
            recommended=Fen(1_000_000_00),
            reduction=Fen(0),
            rate=percent("0.00"),
        )
    )


def test_a_reason_may_justify_more_than_was_declared() -> None:
    more = replace(conclude, recommended=Fen(1_100_000_00), reason="上级追加任务")
    at_zhao(*reviewed).when(more).then(
        replace(
            excellent,
            recommended=Fen(1_100_000_00),
            reduction=Fen(-100_000_00),
            rate=percent("-10.00"),
            reason="上级追加任务",
        )
    )


def test_a_goal_is_concluded_once() -> None:
    at_zhao(*reviewed, excellent).when(conclude).refused(rules.GOAL_IS_UNDER_REVIEW)


def test_nobody_grades_what_they_submitted() -> None:
    project(*reviewed).by("clerk", Role.PERFORMANCE_SECTION).when(conclude).refused(
        rules.NOT_OWN_SUBMISSION
    )


def test_a_conclusion_known_from_elsewhere_is_recorded_though_stages_are_missing() -> None:
    at_zhao(submitted, first_opinion).observed().when(conclude).recorded_with(
        rules.ALL_STAGES_PASSED
    )
