"""A ledger with some of everything that is verified, and how more gets into it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from service.desk import Desk
from service.ledger.application import Ledger
from service.sitting import Sitting
from tests.desk import conftest as desks

PAID = {"year": 2021, "voucher": "V1", "line": "L1", "amount": "5.00", "payee_person": "王小二"}

asked = partial(desks.asked, token=replace(desks.CONSOLE, system="budget"))


def seen(row: str, revision: str) -> dict[str, Any]:
    """The circumstances of what was seen in another system."""
    source = {"system": "budget", "table": "units", "row": row, "revision": revision}
    return {"case": {"source": source}}


def furnished(office: Ledger) -> Ledger:
    """Record acts, a refusal, source rows, personal values; one of these is withheld."""
    desk = Desk(office)
    for number, (act, subject, body) in enumerate(
        [
            ("register_unit", "unit/117", {"name": "农业农村局"}),
            ("register_unit", "unit/117", {"name": "农业农村局"}),
            ("register_unit", "unit/118", {"name": "交通运输局", **seen("118", "1")}),
            ("register_unit", "unit/118", {"name": "交通局", **seen("118", "2")}),
            ("register_person", "person/wang", {"name": "王敏", "telephone": "13800000000"}),
            ("observe_payment", "payments/2021-017", PAID | seen("1", "1")),
            ("observe_payment", "payments/2021-017", PAID | seen("1", "2")),
        ]
    ):
        desk.carry_out(asked(act, subject, body, key=f"key-{number}"))
    (registered,) = office.history("person/wang")
    order = {"digest": registered.fact.name, "order": "〔2021〕7号", "reason": "本人申请"}
    desk.carry_out(asked("withhold_person_value", "person/wang", order, key="key-9"))
    _record_two_requests_together(office)
    return office


def _record_two_requests_together(office: Ledger) -> None:
    sitting = Sitting(office, office.clock())
    for code in ("119", "120"):
        sitting.decide(asked("register_unit", f"unit/{code}", {"name": code}, key=f"both-{code}"))
    sitting.conclude()
