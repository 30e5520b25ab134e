"""What could not be taken in is said wherever it is missing: of one, in a list, as it happened."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.base import Record, RecordCorrected, Replacement
from aggregates.goal import GoalSubmitted
from aggregates.project import Project
from aggregates.values import Fen
from projections.changes import Rows
from projections.year_status import YEARS, YearStatus, YearStatusModel
from tests.doors.asking import AtTheOffice, Caller
from tests.doors.cast import goal

UNBEARABLE = Fen(666)


@pytest.fixture
def poison(register: AtTheOffice, monkeypatch: pytest.MonkeyPatch) -> int:
    """Where a goal of the school's project is recorded that this release cannot take in."""
    known = YEARS.handlers[GoalSubmitted]

    def submitted(model: YearStatusModel, rows: Rows[YearStatus], it: Record[Any]) -> None:
        known(model, rows, it)
        if it.fact.declared == UNBEARABLE:
            raise ValueError("found out when half of it was done")

    monkeypatch.setattr(YearStatusModel, "handlers", {**YEARS.handlers, GoalSubmitted: submitted})
    register.given(Project, goal(UNBEARABLE, 2), code="school").projected()
    return register.ledger.head_position()


def heal(office: AtTheOffice, poison: int) -> int:
    """Correct that goal; the correction's position."""
    told = RecordCorrected(poison, "录入有误", Replacement(goal(700, 2)))
    office.given(Project, told, code="school").projected()
    return office.ledger.head_position()


def listed(caller: Caller, **query: object) -> dict[str, tuple[int | None, str]]:
    items = caller.get("projects", year=2021, **query).then(200).json["items"]
    return {it["code"]: (it["frozen_at"], it["years"][0]["declared"]) for it in items}


def test_a_state_that_stands_still_says_so(
    register: AtTheOffice,
    auditor: Caller,
    poison: int,
) -> None:
    auditor.get("projects/school").then(200, frozen_at=poison)
    auditor.get("projects/school", as_of=poison - 1).then(200, frozen_at=None)
    auditor.get("projects/museum").then(200, frozen_at=None)
    auditor.get("units/105001").then(200, frozen_at=None)
    register.stranger().get("/readyz").then(200, quarantined=1)


def test_what_stood_still_says_so_for_ever(
    register: AtTheOffice,
    auditor: Caller,
    poison: int,
) -> None:
    healed_at = heal(register, poison)
    for as_of in range(poison, healed_at):
        auditor.get("projects/school", as_of=as_of).then(200, frozen_at=poison)
        assert listed(auditor, as_of=as_of) == {"school": (poison, "1000000.05")}
    auditor.get("projects/school").then(200, as_of=healed_at, frozen_at=None)
    assert listed(auditor) == {"school": (None, "7.00")}
    register.stranger().get("/readyz").then(200, quarantined=0)


def test_a_list_says_which_stand_still(auditor: Caller, poison: int) -> None:
    found = auditor.get("projects").then(200).json["items"]
    assert {it["code"]: it["frozen_at"] for it in found} == {"museum": None, "school": poison}
    assert {it["frozen_at"] for it in auditor.get("units").then(200).json["items"]} == {None}


def test_what_happened_is_told_up_to_what_cannot_be_taken_in(
    register: AtTheOffice,
    auditor: Caller,
    poison: int,
) -> None:
    told = auditor.get("projects/school/as-happened").then(200, frozen_at=poison)
    assert told.json["project"]["years"][0]["declared"] == "1000000.05"
    heal(register, poison)
    told = auditor.get("projects/school/as-happened").then(200, frozen_at=None)
    assert told.json["project"]["years"][0]["declared"] == "7.00"
