"""项目库、目标、审核、预算: what never happens on the way to the money."""

from __future__ import annotations

from typing import Any

from aggregates.base import Fact, Record
from aggregates.budget import BudgetApproved
from aggregates.exante import ExAnteEvaluationConcluded
from aggregates.goal import GoalAmended, GoalSubmitted
from aggregates.meeting import CollectiveReviewHeld
from aggregates.person import PersonRegistered
from aggregates.reserve import ProjectAdmitted, ProjectReserved
from aggregates.review import CollectiveOpinionGiven, GoalReviewConcluded, OpinionGiven, Verdict
from aggregates.rulebook import AfterReview
from aggregates.unit import UnitRegistered
from aggregates.values import FundLine, Grade
from tests.laws.nevers.telling import Before, never


@never(ProjectReserved, ProjectAdmitted, UnitRegistered, PersonRegistered, CollectiveReviewHeld)
def nothing_is_entered_twice(fact: Fact[Any], new: Record[Any], before: Before) -> None:
    assert not before.all(new.stream, type(fact))


@never(GoalSubmitted)
def no_goal_is_submitted_while_one_is_awaited_or_after_its_budget(
    goal: GoalSubmitted, new: Record[Any], before: Before
) -> None:
    assert not approved(new.stream, goal.year, before)
    if before.all(new.stream, GoalSubmitted, year=goal.year):
        since = before.since(new.stream, GoalSubmitted, year=goal.year)
        concluded = since.last(new.stream, GoalReviewConcluded, year=goal.year)
        opinions = since.all(new.stream, OpinionGiven, CollectiveOpinionGiven, year=goal.year)
        is_returned = any(opinion.verdict == Verdict.RETURN for opinion in opinions)
        assert is_returned or (concluded and concluded.consequence == AfterReview.RESUBMIT)
        assert concluded is None or concluded.consequence != AfterReview.EXCLUDE


def approved(stream: str, year: int, before: Before) -> tuple[FundLine, ...]:
    """The lines of a year's budget."""
    budget = before.last(stream, BudgetApproved, year=year)
    return budget.lines if budget else ()


@never(GoalAmended)
def no_goal_is_amended_unasked(amended: GoalAmended, new: Record[Any], before: Before) -> None:
    concluded = before.last(new.stream, GoalReviewConcluded, year=amended.year)
    assert concluded is not None
    assert concluded.consequence == AfterReview.AMEND_THEN_ENTER


@never(OpinionGiven, GoalReviewConcluded, BudgetApproved)
def nobody_reviews_their_own_submission(
    fact: OpinionGiven | GoalReviewConcluded | BudgetApproved, new: Record[Any], before: Before
) -> None:
    goal = before.last(new.stream, GoalSubmitted, year=fact.year)
    assert goal is None or goal.submitter != new.envelope.actor.person


@never(CollectiveOpinionGiven)
def nobody_sits_on_their_own_submission(
    opinion: CollectiveOpinionGiven, new: Record[Any], before: Before
) -> None:
    goal = before.last(new.stream, GoalSubmitted, year=opinion.year)
    sitting = before.last(f"meeting/{opinion.meeting}", CollectiveReviewHeld)
    assert sitting is not None
    assert goal is not None
    assert goal.submitter not in (new.envelope.actor.person, *sitting.attendees)


@never(OpinionGiven, CollectiveOpinionGiven, GoalReviewConcluded)
def nothing_is_said_on_an_old_version_or_after_the_end(
    fact: OpinionGiven | CollectiveOpinionGiven | GoalReviewConcluded,
    new: Record[Any],
    before: Before,
) -> None:
    goal = before.last(new.stream, GoalSubmitted, GoalAmended, year=fact.year)
    since = before.since(new.stream, GoalSubmitted, year=fact.year)
    assert goal is not None
    assert goal.version == fact.version
    assert not since.all(new.stream, GoalReviewConcluded, year=fact.year)


def _is_passed(stream: str, year: int, before: Before) -> bool:
    concluded = before.last(stream, GoalReviewConcluded, year=year)
    if concluded is None or concluded.consequence == AfterReview.ENTER:
        return concluded is not None
    is_amended = before.all(stream, GoalAmended, year=year)
    return bool(concluded.consequence == AfterReview.AMEND_THEN_ENTER and is_amended)


def _needs_goal(new: Record[Any], before: Before) -> bool:
    reserved = before.last(new.stream, ProjectReserved)
    classes = before.rule_set(new.envelope.rule_set).goal_classes
    return reserved is None or reserved.project_class in classes


@never(ProjectAdmitted, BudgetApproved)
def no_money_without_a_goal_that_passed(
    fact: ProjectAdmitted | BudgetApproved, new: Record[Any], before: Before
) -> None:
    assert _is_passed(new.stream, fact.year, before) or not _needs_goal(new, before)


@never(BudgetApproved)
def no_money_outside_the_library_and_none_twice(
    fact: BudgetApproved, new: Record[Any], before: Before
) -> None:
    assert not approved(new.stream, fact.year, before)
    if new.stream.startswith("project/"):
        assert before.all(new.stream, ProjectReserved)
        assert before.all(new.stream, ProjectAdmitted)


@never(BudgetApproved)
def no_money_for_what_is_new_and_major_before_somebody_asked_what_it_is_worth(
    _: BudgetApproved, new: Record[Any], before: Before
) -> None:
    reserved = before.last(new.stream, ProjectReserved)
    if reserved is not None and reserved.is_new and reserved.is_major:
        assert before.all(new.stream, ExAnteEvaluationConcluded)


@never(ExAnteEvaluationConcluded)
def no_panel_judges_its_own_house_or_asks_until_it_likes_the_answer(
    fact: ExAnteEvaluationConcluded, new: Record[Any], before: Before
) -> None:
    reserved = before.last(new.stream, ProjectReserved)
    earlier = before.last(new.stream, ExAnteEvaluationConcluded)
    assert reserved is not None
    assert reserved.unit not in {each.organisation for each in fact.panel}
    assert earlier is None or earlier.grade in (Grade.FAIR, Grade.POOR)
