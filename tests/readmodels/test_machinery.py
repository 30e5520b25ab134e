"""What holds for every read model, whatever it is about."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from aggregates.roles import Role
from projections.accountability import ACCOUNTABILITY
from projections.base import ReadModel
from projections.happened import as_known
from projections.places import live_places, quarantine
from service.projector import Projector, Rebuild
from tests.readmodels.histories import histories, numbers
from tests.readmodels.posts import POSTS, UNBEARABLE, Holder, assigned, ended, issued
from tests.readmodels.source import Source

BOTH = (POSTS, ACCOUNTABILITY)


def projected(engine: Engine, source: Source, batch: int = 500) -> Source:
    """The same history in a ledger of its own, read to its end in batches of a size."""
    copy = Source(f"copy-{next(numbers)}", source.kept)
    Projector(engine, copy, BOTH, batch).catch_up()
    return copy


def digest(engine: Engine, ledger: str, model: ReadModel[Any], as_of: int) -> str:
    with engine.connect() as connection:
        return model.digest(connection, model.at(connection, ledger, as_of))


def standing(engine: Engine, source: Source, as_of: int) -> list[Holder]:
    with engine.connect() as connection:
        place = POSTS.at(connection, source.slug, as_of)
        asked = POSTS.select().where(POSTS.visible(place)).order_by(*POSTS.name_columns)
        return POSTS.rows(connection, asked)


def in_quarantine(engine: Engine, ledger: str, as_of: int) -> list[tuple[int, str]]:
    c = quarantine.c
    asked = select(c.position, c.reason).where(
        c.ledger == ledger, c.position <= as_of, c.until.is_(None) | (c.until > as_of)
    )
    with engine.connect() as connection:
        return [(position, reason) for position, reason in connection.execute(asked)]


@given(source=histories(), batch=st.integers(1, 12), other=st.integers(1, 12), data=st.data())
def test_what_is_read_as_of_a_position_is_what_was_read_there(
    shelf: Engine, source: Source, batch: int, other: int, data: st.DataObject
) -> None:
    whole = projected(shelf, source, batch)
    position = data.draw(st.integers(0, len(source.kept)))
    beginning = projected(shelf, source.upto(position), other)
    for model in BOTH:
        now = digest(shelf, whole.slug, model, position)
        assert now == digest(shelf, beginning.slug, model, position)
    then = in_quarantine(shelf, beginning.slug, position)
    assert in_quarantine(shelf, whole.slug, position) == then


@given(source=histories(with_poison=False), batch=st.integers(1, 12))
def test_rows_at_every_position_are_what_the_records_known_there_add_up_to(
    shelf: Engine, source: Source, batch: int
) -> None:
    whole = projected(shelf, source, batch)
    for position in range(len(source.kept) + 1):
        streams = sorted({record.stream for record in source.kept if "office" in record.stream})
        folded = [
            row
            for stream in streams
            for row in POSTS.fold(stream, as_known(source.history(stream, position)))
        ]
        assert standing(shelf, whole, position) == folded


@given(source=histories(), batch=st.integers(1, 12))
def test_what_is_built_anew_has_the_same_history_row_by_row(
    shelf: Engine, source: Source, batch: int
) -> None:
    whole = projected(shelf, source, batch)
    for model in BOTH:
        rebuild: Rebuild[Any] = Rebuild(shelf, whole, model)
        report = rebuild.fill()
        assert report.is_equal, report
        assert report.position == len(source.kept)


def test_a_row_that_changes_twice_in_a_batch_leaves_both_versions(desk: Engine) -> None:
    source = Source()
    source.add("office/main", assigned("li"))
    source.add("office/main", assigned("li", Role.UNIT_HEAD))
    source.add("office/main", ended("li", Role.UNIT_CLERK))
    Projector(desk, source, [POSTS]).catch_up()
    roles = [row.roles for as_of in (1, 2, 3) for row in standing(desk, source, as_of)]
    clerk, head = Role.UNIT_CLERK, Role.UNIT_HEAD
    assert roles == [(clerk,), (clerk, head), (head,)]


def test_a_row_says_since_when_and_until_when_it_stood(desk: Engine) -> None:
    source = Source()
    source.add("office/main", assigned("li"))
    source.add("office/main", issued())
    source.add("office/main", ended("li"))
    Projector(desk, source, [POSTS]).catch_up()
    (row,) = standing(desk, source, 2)
    assert (row.since, row.until) == (1, 3)
    assert standing(desk, source, 3) == []


def test_a_record_that_changes_nothing_opens_no_version(desk: Engine) -> None:
    source = Source()
    source.add("office/main", assigned("li"))
    source.add("office/main", ended("wang"))
    source.correct(1, assigned("li"))
    Projector(desk, source, [POSTS]).catch_up()
    (row,) = standing(desk, source, 3)
    assert row.since == 1


def test_a_correction_is_known_from_its_own_position_on(desk: Engine) -> None:
    source = Source()
    wrong = source.add("office/main", assigned("li"))
    source.add("office/main", assigned("li", Role.UNIT_HEAD))
    source.correct(wrong, assigned("wang"))
    Projector(desk, source, [POSTS]).catch_up()
    before = [(row.person, row.roles) for row in standing(desk, source, 2)]
    after = [(row.person, row.roles) for row in standing(desk, source, 3)]
    assert before == [("li", (Role.UNIT_CLERK, Role.UNIT_HEAD))]
    assert after == [("li", (Role.UNIT_HEAD,)), ("wang", (Role.UNIT_CLERK,))]


def test_a_withdrawn_record_counts_no_longer(desk: Engine) -> None:
    source = Source()
    wrong = source.add("office/main", assigned("li"))
    source.correct(wrong, None)
    Projector(desk, source, [POSTS]).catch_up()
    assert standing(desk, source, 2) == []


def test_a_record_that_cannot_be_borne_stops_its_own_history_only(desk: Engine) -> None:
    source = Source()
    source.add("office/main", assigned("li"))
    source.add("office/main", assigned("wang", post=UNBEARABLE))
    source.add("office/main", ended("li"))
    source.add("office/branch", assigned("zhao"))
    Projector(desk, source, [POSTS]).catch_up()
    assert [row.person for row in standing(desk, source, 4)] == ["zhao", "li"]
    assert in_quarantine(desk, source.slug, 4) == [(2, f"ValueError: {UNBEARABLE}")]


def test_a_correction_lets_a_stopped_history_go_on(desk: Engine) -> None:
    source = Source()
    poison = source.add("office/main", assigned("wang", post=UNBEARABLE))
    source.add("office/main", assigned("li"))
    projector = Projector(desk, source, [POSTS])
    projector.catch_up()
    assert standing(desk, source, 2) == []
    source.correct(poison, assigned("wang"))
    source.add("office/main", assigned("zhao"))
    projector.catch_up()
    assert [row.person for row in standing(desk, source, 4)] == ["li", "wang", "zhao"]
    assert in_quarantine(desk, source.slug, 2) == [(1, f"ValueError: {UNBEARABLE}")]
    assert in_quarantine(desk, source.slug, 4) == []


def test_ledgers_in_one_database_do_not_see_each_other(desk: Engine) -> None:
    one, other = Source("one"), Source("other")
    one.add("office/main", assigned("li"))
    other.add("office/main", assigned("wang"))
    for source in (one, other):
        Projector(desk, source, [POSTS]).catch_up()
    assert [row.person for row in standing(desk, one, 1)] == ["li"]
    assert [row.person for row in standing(desk, other, 1)] == ["wang"]


def test_a_character_that_no_database_takes_is_shown_by_its_picture(desk: Engine) -> None:
    source = Source()
    source.add("office/main", assigned("li", post="科\0员"))
    Projector(desk, source, BOTH).catch_up()
    (row,) = standing(desk, source, 1)
    assert row.post == "科␀员"
    with desk.connect() as connection:
        assert live_places(connection, source.slug, ["posts"])["posts"].position == 1
    assert in_quarantine(desk, source.slug, 1) == []
