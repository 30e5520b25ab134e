"""Each record counts once: in whatever batches, by however many projectors, also across a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from aggregates.roles import Role
from projections.accountability import ACCOUNTABILITY
from projections.places import Behind, Place, State, places, quarantined
from service.ledger.application import Ledger
from service.ledger.recorder import create_ledger
from service.projector import Projector, Rebuild, follow, lag, wait_for
from service.projector.bulk import Overtaken, move
from service.projector.taking import Taking
from tests.readmodels.posts import POSTS, UNBEARABLE, assigned, ended, holders
from tests.readmodels.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from aggregates.base import Record

BOTH = (POSTS, ACCOUNTABILITY)


def busy(number: int, slug: str = "yunnan") -> Source:
    """A history in which roles come and go."""
    source = Source(slug)
    for n in range(number):
        stream, person = f"office/{n % 7}", f"p{n % 5}"
        gone = n % 3 == 2
        source.add(stream, ended(person) if gone else assigned(person, [*Role][n % 4]))
        if n % 11 == 10:
            source.correct(len(source.kept) - 4, assigned("corrected"))
    return source


def is_as_if_built_anew(engine: Engine, source: Any) -> bool:
    reports = [Rebuild[Any](engine, source, model).fill() for model in BOTH]
    return all(report.is_equal for report in reports)


def test_it_reads_no_further_than_it_is_asked(desk: Engine) -> None:
    source = busy(20)
    projector = Projector(desk, source, BOTH, batch=3)
    assert projector.catch_up(upto=10) == 10
    assert lag(desk, source, BOTH) == {"posts": 11, "accountability": 11}
    told: list[tuple[int, int]] = []
    projector.catch_up(report=lambda read, of: told.append((read, of)))
    assert told == [(13, 21), (16, 21), (19, 21), (21, 21)]
    assert lag(desk, source, BOTH) == {"posts": 0, "accountability": 0}


def test_a_question_beyond_what_was_read_is_not_answered(desk: Engine) -> None:
    source = busy(20)
    Projector(desk, source, BOTH).catch_up(upto=10)
    with desk.connect() as connection, pytest.raises(Behind) as refused:
        holders(connection, source.slug, "office/0", as_of=11)
    assert (refused.value.asked, refused.value.read) == (11, 10)


def test_a_model_that_comes_later_catches_up_with_the_others(desk: Engine) -> None:
    source = busy(20)
    Projector(desk, source, [POSTS], batch=7).catch_up()
    Projector(desk, source, BOTH, batch=7).catch_up()
    assert lag(desk, source, BOTH) == {"posts": 0, "accountability": 0}
    assert is_as_if_built_anew(desk, source)


def test_two_projectors_at_once_count_each_record_once(desk: Engine) -> None:
    source = busy(300)
    projectors = [Projector(desk, source, BOTH, batch=5) for _ in range(2)]
    threads = [Thread(target=projector.catch_up) for projector in projectors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert projectors[0].position() == len(source.kept)
    assert is_as_if_built_anew(desk, source)


def test_whoever_lost_the_race_for_a_batch_writes_nothing(desk: Engine) -> None:
    source = busy(20)
    projector = Projector(desk, source, BOTH)
    stale = projector.places()
    projector.catch_up(upto=10)
    with pytest.raises(Overtaken):
        Taking(desk, source).take(stale, 20)
    assert projector.catch_up() == len(source.kept)
    assert is_as_if_built_anew(desk, source)


def test_a_model_is_waited_for_as_long_as_it_may_take(desk: Engine) -> None:
    source = busy(20)
    assert not wait_for(desk, source.slug, 1, timeout=0, models=BOTH)
    stop = Event()
    worker = Thread(target=follow, args=([Projector(desk, source, BOTH, batch=2)], stop))
    worker.start()
    try:
        assert wait_for(desk, source.slug, len(source.kept), timeout=60, models=BOTH)
    finally:
        stop.set()
        worker.join()


@dataclass
class Faulty(Source):
    """A ledger in which some records cannot be read, and which fails now and then."""

    unreadable: set[int] = field(default_factory=set)
    failures: int = 0

    def records(self, after: int, limit: int) -> list[Record[Any]]:
        if self.failures:
            self.failures -= 1
            raise sa.exc.OperationalError("SELECT", {}, OSError("gone away"))
        found = super().records(after, limit)
        for record in found:
            if record.position in self.unreadable:
                raise KeyError(record.fact.TOPIC)
        return found

    def history(self, stream: str, as_of: int | None) -> list[Record[Any]]:
        found = super().history(stream, as_of)
        if any(record.position in self.unreadable for record in found):
            raise KeyError(stream)
        return found


def test_a_record_that_nobody_can_read_is_left_out_and_told(desk: Engine) -> None:
    source = Faulty("yunnan", busy(20).kept, unreadable={5})
    Projector(desk, source, BOTH, batch=8).catch_up()
    with desk.connect() as connection:
        left_out = [(name, found.position) for name, found in quarantined(connection, "yunnan")]
        (read,) = connection.execute(sa.select(sa.func.count()).select_from(ACCOUNTABILITY.table))
    assert left_out == [("accountability", 5), ("posts", 5)]
    corrections = sum(record.fact.TOPIC == "record.corrected" for record in source.kept)
    assert read[0] == len(source.kept) - 1 + corrections


@pytest.fixture
def upgraded(desk: Engine) -> Faulty:
    """A ledger in which three records of a history could not be read, until a new release could."""
    source = Faulty("yunnan")
    for person in ("li", "wang", "zhao"):
        source.add("office/0", assigned(person))
    source.unreadable = {1, 3}
    source.correct(2, assigned("sun"))
    Projector(desk, source, [POSTS]).catch_up()
    assert left_out(desk, source) == [1, 3, 4]
    source.unreadable.clear()
    return source


def left_out(engine: Engine, source: Source) -> list[int]:
    with engine.connect() as connection:
        return [found.position for _, found in quarantined(connection, source.slug)]


def people(engine: Engine, source: Source) -> list[str]:
    with engine.connect() as connection:
        return [row.person for row in holders(connection, source.slug, "office/0")]


def test_a_correction_heals_all_that_was_missing_of_its_history(
    desk: Engine, upgraded: Faulty
) -> None:
    upgraded.add("office/1", assigned("elsewhere"))
    upgraded.correct(2, assigned("qian"))
    upgraded.add("office/0", assigned("zhou"))
    projector = Projector(desk, upgraded, [POSTS])
    projector.catch_up()
    upgraded.add("office/0", assigned("wu"))
    projector.catch_up()
    assert left_out(desk, upgraded) == []
    assert people(desk, upgraded) == ["li", "qian", "wu", "zhao", "zhou"]


def test_a_rebuild_misses_nothing_that_can_be_read_by_now(desk: Engine, upgraded: Faulty) -> None:
    rebuild = Rebuild[Any](desk, upgraded, POSTS)
    assert not rebuild.fill().is_equal
    rebuild.switch()
    assert left_out(desk, upgraded) == []
    assert people(desk, upgraded) == ["li", "sun", "zhao"]


def test_a_history_that_was_stopped_twice_goes_on_after_one_correction(desk: Engine) -> None:
    source = Source("yunnan")
    poison = source.add("office/0", assigned("li", post=UNBEARABLE))
    unstorable = source.kept[source.correct(poison, assigned("wang")) - 1].fact.replacement.fact
    object.__setattr__(unstorable, "since", "not a day")
    projector = Projector(desk, source, [POSTS])
    projector.catch_up()
    assert left_out(desk, source) == [1, 2]
    source.correct(poison, assigned("zhao"))
    projector.catch_up()
    source.add("office/0", assigned("zhou"))
    projector.catch_up()
    assert left_out(desk, source) == []
    assert people(desk, source) == ["zhao", "zhou"]


def test_a_database_that_goes_away_is_no_record_s_fault(desk: Engine) -> None:
    source = Faulty("yunnan", busy(20).kept, failures=3)
    stop = Event()
    worker = Thread(target=follow, args=([Projector(desk, source, BOTH, batch=8)], stop))
    worker.start()
    try:
        assert wait_for(desk, source.slug, len(source.kept), timeout=60, models=BOTH)
    finally:
        stop.set()
        worker.join()
    with desk.connect() as connection:
        assert quarantined(connection, "yunnan") == []


def test_what_a_database_cannot_hold_stops_one_history_of_one_model(desk: Engine) -> None:
    source = busy(6)
    huge = source.add("office/1", assigned("huge"))
    record = source.kept[huge - 1]
    object.__setattr__(record.fact, "since", "not a day")
    last = source.add("office/0", assigned("p1"))
    Projector(desk, source, BOTH, batch=4).catch_up()
    with desk.connect() as connection:
        found = [(name, each.position) for name, each in quarantined(connection, source.slug)]
        assert found == [("posts", huge)]
        rows = holders(connection, source.slug, "office/0")
        assert {row.person for row in rows if row.since == last} == {"p1"}


def test_only_one_generation_is_live(desk: Engine) -> None:
    source = busy(3)
    projector = Projector(desk, source, [POSTS])
    projector.catch_up()
    rebuild = Rebuild(desk, source, POSTS)
    rebuild.fill()
    with desk.begin() as connection, pytest.raises(sa.exc.IntegrityError):
        move(connection, rebuild.shadow.place, Place("yunnan", "posts", 2, 3, State.LIVE))
    with desk.connect() as connection:
        states = [place.state for place in places(connection, "yunnan", "posts")]
    assert states == [State.SHADOW, State.LIVE]


WORKER = """
import sys
from threading import Event
from projections.accountability import ACCOUNTABILITY
from service.ledger.application import Ledger
from service.ledger.engine import make_engine
from service.projector import Projector, follow
from tests.readmodels.posts import POSTS

engine = make_engine(sys.argv[1])
ledger = Ledger(engine, "yunnan")
follow([Projector(engine, ledger, (POSTS, ACCOUNTABILITY), batch=20)], Event())
"""


@contextmanager
def worker(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A projector in a process of its own, which is killed at the end as a crash kills."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, "-c", WORKER, url], env=environment) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def test_a_projector_that_is_killed_again_and_again_counts_each_record_once(
    desk: Engine, database_url: str
) -> None:
    create_ledger(desk, "yunnan")
    ledger = Ledger(desk, "yunnan")
    records = busy(2_000).kept
    for begin in range(0, len(records), 500):
        ledger.append([_unplaced(record) for record in records[begin : begin + 500]])
    for kill_at in (1, 400, 800):
        with worker(database_url):
            assert wait_for(desk, "yunnan", kill_at, timeout=60, models=BOTH)
    assert Projector(desk, ledger, BOTH).catch_up() == len(records)
    assert is_as_if_built_anew(desk, ledger)


def _unplaced(record: Record[Any]) -> Record[Any]:
    return type(record)(record.stream, 0, record.envelope, record.fact)
