"""录入: recorder against recorder, one record per commit, a hundred, and 64 threads at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
from eventsourcing.persistence import ApplicationRecorder, StoredEvent

from service.ledger.recorder import Recorder
from service.ledger.rows import RequestRow
from tests.bench import library
from tests.bench.ground import SLUG, Ground, opened
from tests.bench.library import PEER
from tests.bench.matter import Events, body, names, uuids
from tests.bench.measuring import Line, Side, alternately, compared, watched

THREADS = 64
STREAMS_OF_A_THREAD = 4
HUNDRED = 100
THOUSAND = 1_000

Named = Callable[[str, int], list[Any]]
"""Names of histories, as a recorder wants them."""


def on_postgresql(ground: Ground) -> Iterator[Line]:
    """Ours and the library's on one PostgreSQL; raw statements beside them."""
    database = ground.empty()
    share = ground.effort.of
    with (
        opened(ground.postgresql()) as engine,
        library.on_postgresql(ground.server, database) as theirs,
        psycopg.connect(ground.server.uri(database, "postgresql"), autocommit=True) as raw,
    ):
        recorder = Recorder(engine, SLUG)
        rates = alternately(
            ground.effort.rounds,
            {
                "one": one_each(recorder, names, share(1_000)),
                "its one": one_each(theirs, uuids, share(500)),
                "raw one": raw_one_each(raw, share(1_000)),
                "new": in_new_histories(recorder, share(1_000)),
                "requested": with_its_request(recorder, share(1_000)),
                "hundred": many_each(recorder, names, share(100), HUNDRED),
                "its hundred": many_each(theirs, uuids, share(50), HUNDRED),
                "thousand": many_each(recorder, names, share(20), THOUSAND),
                "raw copy": raw_copy(raw, share(20), THOUSAND),
                "threads": threads_at_once(recorder, names, share(100)),
                "its threads": threads_at_once(theirs, uuids, share(10)),
            },
        )
    yield compared("one record per commit", rates, "one", f"its one:{PEER}", 1.5)
    yield compared("100 records per commit", rates, "hundred", f"its hundred:{PEER}", 1.8)
    yield compared("64 threads, one record each", rates, "threads", "one:ours, one thread", 8)
    yield compared("64 threads, one record each", rates, "threads", f"its threads:{PEER}, the same")
    yield compared("one record, and its request's row", rates, "requested", "one:ours, without")
    yield compared("one record, in a new history each", rates, "new", "one:ours, in known ones")
    yield compared("one record per commit", rates, "one", "raw one:raw INSERT")
    yield compared("1,000 records per commit", rates, "thousand", "raw copy:raw COPY")


def on_sqlite(ground: Ground) -> Iterator[Line]:
    """Ours and the library's, each on an SQLite file of its own."""
    share = ground.effort.of
    peer = Path(ground.folder, "peer.sqlite")
    with opened(ground.sqlite()) as engine, library.on_sqlite(peer) as theirs:
        recorder = Recorder(engine, SLUG)
        rates = alternately(
            ground.effort.rounds,
            {
                "one": one_each(recorder, names, share(1_000)),
                "its one": one_each(theirs, uuids, share(1_000)),
                "hundred": many_each(recorder, names, share(100), HUNDRED),
                "its hundred": many_each(theirs, uuids, share(100), HUNDRED),
                "threads": threads_at_once(recorder, names, share(100)),
            },
        )
    yield compared("one record per commit", rates, "one", f"its one:{PEER}")
    yield compared("100 records per commit", rates, "hundred", f"its hundred:{PEER}", 0.8)
    yield compared("64 threads, one record each", rates, "threads", "one:ours, one thread", 3)


def one_each(recorder: ApplicationRecorder, named: Named, commits: int) -> Side:
    """One record per commit."""
    return many_each(recorder, named, commits, 1)


