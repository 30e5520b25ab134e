"""What never happens, told from the facts alone, without asking the aggregates or the rules.

Each sentence looks at one new record and at everything that was recorded before it. It holds for
acts that somebody was allowed to do: not for what was only observed, and not where an office's rule
set has turned a refusal into a flag, or refusals off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from typing import Any

from aggregates.base import Fact, Record, RecordCorrected, Severity
from aggregates.budget import BudgetApproved
from aggregates.evaluation import ApplicationDecided, EvaluationGraded, EvaluationReported
from aggregates.exante import ExAnteEvaluationConcluded
from aggregates.funding import FundsDeferred, FundsResumed, FundsSuspended
from aggregates.goal import GoalAmended, GoalSubmitted
from aggregates.meeting import CollectiveReviewHeld
from aggregates.office import TokenIssued, TokenRevoked
from aggregates.person import PersonRegistered
from aggregates.rectification import (
    RecoveryRecorded,
    RectificationClosed,
    RectificationOrdered,
    RectificationRejected,
    RectificationReported,
    RectificationVerified,
)
from aggregates.reserve import ProjectAdmitted, ProjectReserved
from aggregates.review import CollectiveOpinionGiven, GoalReviewConcluded, OpinionGiven, Verdict
from aggregates.rulebook import DEFAULT, RULEBOOK, AfterReview, RuleBook, RuleSet, RuleSetPublished
from aggregates.unit import UnitMoved, UnitRegistered
from aggregates.values import FundLine, Grade
from commands.base import RULES

Sentence = Callable[[Any, Record[Any], "Before"], None]

NEVERS: dict[type[Fact[Any]], list[Sentence]] = defaultdict(list)


def never(*kinds: type[Fact[Any]]) -> Callable[[Sentence], Sentence]:
    """A sentence about every new fact of these kinds."""

    def keep(sentence: Sentence) -> Sentence:
        for kind in kinds:
            NEVERS[kind].append(sentence)
        return sentence

    return keep


class Before:
    """What had happened, corrections taken into account, when a record was made."""

    def __init__(self, told: Iterable[tuple[str, Fact[Any]]]) -> None:
        self.told = list(told)

    def all(self, stream: str, *kinds: type[Fact[Any]], **told: object) -> list[Any]:
        """The facts of these kinds in a history whose fields have these values."""
        return [
            fact
            for where, fact in self.told
            if where == stream
            and isinstance(fact, kinds)
            and all(getattr(fact, name) == value for name, value in told.items())
        ]

    def last(self, stream: str, *kinds: type[Fact[Any]], **told: object) -> Any:
        return next(reversed(self.all(stream, *kinds, **told)), None)

    def since(self, stream: str, *kinds: type[Fact[Any]], **told: object) -> Before:
        """What happened after the last of these facts."""
        last, begin = self.last(stream, *kinds, **told), 0
        for place, (_, fact) in enumerate(self.told, start=1):
            begin = place if fact is last else begin
        return Before(self.told[begin:])

    def rule_set(self, edition: int) -> RuleSet:
        found = self.last(RuleBook.stream(RULEBOOK), RuleSetPublished, edition=edition)
        return found.rule_set if found else DEFAULT


def _as_corrected(records: Sequence[Record[Any]]) -> Iterator[tuple[str, Fact[Any]]]:
    corrected = {
        r.fact.position: r.fact.replacement for r in records if isinstance(r.fact, RecordCorrected)
    }
    for record in records:
        replacement = corrected.get(record.position)
        if replacement is not None:
            yield record.stream, replacement.fact
        elif record.position not in corrected:
            yield record.stream, record.fact


def look_for_nevers(new: Record[Any], earlier: Sequence[Record[Any]]) -> None:
    """Raise ``AssertionError`` where something happened that never happens."""
    before = Before(_as_corrected(earlier))
    if not (new.envelope.observed or _is_forgiven(new, before.rule_set(new.envelope.rule_set))):
        for sentence in NEVERS.get(type(new.fact), ()):
            sentence(new.fact, new, before)


def _is_forgiven(new: Record[Any], rule_set: RuleSet) -> bool:
    """A rule that refuses elsewhere was only flagged, or may not have been looked at."""
    off = (rule for rule, severity in rule_set.severities.items() if severity == Severity.OFF)
    breached = (breach.rule for breach in new.envelope.breaches)
    return any(RULES[rule].severity == Severity.REFUSE for rule in chain(off, breached))


# 项目库、目标、审核、预算


@never(ProjectReserved, ProjectAdmitted, UnitRegistered, PersonRegistered, CollectiveReviewHeld)
def nothing_is_entered_twice(fact: Fact[Any], new: Record[Any], before: Before) -> None:
    assert not before.all(new.stream, type(fact))


@never(GoalSubmitted)
def no_goal_is_submitted_while_one_is_awaited_or_after_its_budget(
    goal: GoalSubmitted, new: Record[Any], before: Before
) -> None:
    assert not _approved(new.stream, goal.year, before)
    if before.all(new.stream, GoalSubmitted, year=goal.year):
        since = before.since(new.stream, GoalSubmitted, year=goal.year)
        concluded = since.last(new.stream, GoalReviewConcluded, year=goal.year)
        opinions = since.all(new.stream, OpinionGiven, CollectiveOpinionGiven, year=goal.year)
        is_returned = any(opinion.verdict == Verdict.RETURN for opinion in opinions)
        assert is_returned or (concluded and concluded.consequence == AfterReview.RESUBMIT)
        assert concluded is None or concluded.consequence != AfterReview.EXCLUDE


def _approved(stream: str, year: int, before: Before) -> tuple[FundLine, ...]:
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
    assert not _approved(new.stream, fact.year, before)
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


# 评价、整改


@never(EvaluationGraded)
def no_evaluation_is_graded_twice_or_by_who_reported_it(
    graded: EvaluationGraded, new: Record[Any], before: Before
) -> None:
    report = before.last(new.stream, EvaluationReported, evaluation=graded.evaluation)
    assert report is not None
    assert report.reporter != new.envelope.actor.person
    assert not before.all(new.stream, EvaluationGraded, evaluation=graded.evaluation)


@never(ApplicationDecided)
def nobody_decides_ungraded_or_twice_or_for_the_past_or_on_their_own_grade(
    decided: ApplicationDecided, new: Record[Any], before: Before
) -> None:
    graded = before.last(new.stream, EvaluationGraded, evaluation=decided.evaluation)
    report = before.last(new.stream, EvaluationReported, evaluation=decided.evaluation)
    assert graded is not None
    assert graded.grader != new.envelope.actor.person
    assert report is not None
    assert report.evaluated_year < decided.budget_year
    assert not before.all(new.stream, ApplicationDecided, evaluation=decided.evaluation)


Judged = RectificationVerified | RectificationRejected
STATES = (
    RectificationReported,
    RectificationRejected,
    RectificationVerified,
    RectificationClosed,
)


@never(RectificationVerified, RectificationRejected)
def nobody_judges_their_own_rectification(judged: Judged, new: Record[Any], before: Before) -> None:
    state = before.last(new.stream, *STATES, item=judged.item)
    ordered = before.last(new.stream, RectificationOrdered, item=judged.item)
    assert isinstance(state, RectificationReported)
    assert state.reporter != new.envelope.actor.person
    assert ordered is None or ordered.responsible != new.envelope.actor.organisation


@never(RectificationClosed)
def no_item_is_closed_that_was_not_verified_or_is_still_owed(
    closed: RectificationClosed, new: Record[Any], before: Before
) -> None:
    assert isinstance(before.last(new.stream, *STATES, item=closed.item), RectificationVerified)
    assert _recovered(new.stream, closed.item, before) >= _ordered(new.stream, closed.item, before)


@never(RecoveryRecorded)
def no_more_comes_back_than_was_ordered(
    recovery: RecoveryRecorded, new: Record[Any], before: Before
) -> None:
    assert recovery.amount > 0
    recovered = _recovered(new.stream, recovery.item, before) + recovery.amount
    assert recovered <= _ordered(new.stream, recovery.item, before)


def _recovered(stream: str, item: str, before: Before) -> int:
    return sum(each.amount for each in before.all(stream, RecoveryRecorded, item=item))


def _ordered(stream: str, item: str, before: Before) -> int:
    ordered = before.last(stream, RectificationOrdered, item=item)
    return ordered.amount if ordered else 0


# 缓停拨

Held = FundsDeferred | FundsSuspended


@never(FundsDeferred, FundsSuspended)
def no_line_is_held_back_twice_for_one_reason(held: Held, new: Record[Any], before: Before) -> None:
    assert not before.all(new.stream, FundsDeferred, FundsSuspended, hold=held.hold)
    lines = {each.line for each in held.scope}
    assert lines
    for other in _open_holds(new.stream, before):
        if (type(other), other.year, other.grounds) == (type(held), held.year, held.grounds):
            assert not lines & {each.line for each in other.scope}


def _open_holds(stream: str, before: Before) -> list[Held]:
    """The latest hold under each code that has not been lifted since."""
    latest: dict[str, Held] = {}
    for fact in before.all(stream, FundsDeferred, FundsSuspended, FundsResumed):
        if isinstance(fact, FundsResumed):
            latest.pop(fact.hold, None)
        else:
            latest[fact.hold] = fact
    return [*latest.values()]


@never(FundsDeferred, FundsSuspended)
def no_money_is_held_back_that_was_never_approved(
    held: Held, new: Record[Any], before: Before
) -> None:
    approved = {line.id for line in _approved(new.stream, held.year, before)}
    assert {each.line for each in held.scope} <= approved


@never(FundsDeferred, FundsSuspended)
def no_item_holds_money_back_while_it_is_merely_open(
    held: Held, new: Record[Any], before: Before
) -> None:
    for item in held.grounds.items:
        stream = _place_of(item, new.stream, before)
        state = before.last(stream, *STATES, item=item)
        is_rejected = isinstance(state, RectificationRejected)
        assert is_rejected or (
            state is None and _is_overdue(item, stream, new.envelope.occurred_on, before)
        )


@never(FundsResumed)
def no_money_flows_again_before_its_causes_are_closed(
    resumed: FundsResumed, new: Record[Any], before: Before
) -> None:
    (held,) = (each for each in _open_holds(new.stream, before) if each.hold == resumed.hold)
    for item in held.grounds.items:
        stream = _place_of(item, new.stream, before)
        assert isinstance(before.last(stream, *STATES, item=item), RectificationClosed)


def _place_of(item: str, project: str, before: Before) -> str:
    """The history that holds an item: the project's own, or its unit's."""
    kinds = (RectificationOrdered, RecoveryRecorded, *STATES)
    if before.all(project, *kinds, item=item):
        return project
    reserved = before.last(project, ProjectReserved)
    return f"unit/{reserved.unit if reserved else ''}"


def _is_overdue(item: str, stream: str, on: date, before: Before) -> bool:
    ordered = before.last(stream, RectificationOrdered, item=item)
    return ordered is not None and ordered.due < on


# 单位、令牌、规则集


@never(UnitRegistered, UnitMoved)
def no_unit_stands_above_itself(
    fact: UnitRegistered | UnitMoved, new: Record[Any], before: Before
) -> None:
    above, climbed = fact.superior, set[str]()
    while above and above not in climbed:
        assert f"unit/{above}" != new.stream
        climbed.add(above)
        place = before.last(f"unit/{above}", UnitRegistered, UnitMoved)
        above = place.superior if place else ""


@never(TokenIssued)
def no_two_tokens_share_a_name_or_a_secret(
    issued: TokenIssued, new: Record[Any], before: Before
) -> None:
    assert not before.all(new.stream, TokenIssued, token=issued.token)
    assert not before.all(new.stream, TokenIssued, digest=issued.digest)


@never(TokenRevoked)
def no_token_is_revoked_twice(revoked: TokenRevoked, new: Record[Any], before: Before) -> None:
    assert before.all(new.stream, TokenIssued, token=revoked.token)
    assert not before.all(new.stream, TokenRevoked, token=revoked.token)


@never(RuleSetPublished)
def no_edition_is_published_twice(
    published: RuleSetPublished, new: Record[Any], before: Before
) -> None:
    editions = (each.edition for each in before.all(new.stream, RuleSetPublished))
    assert published.edition == max(chain((0,), editions)) + 1
