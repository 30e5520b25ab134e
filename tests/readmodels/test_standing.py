"""Projects and units as they stand: told as stories, asked as lists, and whatever has happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from aggregates.accountable import Accountable
from aggregates.base import Fact
from aggregates.budget import BudgetApproved
from aggregates.evaluated import EvaluationMode
from aggregates.evaluation import (
    ApplicationDecided,
    EvaluationGraded,
    EvaluationReceived,
    EvaluationReported,
)
from aggregates.exante import ExAnteConditionMet, ExAnteEvaluationConcluded
from aggregates.funding import FundsDeferred, FundsResumed, FundsSuspended
from aggregates.goal import GoalAmended, GoalSubmitted
from aggregates.item import ItemCause, ItemState
from aggregates.lines import Grounds, HeldLine, HoldCause, HoldKind
from aggregates.project import Project
from aggregates.rectification import (
    RecoveryRecorded,
    RectificationClosed,
    RectificationOrdered,
    RectificationRejected,
    RectificationReported,
    RectificationVerified,
)
from aggregates.reserve import ProjectAdmitted, ProjectReserved
from aggregates.review import CollectiveOpinionGiven, GoalReviewConcluded, OpinionGiven, Verdict
from aggregates.rulebook import AfterReview, Measure
from aggregates.unit import Unit, UnitMoved, UnitRegistered
from aggregates.values import (
    Fen,
    FundCategory,
    FundLine,
    FundOrigin,
    Grade,
    Percent,
    ProjectClass,
    ReviewStage,
    Score,
)
from projections.happened import as_known
from projections.models import MODELS
from projections.places import quarantined
from projections.project_status import PROJECTS
from projections.standing import StandingModel, StatusFilter
from projections.unit_status import UNITS
from projections.year_status import YEARS, Stage, YearFilter, YearStatus
from service.projector import Projector
from tests.readmodels.histories import numbers
from tests.readmodels.source import Source
from tests.words import OURS

ONE = Fen(1_000_000_00)
LESS = Fen(800_000_00)
LINE = FundLine("L1", FundCategory.GENERAL_PUBLIC, FundOrigin.OWN_LEVEL, LESS)
SCOPE = (HeldLine("L1"),)
GROUNDS = Grounds(HoldCause.RECTIFICATION, ("Z1",))
NONE = Percent(Decimal(20))
DAY, DUE, LATER = date(2022, 3, 1), date(2022, 5, 1), date(2022, 7, 1)


def points(score: str) -> Score:
    return Score(Decimal(score))


reserved = ProjectReserved(
    name="农村公路养护",
    unit="101001",
    project_class=ProjectClass.SPECIFIC_TARGET,
    first_year=2021,
    last_year=2023,
    is_new=True,
    is_major=True,
    demanded=ONE,
)
assessed = ExAnteEvaluationConcluded(
    round=1,
    answers=(),
    panel=(),
    recused=(),
    mean=points("88"),
    grade=Grade.GOOD,
    declared=ONE,
    recommended=LESS,
    reduction=Fen(ONE - LESS),
    rate=NONE,
    condition="补充用地手续",
)
condition_met = ExAnteConditionMet("0" * 64, "已补充")
submitted = GoalSubmitted(2021, 1, "wang", "通车", (), (LINE,), (), "", ONE)
again = replace(submitted, version=2)
amended = GoalAmended(2021, 2, "wang", "通车", (), (LINE,), (), "", LESS, "补充指标")
passed = OpinionGiven(2021, 1, ReviewStage.PERFORMANCE_SECTION, "li", Verdict.PASS)
returned = replace(passed, verdict=Verdict.RETURN)
met = CollectiveOpinionGiven("2021-1", 2021, 1, Verdict.PASS)
good = GoalReviewConcluded(
    year=2021,
    version=1,
    score=points("85"),
    grade=Grade.GOOD,
    declared=ONE,
    recommended=LESS,
    reduction=Fen(ONE - LESS),
    rate=NONE,
    consequence=AfterReview.AMEND_THEN_ENTER,
)
admitted = ProjectAdmitted(2021, 2)
approved = BudgetApproved(2021, "云财〔2021〕1号", 2, (LINE,), LESS)
evaluated = EvaluationReported(
    evaluation="E1",
    mode=EvaluationMode.FINANCE_KEY,
    evaluated_year=2021,
    work_year=2022,
    affected_year=2023,
    evaluator="甲所",
    score=points("70"),
    proposed_grade=Grade.FAIR,
    reporter="zhao",
    reported_on=DAY,
)
graded = EvaluationGraded("E1", points("71"), Grade.FAIR, Measure.REDUCE, points("70"), "li")
received = EvaluationReceived("E1", DAY)
decided = ApplicationDecided(
    "E1", 2023, Measure.REDUCE, Fen(100), Measure.REDUCE, follows=True, decider="li"
)
ordered = RectificationOrdered(
    "Z1", ItemCause.EVALUATION, "账目不清", "0" * 64, "101001", DAY, DUE, Fen(15_8000_00)
)
reported = RectificationReported("Z1", "已整改", ("0" * 64,), "wang")
rejected = RectificationRejected("Z1", "证据不足", "li")
verified = RectificationVerified("Z1", "li")
recovered = RecoveryRecorded("Z1", Fen(15_8000_00), Fen(0))
closed = RectificationClosed("Z1")
deferred = FundsDeferred("H1", 2021, SCOPE, GROUNDS, "逾期", "li", DAY)
suspended = FundsSuspended("H2", 2021, SCOPE, GROUNDS, "逾期", "li", DAY)
resumed = FundsResumed("H2", 2021, HoldKind.SUSPENSION, SCOPE, "已整改", "", "li", LATER)


def years(*facts: Fact[Any]) -> dict[int, YearStatus]:
    """The budget years of a project to which this happened."""
    source = Source()
    for fact in facts:
        source.add("project/A", fact)
    return {row.year: row for row in YEARS.fold("project/A", source.kept)}


def year(*facts: Fact[Any]) -> YearStatus:
    return years(*facts)[2021]


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        ((submitted,), Stage.SUBMITTED),
        ((submitted, passed), Stage.UNDER_REVIEW),
        ((submitted, passed, returned), Stage.RETURNED),
        ((submitted, met), Stage.UNDER_REVIEW),
        ((submitted, good), Stage.TO_BE_AMENDED),
        ((submitted, replace(good, consequence=AfterReview.ENTER)), Stage.PASSED),
        ((submitted, replace(good, consequence=AfterReview.RESUBMIT)), Stage.RETURNED),
        ((submitted, replace(good, consequence=AfterReview.EXCLUDE)), Stage.EXCLUDED),
        ((submitted, good, amended), Stage.PASSED),
        ((submitted, good, amended, admitted), Stage.ADMITTED),
        ((submitted, good, amended, admitted, approved), Stage.APPROVED),
        ((approved, evaluated), Stage.EVALUATED),
        ((approved, evaluated, graded), Stage.GRADED),
        ((approved, evaluated, graded, received), Stage.RECEIVED),
        ((approved, evaluated, graded, received, decided), Stage.DECIDED),
        ((approved, suspended), Stage.APPROVED),
        ((suspended,), Stage.PLANNED),
    ],
)
def test_a_year_is_at_its_last_step(facts: tuple[Fact[Any], ...], stage: Stage) -> None:
    assert year(*facts).stage == stage


def test_a_goal_submitted_again_is_reviewed_from_the_beginning() -> None:
    now = year(submitted, passed, good, again)
    assert (now.goal_version, now.passed_stages, now.review_grade) == (2, (), None)
    assert (now.recommended, now.reduction) == (None, None)


def test_an_opinion_on_a_superseded_version_moves_nothing() -> None:
    assert year(submitted, again, passed) == year(submitted, again)


def test_each_stage_counts_once() -> None:
    now = year(submitted, passed, met, passed)
    assert now.passed_stages == (ReviewStage.COLLECTIVE, ReviewStage.PERFORMANCE_SECTION)


def test_the_sums_of_a_year_are_those_that_were_concluded_and_approved() -> None:
    now = year(submitted, good, amended, approved)
    assert (now.declared, now.recommended, now.reduction, now.budget) == (
        LESS,
        LESS,
        ONE - LESS,
        LESS,
    )
    assert (now.lines, now.budget_document) == ((LINE,), "云财〔2021〕1号")


def test_lines_are_held_back_until_they_are_resumed() -> None:
    held = year(approved, deferred, suspended)
    assert (held.deferred_lines, held.suspended_lines, held.is_suspended) == (
        ("L1",),
        ("L1",),
        True,
    )
    free = year(approved, deferred, suspended, resumed)
    assert (free.deferred_lines, free.suspended_lines, free.is_suspended) == (("L1",), (), False)
    assert free.holds["H2"].until == LATER


def test_what_was_never_held_back_cannot_be_resumed() -> None:
    assert year(approved, resumed) == year(approved)
    assert years(resumed) == {}


def test_an_evaluation_belongs_to_the_year_that_it_looks_at() -> None:
    found = years(approved, replace(approved, year=2022), evaluated, graded, received, decided)
    assert found[2022].evaluations == {}
    assert (found[2021].score, found[2021].grade) == (points("71"), Grade.FAIR)
    evaluation = found[2021].evaluations["E1"]
    assert (evaluation.recommendation, evaluation.decision) == (Measure.REDUCE, Measure.REDUCE)
    assert (evaluation.affected_year, evaluation.received_on) == (2023, DAY)


def test_of_an_evaluation_that_nobody_reported_there_is_no_year() -> None:
    assert years(graded, received, decided) == {}


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
