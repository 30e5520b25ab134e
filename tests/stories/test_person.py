"""Persons' own data stand beside the ledger; in it are their digests."""

from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

import pytest

from aggregates.base import Fact, RecordCorrected, Replacement, Severity
from aggregates.ledger import Imports, LineUnplaced
from aggregates.payments import PaymentObserved, Payments
from aggregates.person import Holder, Person, PersonRegistered, PersonValueWithheld
from aggregates.values import Fen
from commands import person as rules
from commands.person import RegisterPerson, WithholdPersonValue
from tests.scenario import given

NO_SALT = bytes(16)
NAME = sha256(NO_SALT + "王建国".encode()).hexdigest()
TELEPHONE = sha256(NO_SALT + b"13800000000").hexdigest()

PAID = PaymentObserved("V1", 2021, "L1", Fen(500), date(2021, 3, 1), "105")

registered = PersonRegistered(NAME, TELEPHONE)
withheld = PersonValueWithheld(TELEPHONE, "信息公开办〔2021〕3号", "本人申请")
withhold = WithholdPersonValue(TELEPHONE, "信息公开办〔2021〕3号", "本人申请")


def test_name_and_telephone_are_recorded_by_their_digests() -> None:
    story = given(Person, code="wang").when(RegisterPerson("王建国", "13800000000"))
    story.then(registered)
    assert {value.digest: value.value for value in story.case.committed} == {
        NAME: "王建国",
        TELEPHONE: "13800000000",
    }


def test_a_person_may_have_no_telephone() -> None:
    given(Person, code="wang").when(RegisterPerson("王建国")).then(PersonRegistered(NAME))


def test_no_sentence_tells_a_name() -> None:
    assert registered.sentence() == "登记人员"


def test_a_person_is_registered_once() -> None:
    given(Person, registered, code="wang").when(RegisterPerson("王建国")).refused(
        rules.REGISTERED_ONCE
    )


def test_an_order_withholds_a_value() -> None:
    story = given(Person, registered, code="wang").when(withhold)
    story.then(withheld)
    assert story.case.withheld == [TELEPHONE]


def test_a_value_is_withheld_once() -> None:
    given(Person, registered, withheld, code="wang").when(withhold).refused(rules.VALUE_IS_THERE)


def test_nobody_elses_value_is_withheld() -> None:
    """No rule set may have it otherwise: there would be an order, and nothing that it empties."""
    told = given(Person, PersonRegistered(NAME), code="wang")
    told.under(severities={rules.VALUE_IS_THERE.id: Severity.OFF})
    told.when(withhold).refused(rules.VALUE_IS_THERE)


@pytest.mark.parametrize(
    ("kind", "holding"),
    [
        (Payments, replace(PAID, payee_digest=NAME)),
        (Payments, RecordCorrected(7, "收款人有误", Replacement(replace(PAID, payee_digest=NAME)))),
        (Imports, LineUnplaced(1, "", "", "不是 JSON", NAME, 20)),
    ],
)
def test_a_value_is_withheld_wherever_it_stands(kind: type[Holder], holding: Fact[Any]) -> None:
    withhold_it = WithholdPersonValue(NAME, "信息公开办〔2021〕4号", "本人申请")
    then = PersonValueWithheld(NAME, "信息公开办〔2021〕4号", "本人申请")
    given(kind, holding).when(withhold_it).then(then)
    given(kind, holding, then).when(withhold_it).refused(rules.VALUE_IS_THERE)
    given(kind).when(withhold_it).refused(rules.VALUE_IS_THERE)


def test_a_value_that_a_correction_took_away_still_stands_there_and_is_withheld() -> None:
    paid = replace(PAID, payee_digest=NAME)
    other = RecordCorrected(1, "收款人有误", Replacement(replace(PAID, payee_digest=TELEPHONE)))
    withhold_it = WithholdPersonValue(NAME, "信息公开办〔2021〕4号", "本人申请")
    then = PersonValueWithheld(NAME, "信息公开办〔2021〕4号", "本人申请")
    given(Payments, paid, other).when(withhold_it).then(then)


def test_the_name_stays_when_the_telephone_is_withheld() -> None:
    withhold_name = WithholdPersonValue(NAME, "信息公开办〔2021〕4号", "本人申请")
    given(Person, registered, withheld, code="wang").when(withhold_name).then(
        PersonValueWithheld(NAME, "信息公开办〔2021〕4号", "本人申请")
    )
