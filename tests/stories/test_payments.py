"""支付: what the treasury may pay, and what it was seen to pay whether it might or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

import pytest

from aggregates.base import Fact
from aggregates.funding import FundsDeferred, FundsResumed, FundsSuspended
from aggregates.lines import Grounds, HeldLine, HoldCause, HoldKind
from aggregates.payments import PaymentObserved, Payments
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.values import Fen
from commands import guards, payments
from commands.base import Rule
from commands.payments import ObservePayment, payable
from tests.scenario import SOMEWHERE, Scenario, given, history
from tests.stories.cast import UNIT, approved, reserved

BEFORE, DAY, AFTER = date(2021, 8, 10), date(2021, 8, 11), date(2021, 9, 1)
STREAM = "2021-017.2021"
paid = PaymentObserved(
    voucher="V1",
    year=2021,
    line="L1",
    amount=Fen(300_000_00),
    paid_on=BEFORE,
    unit=UNIT,
    payee="公路养护公司",
)
refunded = replace(paid, voucher="V2", amount=Fen(-100_000_00), refunds="V1")
suspended = FundsSuspended(
    hold="T1",
    year=2021,
    scope=(HeldLine("L1"),),
    grounds=Grounds(HoldCause.RECTIFICATION, ("R1",)),
    reason="整改不到位",
    decider="chen",
    since=DAY,
)
a_part_suspended = replace(suspended, scope=(HeldLine("L1", Fen(200_000_00)),))
deferred = FundsDeferred(
    hold="H1",
    year=2021,
    scope=(HeldLine("L1"),),
    grounds=Grounds(HoldCause.RECTIFICATION, ("R1",)),
    reason="整改逾期",
    decider="chen",
    since=DAY,
)
resumed = FundsResumed(
    hold="T1",
    year=2021,
    kind=HoldKind.SUSPENSION,
    scope=(HeldLine("L1"),),
    reason="整改到位",
    document="",
    decider="chen",
    resumed_on=AFTER,
)

pay = ObservePayment(2021, "V1", "L1", Fen(300_000_00), "公路养护公司")
refund = ObservePayment(2021, "V2", "L1", Fen(-100_000_00), "公路养护公司", refunds="V1")


def at_the_treasury(*seen: Fact[Any], project: tuple[Fact[Any], ...] = (approved,)) -> Scenario:
    told = given(Payments, *seen, code=STREAM).and_given(Project, reserved, *project)
    return told.by("treasury", Role.SOURCE_SYSTEM).observed().on(BEFORE)


# Paid as it should be


def test_a_payment_is_seen() -> None:
    at_the_treasury().when(pay).then(paid)


def test_payments_of_a_project_and_year_are_a_history_of_their_own() -> None:
    assert pay.subject(SOMEWHERE) == STREAM
    seen = Payments.of(STREAM)
    assert (seen.project, seen.year) == (SOMEWHERE, 2021)


def test_nothing_is_paid_where_nothing_is_paid() -> None:
    nothing = replace(pay, amount=Fen(0))
    at_the_treasury().when(nothing).recorded_with(payments.AMOUNT_IS_NOT_ZERO)


def test_nothing_is_paid_on_a_project_that_is_not_there() -> None:
    told = given(Payments, code=STREAM).by("treasury", Role.SOURCE_SYSTEM).observed().on(BEFORE)
    told.when(pay).recorded_with(guards.SUBJECT_IS_KNOWN, payments.PAID_AFTER_APPROVAL)


def test_a_line_is_paid_to_the_last_fen() -> None:
    rest = replace(pay, voucher="V3", amount=Fen(500_000_00))
    expected = replace(paid, voucher="V3", amount=Fen(500_000_00))
    at_the_treasury(paid).when(rest).then(expected)


def test_a_persons_name_is_not_in_the_record() -> None:
    asked = replace(pay, payee="", payee_person="王小二")
    digest = sha256(bytes(16) + "王小二".encode()).hexdigest()
    told = at_the_treasury().when(asked)
    told.then(replace(paid, payee="", payee_digest=digest))
    (committed,) = told.case.committed
    assert (committed.value, committed.digest) == ("王小二", digest)


@pytest.mark.parametrize("payee_person", ["", "王小二"])
def test_a_payee_is_one_or_the_other(payee_person: str) -> None:
    payee = "公路养护公司" if payee_person else ""
    asked = replace(pay, payee=payee, payee_person=payee_person)
    at_the_treasury().when(asked).recorded_with(payments.PAYEE_IS_NAMED)


# Refunds


def test_a_refund_makes_room_on_its_line() -> None:
    at_the_treasury(paid).when(refund).then(refunded)
    rest = replace(pay, voucher="V3", amount=Fen(600_000_00))
    expected = replace(paid, voucher="V3", amount=Fen(600_000_00))
    at_the_treasury(paid, refunded).when(rest).then(expected)


def test_a_refund_may_arrive_first() -> None:
    at_the_treasury().when(refund).then(refunded)
    at_the_treasury(refunded).when(pay).then(paid)


def test_a_refund_that_arrived_first_makes_no_room() -> None:
    told = at_the_treasury(refunded, project=(approved, suspended)).on(DAY)
    told.when(replace(pay, amount=Fen(100_000_00))).recorded_with(payments.NOT_WHILE_SUSPENDED)


def test_a_refund_comes_back_even_while_money_is_stopped() -> None:
    told = at_the_treasury(paid, project=(approved, suspended)).on(DAY)
    told.when(refund).then(replace(refunded, paid_on=DAY))


def test_a_refund_cites_its_voucher_and_a_payment_none() -> None:
    for asked in (replace(refund, refunds=""), replace(pay, refunds="V0")):
        told = at_the_treasury().when(asked)
        told.recorded_with(payments.REFUND_CITES_ITS_VOUCHER)


def test_no_more_comes_back_than_was_paid() -> None:
    to_the_fen = replace(refund, voucher="V3", amount=Fen(-200_000_00))
    expected = replace(refunded, voucher="V3", amount=Fen(-200_000_00))
    at_the_treasury(paid, refunded).when(to_the_fen).then(expected)
    too_much = replace(to_the_fen, amount=Fen(-200_000_01))
    told = at_the_treasury(paid, refunded).when(too_much)
    told.recorded_with(payments.REFUND_WITHIN_PAYMENT)


# Seen again


def test_a_voucher_seen_again_as_it_was_counts_once() -> None:
    told = at_the_treasury(paid).when(pay)
    told.then(paid)
    seen = history(Payments, paid, paid, code=STREAM)
    assert isinstance(seen, Payments)
    assert seen.paid("L1") == paid.amount


@pytest.mark.parametrize("changes", [{"amount": Fen(300_000_01)}, {"line": "L2", "amount": Fen(1)}])
def test_a_voucher_seen_otherwise_leaves_a_mark(changes: dict[str, Any]) -> None:
    told = at_the_treasury(paid).when(replace(pay, **changes))
    told.recorded_with(payments.VOUCHER_IS_SEEN_ONCE)


def test_a_voucher_counts_as_it_was_seen_last() -> None:
    on_another_line = replace(paid, line="L2", amount=Fen(100_000_00))
    seen = history(Payments, paid, on_another_line, code=STREAM)
    assert isinstance(seen, Payments)
    assert (seen.paid("L1"), seen.paid("L2")) == (0, 100_000_00)


# Paid as it should not be: kept, with what speaks against it


def test_a_payment_during_a_suspension_is_kept() -> None:
    told = at_the_treasury(project=(approved, suspended)).on(DAY).when(pay)
    told.recorded_with(payments.NOT_WHILE_SUSPENDED)
    assert told.facts == [replace(paid, paid_on=DAY, while_suspended=True)]


def test_a_payment_during_a_deferral_is_kept() -> None:
    told = at_the_treasury(project=(approved, deferred)).on(DAY).when(pay)
    told.recorded_with(payments.NOT_WHILE_DEFERRED)
    assert told.facts == [replace(paid, paid_on=DAY, while_deferred=True)]


@pytest.mark.parametrize("day", [BEFORE, AFTER])
def test_what_was_paid_before_or_after_a_suspension_is_in_order_whenever_it_arrives(
    day: date,
) -> None:
    told = at_the_treasury(project=(approved, suspended, resumed)).on(day, today=AFTER)
    told.when(pay).then(replace(paid, paid_on=day))


def test_beside_a_part_that_is_stopped_the_rest_may_be_paid() -> None:
    free = replace(pay, amount=Fen(600_000_00))
    told = at_the_treasury(project=(approved, a_part_suspended)).on(DAY)
    told.when(free).then(replace(paid, amount=Fen(600_000_00), paid_on=DAY))
    a_fen_more = replace(pay, amount=Fen(600_000_01))
    told = at_the_treasury(project=(approved, a_part_suspended)).on(DAY).when(a_fen_more)
    told.recorded_with(payments.NOT_WHILE_SUSPENDED)


def test_another_line_is_not_stopped() -> None:
    other = replace(pay, line="L2", amount=Fen(1))
    told = at_the_treasury(project=(approved, suspended)).on(DAY)
    told.when(other).then(replace(paid, line="L2", amount=Fen(1), paid_on=DAY))


def test_more_than_the_line_has_is_kept() -> None:
    asked = replace(pay, voucher="V3", amount=Fen(600_000_00))
    told = at_the_treasury(paid).when(asked)
    told.recorded_with(payments.WITHIN_AVAILABLE)
    expected = replace(paid, voucher="V3", amount=Fen(600_000_00))
    assert told.facts == [replace(expected, beyond_available=Fen(100_000_00))]


def test_a_payment_on_no_line_is_kept() -> None:
    told = at_the_treasury().when(replace(pay, line="L9"))
    told.recorded_with(payments.LINE_IS_APPROVED)


def test_a_payment_before_approval_is_kept() -> None:
    told = at_the_treasury(project=()).when(pay)
    told.recorded_with(payments.PAID_AFTER_APPROVAL)
    assert told.facts == [paid]


# May it be paid?


def ask(
    *project: Fact[Any],
    seen: tuple[Fact[Any], ...] = (),
    line: str = "L1",
    amount: int = 300_000_00,
    under: dict[str, Any] | None = None,
) -> tuple[bool, set[str]]:
    it = history(Project, reserved, *project)
    told = given(Payments, *seen, code=STREAM).on(DAY).under(**under or {})
    assert isinstance(it, Project)
    assert isinstance(told.subject, Payments)
    answer = payable(it, told.subject, line, Fen(amount), told.case)
    return answer, {breach.rule for breach in told.case.breaches}


def no(rule: Rule) -> tuple[bool, set[str]]:
    return False, {rule.id}


YES: tuple[bool, set[str]] = (True, set())


def test_the_treasury_asks_before_it_pays() -> None:
    assert ask(approved) == YES
    assert ask(approved, amount=800_000_00) == YES
    assert ask(approved, seen=(paid,), amount=500_000_00) == YES
    assert ask(approved, suspended, line="L2", amount=1) == YES
    assert ask(approved, suspended, replace(resumed, resumed_on=DAY)) == YES


def test_no_says_why() -> None:
    assert ask() == no(payments.PAID_AFTER_APPROVAL)
    assert ask(approved, line="L9") == no(payments.LINE_IS_APPROVED)
    assert ask(approved, suspended) == no(payments.NOT_WHILE_SUSPENDED)
    assert ask(approved, deferred) == no(payments.NOT_WHILE_DEFERRED)
    assert ask(approved, amount=800_000_01) == no(payments.WITHIN_AVAILABLE)
    assert ask(approved, seen=(paid,), amount=500_000_01) == no(payments.WITHIN_AVAILABLE)


def test_an_office_may_be_content_with_a_mark() -> None:
    told = {"severities": {payments.NOT_WHILE_DEFERRED.id: "flag"}}
    assert ask(approved, deferred, under=told) == (True, {payments.NOT_WHILE_DEFERRED.id})


def test_a_payment_is_told_also_where_nobody_is_named() -> None:
    said = "支付凭证 V1: L1 {}支付 300000.00 元"
    assert paid.sentence() == said.format("向 公路养护公司 ")
    assert replace(paid, payee="", payee_digest="ab" * 32).sentence() == said.format("向 个人 ")
    assert replace(paid, payee="").sentence() == said.format("")
