"""What could not be taken in is said wherever it is missing: of one, in a list, as it happened."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.base import Fact, Record, RecordCorrected, Replacement
from aggregates.goal import GoalSubmitted
from aggregates.project import Project
from aggregates.reserve import ProjectReserved
from aggregates.values import Fen
from projections.changes import Rows
from projections.project_status import PROJECTS
from projections.streams import StreamModel
from projections.year_status import YEARS
from tests.doors.asking import AtTheOffice, Caller
from tests.doors.cast import goal, reserved

UNBEARABLE = Fen(666)


def cannot_take_in(
    monkeypatch: pytest.MonkeyPatch, model: StreamModel[Any], kind: type[Fact[Any]], **told: Any
) -> None:
    """This release cannot take such facts into a read model, and finds out halfway."""
    known = model.handlers[kind]

    def faulty(model: Any, rows: Rows[Any], it: Record[Any]) -> None:
        known(model, rows, it)
        if all(getattr(it.fact, name) == value for name, value in told.items()):
            raise ValueError(it.fact)

    monkeypatch.setattr(type(model), "handlers", {**model.handlers, kind: faulty})


@pytest.fixture
def poison(register: AtTheOffice, monkeypatch: pytest.MonkeyPatch) -> int:
    """Where a goal of the school's project is recorded that cannot be taken in."""
    cannot_take_in(monkeypatch, YEARS, GoalSubmitted, declared=UNBEARABLE)
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


def test_of_what_could_not_be_read_from_its_beginning_it_is_not_said_that_it_is_not_there(
    register: AtTheOffice, auditor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot_take_in(monkeypatch, PROJECTS, ProjectReserved, demanded=UNBEARABLE)
    register.given(Project, reserved("106", UNBEARABLE), code="theatre").projected()
    auditor.get("projects/theatre").then(503).problem("behind")
    auditor.get("projects/theatre", as_of=1).then(404)
    auditor.get("projects/theatre/as-happened").then(200, project=None)
