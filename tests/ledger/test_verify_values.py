"""What stands beside the records, and only as a digest in them, is verified with them."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from aggregates.office import Token
from aggregates.roles import Role
from service.desk import Desk
from service.ledger.application import Ledger
from service.ledger.verifications import Verdict
from service.ledger.verify import verify
from service.sitting import Sitting
from tests.desk.conftest import NEVER
from tests.ledger.cast import LEDGER
from tests.ledger.furnished import PAID, asked
from tests.ledger.tampering import changed, execute, rows, unguard


def _not_as_committed(office: Ledger) -> str:
    """What is found where the telephone number that a record knows is not the one it knew."""
    digest = office.history("person/wang")[0].fact.telephone
    return f"value {digest}, of record 5, is not the one that was committed to"


def test_a_value_taken_away_without_an_order_is_missed(office: Ledger) -> None:
    unguard(office.engine)
    execute(
        office.engine,
        "UPDATE committed_value SET salt = NULL, value = NULL, withheld_by = 1"
        " WHERE value IS NOT NULL",
    )
    assert verify(office.engine, LEDGER).finding == _not_as_committed(office)


def test_a_value_that_is_gone_is_missed(office: Ledger) -> None:
    unguard(office.engine)
    for row in rows(office.engine, "committed_value"):
        digest = row.values["digest"]
        execute(office.engine, "DELETE FROM committed_value WHERE digest = :digest", digest=digest)
        found = verify(office.engine, LEDGER).finding
        assert found.startswith(f"value {digest.hex()}, of record ")
        assert found.endswith(", is gone, though its digest is held")
        execute(
            office.engine,
            "INSERT INTO committed_value VALUES (:ledger, :digest, :salt, :value, :withheld_by)",
            **row.values,
        )
    assert verify(office.engine, LEDGER).verdict is Verdict.TRUE


def test_a_value_that_nobody_committed_to_is_found(office: Ledger) -> None:
    salt, value = b"sixteen bytes of", "张三"
    digest = sha256(salt + value.encode()).digest()
    execute(
        office.engine,
        "INSERT INTO committed_value VALUES (:ledger, :digest, :salt, :value, NULL)",
        ledger=LEDGER,
        digest=digest,
        salt=salt,
        value=value,
    )
    found = verify(office.engine, LEDGER).finding
    assert found == f"value {digest.hex()} has no record that commits to it"


def test_a_salt_has_its_full_length(office: Ledger) -> None:
    """Or what is the salt and what the value would be anybody's choice."""
    unguard(office.engine)
    execute(
        office.engine,
        "UPDATE committed_value SET salt = :salt, value = :value WHERE value = '13800000000'",
        **_shifted(office),
    )
    assert verify(office.engine, LEDGER).finding == _not_as_committed(office)


def _shifted(office: Ledger) -> dict[str, Any]:
    """A salt that has taken over the first digit of its value."""
    (row,) = rows(office.engine, "committed_value", "value = '13800000000'")
    return {"salt": bytes(row.values["salt"]) + b"1", "value": "3800000000"}


def test_only_the_order_takes_a_value_away(office: Ledger) -> None:
    """Not the record that committed to it, although it holds the same digest."""
    unguard(office.engine)
    execute(
        office.engine,
        "UPDATE committed_value SET salt = NULL, value = NULL, withheld_by = 5"
        " WHERE value = '13800000000'",
    )
    assert verify(office.engine, LEDGER).finding == _not_as_committed(office)


def test_a_value_is_gone_once_a_record_orders_it(office: Ledger) -> None:
    unguard(office.engine)
    otherwise: list[dict[str, Any]] = [
        {"value": "王敏", "salt": bytes(16), "withheld_by": None},
        {"withheld_by": 5},
    ]
    for values in otherwise:
        (row,) = rows(office.engine, "committed_value", "withheld_by IS NOT NULL")
        with changed(office.engine, row, **values):
            found = verify(office.engine, LEDGER).finding
        digest = row.values["digest"].hex()
        assert found == f"value {digest}, of record 8, is not withheld, though that is ordered"


def test_a_correction_by_hand_commits_to_nothing_new(office: Ledger) -> None:
    (paid, *_) = office.history("payments/2021-017.2021")
    content = {
        **PAID,
        "amount": "4.00",
        "paid_on": paid.fact.paid_on.isoformat(),
        "unit": "",
        "payee_digest": paid.fact.payee_digest,
    }
    del content["payee_person"]
    right = {"position": paid.position, "reason": "金额有误", "content": content}
    right |= {"case": {"actor": {"person": "qian"}}}
    treasury = Token("treasury", "", (Role.TREASURY_SECTION,), NEVER, system="treasury")
    by_hand = asked(
        "correct_record", "payments/2021-017.2021", right, key="by hand", token=treasury
    )
    assert Desk(office).carry_out(by_hand).is_recorded
    assert verify(office.engine, LEDGER).finding == ""


def test_of_several_acts_together_the_order_is_named(office: Ledger) -> None:
    (registered, *_) = office.history("person/wang")
    order = {"digest": registered.fact.telephone, "order": "〔2021〕8号", "reason": "本人申请"}
    sitting = Sitting(office, office.clock())
    sitting.decide(asked("register_unit", "unit/121", {"name": "121"}, key="before"))
    sitting.decide(asked("withhold_person_value", "person/wang", order, key="after"))
    sitting.conclude()
    assert verify(office.engine, LEDGER).finding == ""
