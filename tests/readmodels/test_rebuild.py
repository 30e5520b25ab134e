"""Built anew beside what people read, compared, changed over, and back again."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from projections.places import State, places, quarantine
from service.projector import NothingKept, Overtaken, Projector, Rebuild, follow, rollback, wait_for
from tests.readmodels.posts import POSTS, UNBEARABLE, assigned
from tests.readmodels.source import Source
from tests.readmodels.test_projector import busy


def states(engine: Engine, source: Source) -> list[tuple[int, State, int]]:
    with engine.connect() as connection:
        found = places(connection, source.slug, POSTS.NAME)
    return [(place.generation, place.state, place.position) for place in found]


def rows(engine: Engine) -> list[int]:
    """How many rows each generation has."""
    c = POSTS.table.c
    asked = sa.select(sa.func.count(c.person)).group_by(c.generation).order_by(c.generation)
    with engine.connect() as connection:
        return list(connection.scalars(asked))


def people(engine: Engine, source: Source) -> set[str]:
    with engine.connect() as connection:
        place = POSTS.at(connection, source.slug)
        return {
            row.person for row in POSTS.rows(connection, POSTS.select().where(POSTS.visible(place)))
        }


def spoil(engine: Engine) -> None:
    """Write into a read model behind its back: one row other, one away, one that never was."""
    c = POSTS.table.c
    first, second = "office/0", "office/1"
    with engine.begin() as connection:
        current = c.until.is_(None)
        connection.execute(
            sa.update(POSTS.table).where(c.stream == first, current).values(post="局长")
        )
        connection.execute(sa.delete(POSTS.table).where(c.stream == second, current))
        held = connection.execute(sa.select(POSTS.table).where(c.stream == first, current)).first()
        assert held is not None
        made_up = {**held._mapping, "person": "nobody"}
        connection.execute(sa.insert(POSTS.table).values(made_up))


def spoilt(engine: Engine) -> Source:
    source = Source()
    for person in ("li", "wang"):
        source.add("office/0", assigned(person))
    source.add("office/1", assigned("zhao"))
    Projector(engine, source, [POSTS]).catch_up()
    spoil(engine)
    return source


def test_nothing_changes_for_people_before_the_change_over(desk: Engine) -> None:
    source = spoilt(desk)
    report = Rebuild(desk, source, POSTS).fill()
    assert people(desk, source) == {"li", "wang", "nobody"}
    assert not report.is_equal
    assert report.live_digest != report.shadow_digest


def test_the_report_tells_every_difference(desk: Engine) -> None:
    report = Rebuild(desk, spoilt(desk), POSTS).fill()
    told = {
        each.name: (each.live and each.live.post, each.shadow and each.shadow.post)
        for each in report.differences
    }
    assert told == {
        ("office/0", "li"): ("局长", "科员"),
        ("office/0", "wang"): ("局长", "科员"),
        ("office/0", "nobody"): ("局长", None),
        ("office/1", "zhao"): (None, "科员"),
    }
    assert (report.rows, report.differing, report.position) == (4, 4, 3)


def test_a_row_that_ended_elsewhere_is_a_difference_though_both_read_the_same(
    desk: Engine,
) -> None:
    source = Source()
    wrong = source.add("office/0", assigned("li"))
    source.correct(wrong, assigned("wang"))
    Projector(desk, source, [POSTS]).catch_up()
    with desk.begin() as connection:
        ended = POSTS.table.c.until.is_not(None)
        connection.execute(sa.update(POSTS.table).where(ended).values(until=1))
    report = Rebuild(desk, source, POSTS).fill()
    assert report.live_digest == report.shadow_digest
    assert not report.is_equal


def test_only_so_many_differences_are_shown_but_all_are_counted(desk: Engine) -> None:
    source = Source()
    for number in range(50):
        source.add("office/0", assigned(f"p{number}"))
    Projector(desk, source, [POSTS]).catch_up()
    with desk.begin() as connection:
        connection.execute(sa.update(POSTS.table).values(post="局长"))
    report = Rebuild(desk, source, POSTS).fill()
    assert (len(report.differences), report.differing) == (20, 50)


def test_after_the_change_over_people_read_what_was_built_anew(desk: Engine) -> None:
    source = spoilt(desk)
    rebuild = Rebuild(desk, source, POSTS)
    rebuild.fill()
    rebuild.switch()
    assert people(desk, source) == {"li", "wang", "zhao"}
    assert states(desk, source) == [(2, State.LIVE, 3), (1, State.KEPT, 3)]


def test_what_was_only_built_to_compare_leaves_nothing_behind(desk: Engine) -> None:
    source = spoilt(desk)
    before = rows(desk)
    rebuild = Rebuild(desk, source, POSTS)
    rebuild.fill()
    rebuild.drop()
    assert states(desk, source) == [(1, State.LIVE, 3)]
    assert rows(desk) == before


def test_one_goes_back_to_what_was_kept_and_forth_again(desk: Engine) -> None:
    source = spoilt(desk)
    rebuild = Rebuild(desk, source, POSTS)
    rebuild.fill()
    rebuild.switch()
    source.add("office/2", assigned("sun"))
    Projector(desk, source, [POSTS]).catch_up()
    assert rollback(desk, source, POSTS) == (2, 1)
    assert people(desk, source) == {"li", "wang", "nobody", "sun"}
    assert rollback(desk, source, POSTS) == (1, 2)
    assert people(desk, source) == {"li", "wang", "zhao", "sun"}


def test_there_is_nothing_to_go_back_to_before_the_first_rebuild(desk: Engine) -> None:
    source = spoilt(desk)
    with pytest.raises(NothingKept):
        rollback(desk, source, POSTS)


def test_of_all_earlier_generations_only_the_last_is_kept(desk: Engine) -> None:
    source = busy(50)
    source.add("office/9", assigned("li", post=UNBEARABLE))
    Projector(desk, source, [POSTS]).catch_up()
    (before,) = rows(desk)
    for _ in range(3):
        rebuild = Rebuild(desk, source, POSTS)
        rebuild.fill()
        rebuild.switch()
    assert [(number, state) for number, state, _ in states(desk, source)] == [
        (4, State.LIVE),
        (3, State.KEPT),
    ]
    assert rows(desk) == [before, before]
    with desk.connect() as connection:
        held = connection.scalars(sa.select(quarantine.c.generation).order_by("generation"))
        assert list(held) == [3, 4]


def test_a_rebuild_that_was_cut_off_is_dropped_by_the_next(desk: Engine) -> None:
    source = busy(50)
    Projector(desk, source, [POSTS]).catch_up()
    cut_off = Rebuild(desk, source, POSTS)
    cut_off.fill()
    following = Rebuild(desk, source, POSTS)
    assert [state for _, state, _ in states(desk, source)] == [State.SHADOW, State.LIVE]
    source.add("office/0", assigned("late"))
    with pytest.raises(Overtaken):
        cut_off.shadow.follow()
    following.fill()
    following.switch()
    assert "late" in people(desk, source)


def test_a_model_that_nobody_has_read_yet_can_be_built_at_once(desk: Engine) -> None:
    source = busy(50)
    rebuild = Rebuild(desk, source, POSTS)
    report = rebuild.fill()
    assert (report.position, report.is_equal) == (0, True)
    rebuild.switch()
    assert states(desk, source)[0] == (2, State.LIVE, len(source.kept))


def test_the_change_over_waits_until_it_is_level_with_what_people_have_seen(desk: Engine) -> None:
    source = busy(50)
    rebuild = Rebuild(desk, source, POSTS)
    rebuild.fill()
    source.add("office/0", assigned("late"))
    Projector(desk, source, [POSTS]).catch_up()
    assert not rebuild.shadow._took_over()
    rebuild.switch()
    assert "late" in people(desk, source)


def test_it_is_built_while_records_go_on_coming(desk: Engine) -> None:
    whole = busy(600)
    source = whole.upto(100)
    stop = Event()
    projectors = [Projector(desk, source, [POSTS], batch=10)]
    worker = Thread(target=follow, args=(projectors, stop))
    worker.start()

    def record_more(_read: int, _of: int) -> None:
        source.kept.extend(whole.kept[len(source.kept) : len(source.kept) + 100])

    try:
        rebuild: Rebuild[Any] = Rebuild(desk, source, POSTS)
        assert rebuild.fill(record_more).is_equal
        rebuild.switch()
        source.kept.extend(whole.kept[len(source.kept) :])
        assert wait_for(desk, source.slug, len(whole.kept), timeout=60, models=[POSTS])
    finally:
        stop.set()
        worker.join()
    assert Rebuild(desk, whole, POSTS).fill().is_equal
