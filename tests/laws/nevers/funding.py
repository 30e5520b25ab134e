"""缓停拨: what never happens to money that is held back."""

from __future__ import annotations

from datetime import date
from typing import Any

from aggregates.base import Record
from aggregates.funding import FundsDeferred, FundsResumed, FundsSuspended
from aggregates.rectification import (
    RecoveryRecorded,
    RectificationClosed,
    RectificationOrdered,
    RectificationRejected,
)
from aggregates.reserve import ProjectReserved
from tests.laws.nevers.goals import approved
from tests.laws.nevers.rectification import STATES
from tests.laws.nevers.telling import Before, never

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
def no_money_is_held_back_that_was_neverapproved(
    held: Held, new: Record[Any], before: Before
) -> None:
    known = {line.id for line in approved(new.stream, held.year, before)}
    assert {each.line for each in held.scope} <= known


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
