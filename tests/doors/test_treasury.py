"""The treasury asks before it pays, and is answered by the rules that a payment is held to."""

from __future__ import annotations

from datetime import date

import pytest

from aggregates.budget import BudgetApproved
from aggregates.funding import FundsSuspended
from aggregates.lines import Grounds, HeldLine, HoldCause
from aggregates.payments import PaymentObserved, Payments
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from aggregates.values import Fen, FundCategory, FundLine, FundOrigin
from service.catalogue import told
from service.http.app import DOORS
from service.http.openapi import written
from tests.doors.asking import AtTheOffice, Caller
from tests.doors.cast import reserved

LINE = FundLine("L1", FundCategory.GENERAL_PUBLIC, FundOrigin.OWN_LEVEL, Fen(1_000_00))
APPROVED = BudgetApproved(2021, "师财预〔2021〕1号", 1, (LINE,), Fen(1_000_00))
STOPPED = FundsSuspended(
    "H1",
    2021,
    (HeldLine("L1"),),
    Grounds(HoldCause.AUDIT, (), "审计通知"),
    "停拨",
    "p1",
    date(2021, 11, 1),
)
ASKED = {"year": 2021, "line": "L1", "amount": "400.00"}


@pytest.fixture
def treasury(office: AtTheOffice) -> Caller:
    office.given(Unit, UnitRegistered("县教育局", "", 1), code="105")
    office.given(Project, reserved("105"), APPROVED, code="school")
    return office.somebody(Role.TREASURY_SECTION)


def rules(caller: Caller, **asked: object) -> set[str]:
    answer = caller.get("projects/school/payable", **ASKED | asked).then(200)
    assert answer.json["payable"] == (not answer.json["breaches"])
    return {breach["rule"] for breach in answer.json["breaches"]}


def test_what_was_paid_the_payment_system_alone_tells(
    office: AtTheOffice, treasury: Caller
) -> None:
    """The matrix, the documentation and the door say the same."""
    (row,) = (it for it in told()["acts"] if it["act"] == "observe_payment")
    assert row["by"] == ["source_system"]
    assert "由来源系统办理" in written(DOORS).decode()
    refused = treasury.post("projects/school/payments", {}).then(403).problem("forbidden")
    assert refused.json["detail"] == "支付由来源系统办理"
    system = office.somebody(Role.SOURCE_SYSTEM, system="国库")
    seen = {"system": "国库", "table": "凭证", "row": "1", "revision": "1"}
    paid = ASKED | {"voucher": "V1", "payee": "某公司", "case": {"source": seen}}
    system.post("projects/school/payments", paid).then(201)


def test_what_is_approved_and_not_held_back_may_be_paid(treasury: Caller) -> None:
    assert rules(treasury) == set()
    assert rules(treasury, amount="1000.01") == {"payment.within_available"}
    assert rules(treasury, line="L2") == {"payment.line_is_approved"}
    assert rules(treasury, year=2022) == {"payment.paid_after_approval"}
    assert rules(treasury, amount="0") == {"payment.amount_is_not_zero"}


def test_a_suspension_is_known_at_once(office: AtTheOffice, treasury: Caller) -> None:
    before = office.ledger.head_position()
    office.given(Project, STOPPED, code="school")
    assert rules(treasury) == {"payment.not_while_suspended"}
    assert rules(treasury, as_of=before) == set()
    assert rules(treasury, on="2021-10-31") == set()


def test_what_was_paid_is_counted(office: AtTheOffice, treasury: Caller) -> None:
    paid = PaymentObserved("V1", 2021, "L1", Fen(700_00), date(2021, 11, 1), "105", payee="甲公司")
    office.given(Payments, paid, code="school.2021")
    assert rules(treasury) == {"payment.within_available"}
    assert rules(treasury, amount="300.00") == set()


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ({"amount": "1.005"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"line": "a b"}, "line"),
        ({"on": "2021-W05-1"}, "on"),
    ],
)
def test_a_question_that_says_nothing_is_refused(
    treasury: Caller, asked: dict[str, str], parameter: str
) -> None:
    answer = treasury.get("projects/school/payable", **ASKED | asked).then(422)
    assert set(answer.faults) == {parameter}


def test_what_is_needed_is_asked_for(treasury: Caller) -> None:
    answer = treasury.get("projects/school/payable").then(422)
    assert set(answer.faults) == {"year", "line", "amount"}
    treasury.get("projects/none/payable", **ASKED).then(404)
