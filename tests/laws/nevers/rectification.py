"""评价、整改: what never happens once the money is spent."""

from __future__ import annotations

from typing import Any

from aggregates.base import Record
from aggregates.evaluation import ApplicationDecided, EvaluationGraded, EvaluationReported
from aggregates.rectification import (
    RecoveryRecorded,
    RectificationClosed,
    RectificationOrdered,
    RectificationRejected,
    RectificationReported,
    RectificationVerified,
)
from tests.laws.nevers.telling import Before, never


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
