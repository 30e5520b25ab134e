"""What stood still for a while: said of every position in between, and told apart by a rebuild."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from projections.places import frozen
from service.projector import Projector, Rebuild, Report
from tests.readmodels.posts import POSTS, UNBEARABLE, Holder, assigned, ended
from tests.readmodels.source import Source

MAIN, BRANCH = "office/main", "office/branch"


@pytest.fixture
def healed(desk: Engine) -> Source:
    """A history that stood still from its second record on, until the fifth corrected that."""
    source = Source()
    source.add(MAIN, assigned("li"))
    poison = source.add(MAIN, assigned("wang", post=UNBEARABLE))
    source.add(BRANCH, assigned("sun"))
    source.add(MAIN, assigned("zhao"))
    source.correct(poison, assigned("wang"))
    source.add(MAIN, ended("li"))
    Projector(desk, source, [POSTS]).catch_up()
    return source


def stood_still(engine: Engine, source: Source, stream: str) -> list[int | None]:
    """Since which record, as of each position of the ledger."""
    with engine.connect() as connection:
        at = [POSTS.at(connection, source.slug, p) for p in range(1, len(source.kept) + 1)]
        return [frozen(connection, [place], [MAIN, BRANCH]).get(stream) for place in at]


def test_between_a_record_and_its_correction_a_history_stands_still_for_ever(
    desk: Engine, healed: Source
) -> None:
    assert stood_still(desk, healed, MAIN) == [None, 2, 2, 2, None, None]
    assert stood_still(desk, healed, BRANCH) == [None] * 6


def bearable(source: Source, post: str) -> Source:
    """A release by which the second record can be borne."""
    source.kept[1] = replace(source.kept[1], fact=assigned("wang", post=post))
    return source


def rebuilt(engine: Engine, source: Source) -> Report[Any]:
    rebuild = Rebuild(engine, source, POSTS)
    report = rebuild.fill()
    rebuild.switch()
    return report


def test_a_rebuild_by_the_same_release_stands_still_where_the_live_one_did(
    desk: Engine, healed: Source
) -> None:
    report = rebuilt(desk, healed)
    assert (report.is_equal, report.differing, report.frozen) == (True, 0, 0)
    assert stood_still(desk, healed, MAIN) == [None, 2, 2, 2, None, None]


@pytest.mark.parametrize("post", ["科员", "局长"])
def test_a_rebuild_by_a_release_that_reads_more_differs_only_where_that_was_said(
    desk: Engine, healed: Source, post: str
) -> None:
    report = rebuilt(desk, bearable(healed, post))
    assert (report.is_equal, report.differing, report.differences) == (True, 0, [])
    assert report.frozen > 0
    assert stood_still(desk, healed, MAIN) == [None] * 6


@pytest.mark.parametrize("person", ["wang", "li", "sun"])
def test_what_differs_elsewhere_is_told_all_the_same(
    desk: Engine, healed: Source, person: str
) -> None:
    with desk.begin() as connection:
        spoilt = sa.update(POSTS.table).where(POSTS.table.c.person == person)
        connection.execute(spoilt.values(post="另一职务"))
    report = rebuilt(desk, bearable(healed, "局长"))
    assert not report.is_equal
    assert {each.name[1] for each in report.differences} == {person}


def test_what_differs_after_the_correction_is_told_though_it_began_before(
    desk: Engine, healed: Source
) -> None:
    """The row has ended in what people read, and has not by the records."""
    with desk.begin() as connection:
        ended_early = sa.update(POSTS.table).where(POSTS.table.c.person == "zhao")
        connection.execute(ended_early.values(until=6))
    report = rebuilt(desk, bearable(healed, "局长"))
    assert {each.name[1] for each in report.differences} == {"zhao"}


def test_what_happened_is_told_up_to_what_cannot_be_taken_in() -> None:
    source = Source()
    source.add(MAIN, assigned("li"))
    poison = source.add(MAIN, assigned("li", post=UNBEARABLE))
    source.add(MAIN, assigned("zhao"))
    happened = POSTS.as_happened(source, MAIN)
    assert (happened.rows, happened.frozen_at) == (
        tuple(POSTS.fold(MAIN, source.upto(1).kept)),
        poison,
    )
    source.correct(poison, assigned("wang"))
    healed_by_now = POSTS.as_happened(source, MAIN)
    assert [row.person for row in healed_by_now.rows] == ["li", "wang", "zhao"]
    assert healed_by_now.frozen_at is None
    assert POSTS.as_happened(source, MAIN, as_of=3).frozen_at == poison


def test_nothing_that_cannot_be_taken_in_is_half_taken_in() -> None:
    source = Source()
    source.add(MAIN, assigned("li", post=UNBEARABLE))
    nothing: tuple[Holder, ...] = ()
    assert POSTS.as_happened(source, MAIN).rows == nothing
