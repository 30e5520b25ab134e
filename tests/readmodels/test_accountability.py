"""Every record of every history, as an auditor reads it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from aggregates.base import Actor, Breach, Record, RecordCorrected, Severity, Source
from aggregates.ledger import ActRefused
from aggregates.payments import PaymentObserved
from aggregates.reserve import ProjectReserved
from aggregates.unit import UnitRegistered
from aggregates.values import Fen, ProjectClass
from projections.accountability import ACCOUNTABILITY, Trace, TraceFilter, trace
from projections.models import MODELS
from service.projector import Projector
from tests.readmodels.histories import numbers
from tests.readmodels.posts import assigned
from tests.readmodels.source import BEGAN, DAY, SOMEBODY
from tests.readmodels.source import Source as Records
from tests.words import OURS

FLAGGED = Breach("funds.line_is_payable", Severity.FLAG, {"行": "L1"})
LIKE = Breach("funds.lineXis_payable", Severity.FLAG, {})


def reserved(unit: str, name: str = "农村公路养护") -> ProjectReserved:
    kind = ProjectClass.SPECIFIC_TARGET
    return ProjectReserved(name, unit, kind, 2021, 2023, True, False, Fen(1_200_00))  # noqa: FBT003


def registered(name: str, superior: str = "", level: int = 1) -> UnitRegistered:
    return UnitRegistered(name, superior, level)


def paid(unit: str) -> PaymentObserved:
    return PaymentObserved("v1", 2021, "L1", Fen(100), DAY, unit)


def refused(subject: str) -> ActRefused:
    return ActRefused("submit_goal", "申报绩效目标", subject, (FLAGGED,), ("不得",))


def asked(
    engine: Engine, source: Records, as_of: int | None = None, **filters: Any
) -> tuple[Trace, ...]:
    with engine.connect() as connection:
        page = ACCOUNTABILITY.query(connection, source.slug, as_of, TraceFilter(**filters))
    return page.rows


@pytest.fixture
def county(engine: Engine) -> Records:
    """A department with a school below it, another department; what they did, and were refused."""
    source = Records()
    source.add("unit/101", registered("教育局"))
    source.add("unit/101001", registered("一中", "101", 2))
    source.add("unit/102", registered("交通局"))
    source.add("project/A", reserved("101001"), on=date(2021, 2, 26))
    source.add("project/B", reserved("102"), by=Actor("li", "unit_clerk"))
    source.add("payments/A.2021", paid("101001"), breaches=[FLAGGED])
    source.add("refusals/project/A", refused("project/A"))
    source.add("office/main", assigned("zhao"), breaches=[LIKE])
    Projector(engine, source).catch_up()
    return source


def positions(traces: tuple[Trace, ...]) -> list[int]:
    return [each.position for each in traces]


def test_it_says_who_did_what_when_on_which_grounds_against_which_rules(engine: Engine) -> None:
    source = Records()
    source.add("project/A", reserved("101"), on=date(2021, 2, 26), breaches=[FLAGGED])
    Projector(engine, source).catch_up()
    (found,) = asked(engine, source)
    assert found == Trace(
        stream="project/A",
        position=1,
        version=1,
        subject="project/A",
        recorded_at=datetime(2021, 3, 1, 1, 1, tzinfo=UTC),
        occurred_on=date(2021, 2, 26),
        days_late=3,
        topic="project.reserved",
        title="项目入储备",
        sentence="农村公路养护 入储备（特定目标类），申请资金 1200.00 元",
        person="zhang",
        role="performance_section",
        post="科员",
        organisation="财政局",
        on_behalf_of="",
        is_asserted=False,
        via="token",
        act="told",
        rule_set=0,
        breaches=(FLAGGED,),
        rules=" funds.line_is_payable ",
        document="",
        is_observed=False,
        is_opening=False,
    )


def test_lateness_counts_in_days_of_the_office_not_of_greenwich() -> None:
    source = Records()
    source.add("office/main", assigned("li"), on=date(2021, 3, 2))
    evening = datetime(2021, 3, 1, 16, 30, tzinfo=UTC)
    record = Record("office/main", 1, source.kept[0].envelope, source.kept[0].fact, 1, evening)
    assert trace(record).days_late == 0


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"stream": "project/A"}, [4]),
        ({"subject": "project/A"}, [4, 6, 7]),
        ({"unit": "101001"}, [2, 4, 6, 7]),
        ({"within": "101"}, [1, 2, 4, 6, 7]),
        ({"within": "101", "unit": "102"}, []),
        ({"within": "999"}, []),
        ({"person": "li"}, [5]),
        ({"topic": "unit.registered"}, [1, 2, 3]),
        ({"rule": "funds.line_is_payable"}, [6]),
        ({"rule": "funds.line"}, []),
        ({"breached": True}, [6, 8]),
        ({"breached": False, "subject": "project/A"}, [4, 7]),
        ({"recorded_from": 3, "recorded_until": 5}, [3, 4, 5]),
        ({"occurred_until": date(2021, 2, 28)}, [4]),
        ({"occurred_from": date(2021, 3, 1), "person": "li"}, [5]),
        ({"days_late": 3}, [4]),
        ({"days_late": 4}, []),
    ],
)
def test_one_finds_what_one_asks_for(
    engine: Engine, county: Records, filters: dict[str, Any], found: list[int]
) -> None:
    assert positions(asked(engine, county, **filters)) == found


def test_a_unit_is_asked_about_as_it_stood_then(engine: Engine) -> None:
    source = Records()
    source.add("unit/101", registered("教育局"))
    source.add("project/A", reserved("102"))
    wrong = source.kept[-1].position
    source.correct(wrong, reserved("101"))
    Projector(engine, source).catch_up()
    assert positions(asked(engine, source, as_of=2, unit="101")) == [1]
    assert positions(asked(engine, source, as_of=3, unit="101")) == [1, 2, 3]


def test_pages_join_without_gap_or_overlap(engine: Engine, county: Records) -> None:
    found: list[int] = []
    after = None
    with engine.connect() as connection:
        while True:
            page = ACCOUNTABILITY.query(connection, county.slug, after=after, limit=3)
            assert len(page.rows) <= 3
            found += positions(page.rows)
            after = page.next
            if after is None:
                break
    assert found == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_corrected_record_reads_otherwise_from_there_on(engine: Engine) -> None:
    source = Records()
    wrong = source.add("project/A", reserved("101", "公路"))
    source.correct(wrong, reserved("101", "桥梁"))
    Projector(engine, source).catch_up()
    (before,) = asked(engine, source, as_of=1)
    after, correction = asked(engine, source, as_of=2)
    assert before.sentence.startswith("公路")
    assert (after.corrected_by, after.is_withdrawn) == (2, False)
    assert after.sentence.startswith("桥梁")
    assert (after.person, after.recorded_at) == (before.person, before.recorded_at)
    assert correction.topic == RecordCorrected.TOPIC


def test_a_withdrawn_record_keeps_its_words_and_says_so(engine: Engine) -> None:
    source = Records()
    wrong = source.add("project/A", reserved("101", "公路"))
    projector = Projector(engine, source)
    projector.catch_up()
    source.correct(wrong, None)
    projector.catch_up()
    withdrawn, _ = asked(engine, source)
    assert (withdrawn.corrected_by, withdrawn.is_withdrawn) == (2, True)
    assert withdrawn.sentence.startswith("公路")


def test_a_correction_reaches_only_its_own_history(engine: Engine) -> None:
    source = Records()
    source.add("project/A", reserved("101", "公路"))
    source.correct(1, reserved("101", "桥梁"), stream="project/B")
    Projector(engine, source).catch_up()
    first, _ = asked(engine, source)
    assert first.corrected_by is None


def test_what_was_observed_and_what_was_taken_over_is_marked() -> None:
    source = Records()
    source.add("project/A", reserved("101"))
    (record,) = source.kept
    seen = Source("treasury", "vouchers", "1", "1")
    told = trace(_with(record, source=seen, opening=True))
    assert (told.is_observed, told.is_opening) == (True, True)


def _with(record: Record[Any], **envelope: Any) -> Record[Any]:
    told = type(record.envelope)(**{**vars(record.envelope), **envelope})
    return Record(record.stream, record.version, told, record.fact, record.position, BEGAN)


@given(data=st.data())
def test_whatever_happens_appears_without_being_asked_for(
    shelf: Engine, data: st.DataObject
) -> None:
    source = Records(f"any-{next(numbers)}")
    for fact in data.draw(st.lists(OURS.facts(), max_size=20)):
        source.add(f"{fact.about.KIND or 'project'}/A", fact)
    Projector(shelf, source, MODELS).catch_up()
    found = asked(shelf, source)
    assert [(each.topic, each.person) for each in found] == [
        (record.fact.TOPIC, SOMEBODY.person) for record in source.kept
    ]
