"""资金缓停拨: money waits for a cause, exactly as much as the cause says, until it is settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from aggregates.base import Fact
from aggregates.funding import FundsDeferred, FundsResumed, FundsSuspended, HoldExecuted
from aggregates.item import ItemCause
from aggregates.lines import Grounds, HeldLine, HoldCause, HoldKind, Line
from aggregates.project import Project
from aggregates.rectification import (
    RectificationClosed,
    RectificationOrdered,
    RectificationRejected,
    RectificationReported,
    RectificationVerified,
)
from aggregates.roles import Role
from aggregates.unit import Unit
from aggregates.values import Fen
from commands import funding
from commands.funding import DeferFunds, ObserveHoldExecution, ResumeFunds, SuspendFunds
from tests.scenario import Scenario, given, history
from tests.stories.cast import EVIDENCE, PAPER, UNIT, approved, reserved, unit

DUE, DAY, NEXT_DAY = date(2021, 8, 10), date(2021, 8, 11), date(2021, 8, 12)
NOTICE, LIFTING = "师审通〔2021〕3号", "师审通〔2021〕9号"
ordered = RectificationOrdered(
    item="R1",
    cause=ItemCause.EVALUATION,
    problem="未按项目设置辅助台账",
    digest=PAPER,
    responsible=UNIT,
    received_on=date(2021, 6, 10),
    due=DUE,
)
reported = RectificationReported("R1", "已补设台账", (EVIDENCE,), "clerk")
rejected = RectificationRejected("R1", "台账缺三季度", "zhao")
verified = RectificationVerified("R1", "zhao")
closed = RectificationClosed("R1")
put_right = (reported, verified, closed)

ALL_OF_L1 = (HeldLine("L1"),)
A_PART_OF_L2 = (HeldLine("L2", Fen(50_000_00)),)
for_an_item = Grounds(HoldCause.RECTIFICATION, ("R1",))
for_the_auditors = Grounds(HoldCause.AUDIT, document=NOTICE)
suspended = FundsSuspended(
    hold="T1",
    year=2021,
    scope=ALL_OF_L1,
    grounds=for_an_item,
    reason="整改不到位",
    decider="chen",
    since=DAY,
)
deferred = FundsDeferred(
    hold="H1",
    year=2021,
    scope=A_PART_OF_L2,
    grounds=for_an_item,
    reason="整改逾期",
    decider="chen",
    since=DAY,
)
stopped_by_audit = replace(suspended, hold="T2", grounds=for_the_auditors)
resumed = FundsResumed(
    hold="T1",
    year=2021,
    kind=HoldKind.SUSPENSION,
    scope=ALL_OF_L1,
    reason="整改到位",
    document="",
    decider="chen",
    resumed_on=NEXT_DAY,
)

suspend = SuspendFunds("T1", 2021, ALL_OF_L1, HoldCause.RECTIFICATION, "整改不到位", ("R1",))
defer = DeferFunds("H1", 2021, A_PART_OF_L2, HoldCause.RECTIFICATION, "整改逾期", ("R1",))
suspend_by_audit = SuspendFunds(
    "T2", 2021, ALL_OF_L1, HoldCause.AUDIT, "整改不到位", document=NOTICE
)
resume = ResumeFunds("T1", "整改到位")


def at_the_bureau(*facts: Fact[Any]) -> Scenario:
    told = given(Project, reserved, approved, *facts)
    return told.by("chen", Role.BUREAU_LEADER, "finance").on(DAY)


def line(*facts: Fact[Any], on: date = DAY, id: str = "L1") -> Line:
    project = history(Project, reserved, approved, *facts)
    assert isinstance(project, Project)
    found = project.line(2021, id, on)
    assert found is not None
    return found


# Causes


def test_a_rejected_rectification_stops_money() -> None:
    told = at_the_bureau(ordered, reported, rejected).on(DUE).when(suspend)
    told.then(replace(suspended, since=DUE))


def test_an_overdue_rectification_stops_or_defers_money() -> None:
    at_the_bureau(ordered).when(suspend).then(suspended)
    at_the_bureau(ordered).when(defer).then(deferred)


def test_an_item_of_the_unit_stops_its_projects() -> None:
    told = at_the_bureau().and_given(Unit, unit, ordered, code=UNIT)
    told.when(suspend).then(suspended)


@pytest.mark.parametrize("hold", [suspend, defer])
@pytest.mark.parametrize(
    ("facts", "on"),
    [
        ((ordered,), DUE),
        ((ordered, reported), DAY),
        ((ordered, *put_right), DAY),
        ((), DAY),
    ],
)
def test_what_is_open_reported_settled_or_unknown_is_no_cause(
    hold: SuspendFunds | DeferFunds, facts: tuple[Fact[Any], ...], on: date
) -> None:
    at_the_bureau(*facts).on(on).when(hold).refused(funding.ITEM_IS_A_CAUSE)


def test_every_item_that_is_cited_has_to_be_a_cause() -> None:
    asked = replace(suspend, items=("R1", "R9"))
    at_the_bureau(ordered).when(asked).refused(funding.ITEM_IS_A_CAUSE)


def test_the_audit_office_has_money_stopped() -> None:
    at_the_bureau().when(suspend_by_audit).then(stopped_by_audit)


def test_a_serious_monitoring_finding_stops_money() -> None:
    asked = replace(suspend_by_audit, cause=HoldCause.MONITORING, document="绩效监控通报第2期")
    grounds = Grounds(HoldCause.MONITORING, document="绩效监控通报第2期")
    at_the_bureau().when(asked).then(replace(stopped_by_audit, grounds=grounds))


@pytest.mark.parametrize(
    "asked",
    [
        replace(suspend, items=()),
        replace(suspend, items=(), document=NOTICE),
        replace(suspend_by_audit, document=""),
        replace(suspend_by_audit, cause=HoldCause.MONITORING, document=""),
    ],
)
def test_a_cause_is_named(asked: SuspendFunds) -> None:
    at_the_bureau().when(asked).refused(funding.CAUSE_IS_NAMED)


# Scope


@pytest.mark.parametrize(
    "asked",
    [
        replace(suspend, scope=()),
        replace(suspend, scope=(HeldLine("L9"),)),
        replace(suspend, year=2022),
    ],
)
def test_only_approved_lines_are_held(asked: SuspendFunds) -> None:
    at_the_bureau(ordered).when(asked).refused(funding.HOLDS_APPROVED_LINES)


@pytest.mark.parametrize(
    "scope",
    [
        (HeldLine("L1"), HeldLine("L1", Fen(1))),
        (HeldLine("L1", Fen(0)),),
        (HeldLine("L1", Fen(800_000_01)),),
    ],
)
def test_a_scope_is_exact(scope: tuple[HeldLine, ...]) -> None:
    at_the_bureau(ordered).when(replace(suspend, scope=scope)).refused(funding.SCOPE_IS_EXACT)


def test_a_line_may_be_held_to_the_last_fen() -> None:
    whole = (HeldLine("L1", Fen(800_000_00)),)
    told = at_the_bureau(ordered).when(replace(suspend, scope=whole))
    told.then(replace(suspended, scope=whole))


def test_a_hold_is_numbered_once() -> None:
    asked = replace(suspend, scope=A_PART_OF_L2)
    at_the_bureau(ordered, suspended).when(asked).refused(funding.HOLD_IS_NEW)


def test_money_is_stopped_once_for_one_cause() -> None:
    asked = replace(suspend, hold="T3")
    at_the_bureau(ordered, suspended).when(asked).refused(funding.HELD_ONCE)


def test_money_that_is_stopped_may_be_stopped_for_another_cause_too() -> None:
    at_the_bureau(ordered, suspended).when(suspend_by_audit).then(stopped_by_audit)


def test_what_was_deferred_may_be_suspended() -> None:
    asked = replace(suspend, scope=A_PART_OF_L2)
    told = at_the_bureau(ordered, deferred).when(asked)
    told.then(replace(suspended, scope=A_PART_OF_L2))


def test_after_a_resumption_the_same_cause_may_stop_money_again() -> None:
    again = replace(suspend, hold="T3")
    told = at_the_bureau(ordered, suspended, resumed).when(again)
    told.then(replace(suspended, hold="T3"))


# Resumption


def test_money_flows_again_when_every_cause_is_closed() -> None:
    told = at_the_bureau(ordered, suspended, *put_right).on(NEXT_DAY).when(resume)
    told.then(resumed)


def test_nothing_is_resumed_before_it_was_held() -> None:
    before = suspended.since - timedelta(days=1)
    told = at_the_bureau(ordered, suspended, *put_right).on(before, today=NEXT_DAY).when(resume)
    told.refused(funding.RESUMED_AFTERWARDS)
    same_day = at_the_bureau(ordered, suspended, *put_right).on(suspended.since).when(resume)
    same_day.then(replace(resumed, resumed_on=suspended.since))


def test_a_deferral_is_resumed_alike() -> None:
    told = at_the_bureau(ordered, deferred, *put_right).on(NEXT_DAY)
    expected = replace(resumed, hold="H1", kind=HoldKind.DEFERRAL, scope=A_PART_OF_L2)
    told.when(ResumeFunds("H1", "整改到位")).then(expected)


@pytest.mark.parametrize("facts", [(), (reported,), (reported, verified)])
def test_money_waits_until_its_causes_are_closed(facts: tuple[Fact[Any], ...]) -> None:
    told = at_the_bureau(ordered, suspended, *facts).when(resume)
    told.refused(funding.ITEMS_ARE_CLOSED)


def test_one_open_cause_is_enough_to_wait() -> None:
    two = replace(suspended, grounds=replace(for_an_item, items=("R1", "R2")))
    second = replace(ordered, item="R2")
    told = at_the_bureau(ordered, second, two, *put_right).when(resume)
    told.refused(funding.ITEMS_ARE_CLOSED)


def test_only_the_audit_office_lifts_what_it_asked_for() -> None:
    told = at_the_bureau(stopped_by_audit).on(NEXT_DAY)
    told.when(ResumeFunds("T2", "问题已纠正")).refused(funding.LIFTED_BY_DOCUMENT)
    lifted = replace(resumed, hold="T2", reason="问题已纠正", document=LIFTING)
    told = at_the_bureau(stopped_by_audit).on(NEXT_DAY)
    told.when(ResumeFunds("T2", "问题已纠正", LIFTING)).then(lifted)


def test_nobody_resumes_what_is_not_held() -> None:
    at_the_bureau().when(resume).refused(funding.HOLD_IS_KNOWN)
    told = at_the_bureau(ordered, suspended, *put_right, resumed).when(resume)
    told.refused(funding.RESUMED_ONCE)


# Execution is seen, not done


def test_the_treasury_carries_it_out() -> None:
    told = at_the_bureau(suspended).by("qian", Role.SOURCE_SYSTEM).observed()
    told.when(ObserveHoldExecution("T1", "qian")).then(HoldExecuted("T1", 2021, "qian", DAY))


def test_who_decides_does_not_carry_it_out() -> None:
    told = at_the_bureau(suspended).by("qian", Role.SOURCE_SYSTEM).observed()
    told.when(ObserveHoldExecution("T1", "chen")).recorded_with(funding.EXECUTED_BY_ANOTHER)


def test_the_treasury_decides_nothing() -> None:
    for asked in (SuspendFunds, DeferFunds, ResumeFunds):
        assert Role.TREASURY_SECTION not in asked.act.by


# What a line answers


def test_a_line_knows_what_is_held_of_it_on_a_day() -> None:
    held = (ordered, suspended, deferred, resumed)
    assert line(*held, on=DUE) == Line("L1", Fen(800_000_00))
    assert line(*held, on=DAY).is_suspended
    assert not line(*held, on=NEXT_DAY).is_suspended
    assert line(*held, on=DAY, id="L2").is_deferred
    assert line(*held, on=DAY, id="L2").deferred == 50_000_00


def test_a_release_of_nothing_changes_nothing() -> None:
    assert line(resumed) == line()
