"""Projects and units as they stand: told as stories, asked as lists, and whatever has happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from aggregates.accountable import Accountable
from aggregates.base import Fact
from aggregates.item import ItemState
from aggregates.project import Project
from aggregates.unit import Unit, UnitMoved, UnitRegistered
from aggregates.values import (
    Fen,
    Grade,
)
from projections.happened import as_known
from projections.models import MODELS
from projections.places import quarantined
from projections.project_status import PROJECTS
from projections.standing import StandingModel, StatusFilter
from projections.unit_status import UNITS
from projections.year_status import YEARS, Stage, YearFilter
from service.projector import Projector
from tests.readmodels.cast import (
    DUE,
    LATER,
    LESS,
    ONE,
    admitted,
    amended,
    approved,
    assessed,
    closed,
    condition_met,
    evaluated,
    good,
    graded,
    ordered,
    passed,
    recovered,
    rejected,
    reported,
    reserved,
    submitted,
    suspended,
    verified,
)
from tests.readmodels.histories import numbers
from tests.readmodels.source import Source
from tests.words import OURS


def project(*facts: Fact[Any]) -> Any:
    source = Source()
    for fact in facts:
        source.add("project/A", fact)
    return PROJECTS.fold("project/A", source.kept).only


def test_a_project_is_what_its_reserve_entry_and_its_ex_ante_evaluation_say() -> None:
    now = project(reserved, assessed, admitted)
    assert (now.name, now.unit, now.demanded) == ("农村公路养护", "101001", ONE)
    assert (now.ex_ante_grade, now.ex_ante_recommended) == (Grade.GOOD, LESS)
    assert (now.has_open_condition, now.is_admitted) == (True, True)
    assert not project(reserved, assessed, condition_met).has_open_condition


@pytest.mark.parametrize(
    ("facts", "state", "open_items", "next_due"),
    [
        ((ordered,), ItemState.OPEN, 1, DUE),
        ((ordered, reported), ItemState.REPORTED, 1, None),
        ((ordered, reported, rejected), ItemState.REJECTED, 1, DUE),
        ((ordered, reported, verified), ItemState.VERIFIED, 1, None),
        ((ordered, reported, verified, recovered, closed), ItemState.CLOSED, 0, None),
    ],
)
def test_an_item_is_open_until_it_is_closed_and_due_while_a_report_is_owed(
    facts: tuple[Fact[Any], ...], state: ItemState, open_items: int, next_due: date | None
) -> None:
    now = project(*facts)
    assert (now.items["Z1"].state, now.open_items, now.next_due) == (state, open_items, next_due)


def test_what_was_recovered_is_outstanding_no_longer() -> None:
    assert project(ordered).items["Z1"].outstanding == Fen(15_8000_00)
    assert project(ordered, recovered).items["Z1"].outstanding == 0


def test_the_earliest_day_that_is_owed_counts() -> None:
    assert project(ordered, replace(ordered, item="Z2", due=LATER)).next_due == DUE


def test_of_an_item_that_nobody_ordered_there_is_nothing_to_say() -> None:
    assert project(reported, rejected, verified, recovered, closed).items == {}


@pytest.fixture
def county(engine: Engine) -> Source:
    """An education bureau with two schools, one of which moves; three projects at various steps."""
    source = Source()
    source.add("unit/101", UnitRegistered("教育局", "", 1))
    source.add("unit/101001", UnitRegistered("一中", "101", 2))
    source.add("unit/101001.1", UnitRegistered("一中分校", "101001", 3))
    source.add("unit/102", UnitRegistered("交通局", "", 1))
    for code, unit in (("A", "101001"), ("B", "102"), ("C", "101001.1")):
        source.add(f"project/{code}", replace(reserved, unit=unit))
    of_a: list[Fact[Any]] = [submitted, good, amended, admitted, approved, ordered, suspended]
    of_b: list[Fact[Any]] = [submitted, passed, evaluated, graded]
    for code, facts in (("A", of_a), ("B", of_b)):
        for fact in facts:
            source.add(f"project/{code}", fact)
    source.add("unit/102", replace(ordered, due=LATER))
    source.add("unit/101001.1", UnitMoved("101001", "102", 2, "机构改革"))
    Projector(engine, source).catch_up()
    return source


def listed(
    engine: Engine,
    source: Source,
    model: StandingModel[Any] = PROJECTS,
    as_of: int | None = None,
    **filters: Any,
) -> list[str]:
    with engine.connect() as connection:
        page = model.query(connection, source.slug, as_of, StatusFilter(**filters))
    return [standing.status.code for standing in page.rows]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["A", "B", "C"]),
        ({"unit": "102"}, ["B"]),
        ({"within": "101"}, ["A"]),
        ({"within": "102"}, ["B", "C"]),
        ({"within": "nowhere"}, []),
        ({"open_items": True}, ["A"]),
        ({"open_items": False}, ["B", "C"]),
        ({"overdue_on": date(2022, 5, 2)}, ["A"]),
        ({"overdue_on": DUE}, []),
        ({"of_year": YearFilter(year=2021)}, ["A", "B"]),
        ({"of_year": YearFilter(year=2022)}, []),
        ({"of_year": YearFilter(stage=Stage.APPROVED)}, ["A"]),
        ({"of_year": YearFilter(review_grade=Grade.GOOD)}, ["A"]),
        ({"of_year": YearFilter(grade=Grade.FAIR)}, ["B"]),
        ({"of_year": YearFilter(year=2022, grade=Grade.FAIR)}, []),
        ({"of_year": YearFilter(is_suspended=True)}, ["A"]),
        ({"of_year": YearFilter(is_suspended=False)}, ["B"]),
        ({"within": "102", "of_year": YearFilter(stage=Stage.GRADED)}, ["B"]),
    ],
)
def test_one_finds_the_projects_that_one_asks_for(
    engine: Engine, county: Source, filters: dict[str, Any], found: list[str]
) -> None:
    assert listed(engine, county, **filters) == found


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["101", "101001", "101001.1", "102"]),
        ({"unit": "101001"}, ["101001"]),
        ({"within": "101"}, ["101", "101001"]),
        ({"within": "102"}, ["101001.1", "102"]),
        ({"open_items": True}, ["102"]),
    ],
)
def test_one_finds_the_units_that_one_asks_for(
    engine: Engine, county: Source, filters: dict[str, Any], found: list[str]
) -> None:
    assert listed(engine, county, UNITS, **filters) == found


def test_who_stood_above_whom_is_answered_as_of_then(engine: Engine, county: Source) -> None:
    before = county.head_position() - 1
    assert listed(engine, county, as_of=before, within="101") == ["A", "C"]
    assert listed(engine, county, UNITS, before, within="102") == ["102"]


def test_units_that_stand_above_each_other_are_still_listed_once(engine: Engine) -> None:
    source = Source()
    source.add("unit/1", UnitRegistered("甲", "2", 1))
    source.add("unit/2", UnitRegistered("乙", "1", 1))
    Projector(engine, source).catch_up()
    assert listed(engine, source, UNITS, within="1") == ["1", "2"]


def test_pages_join_without_gap_or_overlap(engine: Engine, county: Source) -> None:
    with engine.connect() as connection:
        first = UNITS.query(connection, county.slug, limit=3)
        rest = UNITS.query(connection, county.slug, after=first.next, limit=3)
    codes = [standing.status.code for page in (first, rest) for standing in page.rows]
    assert codes == ["101", "101001", "101001.1", "102"]
    assert rest.next is None


def test_a_project_comes_with_all_its_years(engine: Engine, county: Source) -> None:
    with engine.connect() as connection:
        found = PROJECTS.find(connection, county.slug, "A")
        assert found is not None
        assert [(each.year, each.stage) for each in found.years] == [(2021, Stage.APPROVED)]
        assert PROJECTS.find(connection, county.slug, "nothing") is None
        assert PROJECTS.find(connection, county.slug, "A", as_of=4) is None


def subjects(fact: Fact[Any]) -> list[str]:
    """The histories to which a fact may happen."""
    kinds = [kind for kind in (Project, Unit) if issubclass(kind, fact.about)]
    return [kind.stream(code) for kind in kinds for code in ("101", "101001")]


OURS_ALONE = OURS.facts().filter(lambda fact: issubclass(fact.about, Accountable))


@st.composite
def careers(draw: st.DrawFn) -> Source:
    """Anything may happen to two projects and two units, in any order, and be corrected."""
    source = Source(f"any-{next(numbers)}")
    for fact in draw(st.lists(OURS_ALONE, max_size=25)):
        source.add(draw(st.sampled_from(subjects(fact))), fact)
        if draw(st.integers(0, 4)) == 0:
            corrected = draw(st.integers(1, len(source.kept)))
            source.correct(corrected, draw(st.one_of(st.none(), OURS_ALONE)))
    return source


@given(source=careers(), batch=st.integers(1, 30))
def test_whatever_happens_in_whatever_order_is_taken_in(
    shelf: Engine, source: Source, batch: int
) -> None:
    Projector(shelf, source, MODELS, batch).catch_up()
    with shelf.connect() as connection:
        assert quarantined(connection, source.slug) == []


@given(source=careers(), batch=st.integers(1, 30), data=st.data())
def test_a_status_as_of_a_position_is_what_was_known_there(
    shelf: Engine, source: Source, batch: int, data: st.DataObject
) -> None:
    Projector(shelf, source, MODELS, batch).catch_up()
    position = data.draw(st.integers(0, len(source.kept)))
    for kind, model in ((Project, PROJECTS), (Unit, UNITS)):
        for code in ("101", "101001"):
            stream = kind.stream(code)
            known = list(as_known(source.history(stream, position)))
            with shelf.connect() as connection:
                found = model.find(connection, source.slug, code, position)
            rows = list(model.fold(stream, known))
            assert (found and found.status) == (rows[0] if rows else None)
            if found:
                assert list(found.years) == list(YEARS.fold(stream, known))