def many_each(recorder: ApplicationRecorder, named: Named, commits: int, number: int) -> Side:
    """So many records per commit, in histories that are known."""
    events = Events(named(f"by-{number}", 200))

    def side() -> float:
        batches = [events.take(number) for _ in range(commits)]
        with watched() as watch:
            for batch in batches:
                recorder.insert_events(batch)
        return watch.rate(commits * number)

    return side


def in_new_histories(recorder: Recorder, commits: int) -> Side:
    """Each record begins a history that nobody has asked for before."""
    rounds = count(1)

    def side() -> float:
        events = Events(names(f"new-{next(rounds)}", commits)).take(commits)
        with watched() as watch:
            for event in events:
                recorder.insert_events([event])
        return watch.rate(commits)

    return side


def with_its_request(recorder: Recorder, commits: int) -> Side:
    """Each record comes with the row of the request that it answers."""
    events, keys = Events(names("requested")), count(1)

    def row() -> RequestRow:
        salt, digest = b"\0" * 16, b"\0" * 32
        return RequestRow("t-101001", f"k-{next(keys)}", salt, digest, body(), "recorded")

    def side() -> float:
        pairs = [(events.take(1), row()) for _ in range(commits)]
        with watched() as watch:
            for taken, request in pairs:
                recorder.insert_events(taken, request=request)
        return watch.rate(commits)

    return side


def threads_at_once(recorder: ApplicationRecorder, named: Named, commits: int) -> Side:
    """64 threads, each with histories of its own, one record per commit."""
    groups = [Events(named(f"thread-{n}", STREAMS_OF_A_THREAD)) for n in range(THREADS)]

    def side() -> float:
        return at_once([(recorder, events.take(commits)) for events in groups])

    return side


def at_once(work: list[tuple[ApplicationRecorder, list[StoredEvent]]]) -> float:
    """Let one thread for each piece of work begin together; how many records in a second."""
    gate = Barrier(len(work) + 1)

    def one_by_one(recorder: ApplicationRecorder, events: list[StoredEvent]) -> None:
        gate.wait()
        for event in events:
            recorder.insert_events([event])

    with ThreadPoolExecutor(len(work)) as pool:
        running = [pool.submit(one_by_one, *each) for each in work]
        gate.wait()
        with watched() as watch:
            for each in running:
                each.result()
    return watch.rate(sum(len(events) for _, events in work))


RAW = """CREATE TABLE IF NOT EXISTS raw (
    position bigserial PRIMARY KEY, stream text, version bigint, topic text, state bytea,
    UNIQUE (stream, version))"""
ROW = "raw (stream, version, topic, state)"


def raw_one_each(connection: psycopg.Connection[Any], commits: int) -> Side:
    """The least that any recorder on PostgreSQL must do: one INSERT, one commit."""
    connection.execute(RAW)
    events = Events(names("raw"))

    def side() -> float:
        rows = [vars(event) for event in events.take(commits)]
        insert = f"INSERT INTO {ROW} VALUES ({marks()})"
        with watched() as watch:
            for row in rows:
                connection.execute(insert.encode(), row)
        return watch.rate(commits)

    return side


def marks() -> str:
    fields: Mapping[str, Any] = StoredEvent.__dataclass_fields__
    return ", ".join(f"%({name})b" if name == "state" else f"%({name})s" for name in fields)


def raw_copy(connection: psycopg.Connection[Any], commits: int, number: int) -> Side:
    """The fastest way into a PostgreSQL table with the same two indexes: binary COPY."""
    connection.execute(RAW)
    events = Events(names("copied"))
    types = ["text", "int8", "text", "bytea"]

    def side() -> float:
        batches = [[tuple(vars(e).values()) for e in events.take(number)] for _ in range(commits)]
        statement = f"COPY {ROW} FROM STDIN (FORMAT BINARY)"
        with watched() as watch:
            for rows in batches:
                with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                    copy.set_types(types)
                    for row in rows:
                        copy.write_row(row)
        return watch.rate(commits * number)

    return side
