"""Whoever's name is kept anywhere beside the ledger, an order takes it away for good."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from aggregates.office import Token
from aggregates.roles import Role
from service.importing import Import, importer
from service.ledger.application import Ledger
from service.ledger.verify import verify
from service.request import Forbidden, Malformed, NotFound
from tests.desk.conftest import NEVER, TREASURY, Ask

ORDER = {"order": "〔2021〕9号", "reason": "本人申请"}
PAID = {"year": 2021, "voucher": "V1", "line": "L1", "amount": "5.00"}
PAYMENTS = "payments/2021-017.2021"


def paid(payee: str, revision: str) -> dict[str, Any]:
    source = {"system": "treasury", "table": "t", "row": "1", "revision": revision}
    return PAID | {"payee_person": payee, "case": {"source": source}}


def digests(ledger: Ledger, stream: str) -> list[str]:
    return [digest for record in ledger.history(stream) for digest in record.fact.digests]


def test_every_payee_of_a_row_is_withheld(ask: Ask, ledger: Ledger) -> None:
    """The first also, whom a later revision has replaced by another."""
    for revision, payee in enumerate(("王小二", "李四")):
        ask("observe_payment", "payments/2021-017", paid(payee, str(revision)), token=TREASURY)
    held = digests(ledger, PAYMENTS)
    for digest in held:
        assert ask("withhold_person_value", PAYMENTS, ORDER | {"digest": digest}).is_recorded
        assert ledger.records_in.find_value(bytes.fromhex(digest)) is None
        assert not ask("withhold_person_value", PAYMENTS, ORDER | {"digest": digest}).is_recorded
    assert len(held) == 2
    assert verify(ledger.engine, "office", facts=True).finding == ""


def test_a_line_that_was_refused_is_withheld(ask: Ask, ledger: Ledger) -> None:
    """It asks for a correction, which commits to nothing; the line itself is kept."""
    line = {"act": "correct_record", "on": {"unit": "117"}, "body": {"position": 9, "reason": "王"}}
    (tally,) = Import(ledger, importer("file"), "march").run(BytesIO(json.dumps(line).encode()))
    assert tally.unplaced == 1
    assert verify(ledger.engine, "office", facts=True).finding == ""
    (digest,) = digests(ledger, "import/march")
    assert ask("withhold_person_value", "import/march", ORDER | {"digest": digest}).is_recorded
    assert ledger.records_in.find_value(bytes.fromhex(digest)) is None
    assert verify(ledger.engine, "office", facts=True).finding == ""


def test_a_value_is_withheld_only_where_it_stands(ask: Ask, ledger: Ledger) -> None:
    ask("observe_payment", "payments/2021-017", paid("王小二", "1"), token=TREASURY)
    (digest,) = digests(ledger, PAYMENTS)
    for elsewhere in ("payments/2021-018.2021", "person/wang", "import/march"):
        assert not ask("withhold_person_value", elsewhere, ORDER | {"digest": digest}).is_recorded
    assert ledger.records_in.find_value(bytes.fromhex(digest)) is not None


@pytest.mark.parametrize("named", [{"payee_person": "王小三"}, {"payee_digest": "王小三"}])
def test_no_correction_says_a_payee_s_name(named: dict[str, Any], ask: Ask, ledger: Ledger) -> None:
    """Not even where it would be refused: a request's row is kept for ever."""
    ask("observe_payment", "payments/2021-017", paid("王小二", "1"), token=TREASURY)
    right = {"position": 1, "reason": "收款人有误", "content": {"amount": "6.00"} | named}
    with pytest.raises(Malformed, match=f"/content/{next(iter(named))}") as told:
        ask("correct_record", PAYMENTS, right)
    assert "王小三" not in str(told.value)
    assert ledger.head_position() == 1


def test_no_system_withholds_what_it_has_told_of(ask: Ask, ledger: Ledger) -> None:
    ask("observe_payment", "payments/2021-017", paid("王小二", "1"), token=TREASURY)
    (digest,) = digests(ledger, PAYMENTS)
    seen = {"case": {"source": {"system": "treasury", "table": "t", "row": "2", "revision": "1"}}}
    with pytest.raises(Forbidden, match="只在本系统办理"):
        ask("withhold_person_value", PAYMENTS, ORDER | {"digest": digest} | seen, token=TREASURY)


def test_whoever_acts_for_one_unit_withholds_nothing_of_another(ask: Ask, ledger: Ledger) -> None:
    ask("register_unit", "unit/118", {"name": "交通运输局"})
    ask("observe_payment", "payments/2021-017", paid("王小二", "1"), token=TREASURY)
    small = Token("small", "", (Role.OPERATOR,), NEVER, system="small", unit="118")
    (digest,) = digests(ledger, PAYMENTS)
    with pytest.raises(NotFound):
        ask("withhold_person_value", PAYMENTS, ORDER | {"digest": digest}, token=small)
