"""Those who wait together are recorded together, and each is answered for itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine

from service.ledger import group as groups
from service.ledger.batch import Insertion, Outcome
from service.ledger.errors import (
    EntryTooLarge,
    ObservedRepeated,
    OutcomeUnknown,
    RecordConflict,
    RequestRepeated,
    RowConflict,
)
from service.ledger.group import Group
from service.ledger.recorder import Recorder
from service.ledger.tables import ledger_head
from tests.ledger.cast import AGENCY, NOON, PROJECT, event, events, request, row


class Ticking:
    """Tells a later time whenever it is asked: records of one batch share theirs."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


def until(condition: Callable[[], bool]) -> None:
    """Wait for other threads to get somewhere; the test's own timeout is the limit."""
    while not condition():
        threading.Event().wait(0.001)


@contextmanager
def held(engine: Engine) -> Iterator[None]:
    """Nobody can move the head for a while."""
    with engine.execution_options(writing=True).begin() as connection:
        connection.execute(ledger_head.select().with_for_update())
        yield


@pytest.fixture
def recorder(engine: Engine, ledger: str) -> Recorder:
    return Recorder(engine, ledger, Ticking())


@contextmanager
def pool(threads: int) -> Iterator[Callable[..., Future[Any]]]:
    with ThreadPoolExecutor(threads) as executor:
        yield executor.submit


def waiting(recorder: Recorder) -> int:
    return len(recorder._group._waiting)


def gathered(
    engine: Engine, recorder: Recorder, calls: Sequence[Callable[[], Any]]
) -> list[Future[Any]]:
    """The calls, in this order, waiting behind one that could not go on."""
    with pool(len(calls) + 1) as start:
        with held(engine):
            start(recorder.append, [event("project/first")])
            until(lambda: recorder._group._led and waiting(recorder) == 0)
            answers = []
            for number, call in enumerate(calls, 1):
                answers.append(start(call))
                until(lambda: waiting(recorder) == number)  # noqa: B023 — waited for at once
        return answers


def test_those_who_wait_together_are_recorded_together(engine: Engine, recorder: Recorder) -> None:
    streams = [f"project/{number}" for number in range(20)]
    calls = [partial(recorder.append, [event(stream, 1)]) for stream in streams]
    answers = [answer.result() for answer in gathered(engine, recorder, calls)]
    assert [stored.id for (stored,) in answers] == list(range(2, 22))
    assert [stored.originator_id for (stored,) in answers] == streams
    assert len({stored.recorded_at for (stored,) in answers}) == 1


def test_a_refused_call_fails_none_of_its_neighbours(engine: Engine, recorder: Recorder) -> None:
    recorder.append(events(PROJECT, 2), requests=[request("old")], observed=[row("1")])
    faulty: dict[type[Exception], Callable[[], Any]] = {
        RecordConflict: partial(recorder.append, [event(PROJECT, 2)]),
        RequestRepeated: partial(recorder.append, [event()], requests=[request("old")]),
        ObservedRepeated: partial(recorder.append, [event()], observed=[row("1")]),
        EntryTooLarge: partial(recorder.append, [event(), event(body=b"x" * 65_535)]),
    }
    sound = [partial(recorder.append, [event(AGENCY)]) for _ in faulty]
    calls = [call for pair in zip(sound, faulty.values(), strict=True) for call in pair]
    answers = gathered(engine, recorder, calls)
    versions = [answer.result()[0].originator_version for answer in answers[::2]]
    assert versions == [1, 2, 3, 4]
    assert [type(answer.exception()) for answer in answers[1::2]] == list(faulty)
    assert recorder.version_of(PROJECT) == 2
    assert recorder.head().size == 7


def test_a_call_that_the_database_refuses_fails_none_of_its_neighbours(
    engine: Engine, recorder: Recorder
) -> None:
    """Nothing foresees a key used twice in one call; its constraint does."""
    calls = [
        partial(recorder.append, [event(AGENCY)]),
        partial(recorder.append, events(PROJECT, 2), observed=[row("1"), row("1")]),
        partial(recorder.append, [event(AGENCY)]),
    ]
    first, twice, last = gathered(engine, recorder, calls)
    assert [first.result()[0].id, last.result()[0].id] == [2, 3]
    assert "UNIQUE" in str(twice.exception()).upper()


def test_of_neighbours_with_one_key_the_first_is_recorded_and_the_second_told(
    engine: Engine, recorder: Recorder
) -> None:
    calls = [
        partial(recorder.append, events(PROJECT, 2), requests=[request("k")], observed=[row("1")]),
        partial(recorder.append, [event(AGENCY)], requests=[request("k")]),
        partial(recorder.append, [event(AGENCY)], observed=[row("1")]),
        partial(recorder.append, [event(PROJECT, 3)], reads={PROJECT: 2}),
        partial(recorder.append, [event(AGENCY)], reads={PROJECT: 2}),
    ]
    first, key, observed, next_one, behind = gathered(engine, recorder, calls)
    assert [stored.id for stored in first.result()] == [2, 3]
    repeated = key.exception()
    assert isinstance(repeated, RequestRepeated)
    assert repeated.row.positions == (2, 3)
    assert isinstance(observed.exception(), ObservedRepeated)
    assert [stored.id for stored in next_one.result()] == [4]
    assert isinstance(behind.exception(), RecordConflict)


def test_of_neighbours_with_one_source_row_the_second_decides_again(
    engine: Engine, recorder: Recorder
) -> None:
    """Two revisions of a row that nobody had seen, each told as its first record."""
    calls = [
        partial(recorder.append, [event(PROJECT, 1)], observed=[row("1")]),
        partial(recorder.append, [event(AGENCY)], observed=[row("2")]),
        partial(recorder.append, [event(AGENCY)], observed=[row("3", first=2)]),
    ]
    first, as_new, later = gathered(engine, recorder, calls)
    assert [stored.id for stored in first.result()] == [2]
    assert isinstance(as_new.exception(), RowConflict)
    assert [stored.id for stored in later.result()] == [3]


def test_a_batch_is_bounded_by_its_records_and_by_its_bytes(
    engine: Engine, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MOST_RECORDS", 4)
    monkeypatch.setattr(groups, "MOST_BYTES", 1_000)
    sizes = [2, 2, 1, 9, 1]
    calls = [partial(recorder.append, [event()] * size) for size in sizes]
    calls += [partial(recorder.append, [event(body=b"x" * 900)]) for _ in range(2)]
    answers = [answer.result() for answer in gathered(engine, recorder, calls)]
    times = [stored[0].recorded_at for stored in answers]
    batches = [times.index(time) for time in times]
    assert batches == [0, 0, 2, 3, 4, 4, 6]


def test_many_threads_leave_no_gap_and_no_thread_without_its_answer(recorder: Recorder) -> None:
    def record(thread: int) -> list[int]:
        stream = f"project/{thread}"
        return [recorder.insert_events([event(stream, v)])[0] for v in range(1, 21)]

    with pool(32) as start:
        answers = [start(record, thread) for thread in range(32)]
        positions = [position for answer in answers for position in answer.result()]
    assert sorted(positions) == list(range(1, 641))
    stored = recorder.select_notifications(None, 1_000)
    assert [each.id for each in stored] == list(range(1, 641))


def test_many_threads_on_one_stream_are_each_recorded_once_or_refused(recorder: Recorder) -> None:
    def record(thread: int) -> int:
        recorded = 0
        while recorded < 5:
            version = recorder.version_of(PROJECT) + 1
            try:
                recorder.append(
                    [event(PROJECT, version)], requests=[request(f"{thread}/{version}")]
                )
            except RecordConflict:
                continue
            recorded += 1
        return recorded

    with pool(8) as start:
        assert sum(answer.result() for answer in [start(record, n) for n in range(8)]) == 40
    versions = [stored.originator_version for stored in recorder.select_events(PROJECT)]
    assert versions == list(range(1, 41))


class Settling:
    """Answers for a database that is reached when the test says so."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.batches: list[int] = []
        self.error: BaseException | None = None

    def __call__(self, insertions: Sequence[Insertion]) -> dict[Insertion, Outcome]:
        self.batches.append(len(insertions))
        self.began.release()
        self.may_end.acquire()
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return {insertion: [] for insertion in insertions}


def insertion() -> Insertion:
    return Insertion([event()])


class Interrupted(BaseException):
    """What a thread is stopped with."""


def test_followers_of_an_interrupted_leader_are_told_that_nobody_knows() -> None:
    settling = Settling()
    group = Group(settling)
    with pool(3) as start:
        first = start(group.submit, insertion())
        settling.began.acquire()
        followers = [start(group.submit, insertion()) for _ in range(2)]
        until(lambda: len(group._waiting) == 2)
        settling.may_end.release()
        settling.began.acquire()
        settling.error = Interrupted()
        settling.may_end.release()
        errors = [follower.exception() for follower in followers]
    assert first.result() == []
    assert {type(error) for error in errors} == {Interrupted, OutcomeUnknown}
    settling.may_end.release()
    assert group.submit(insertion()) == []


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt, also where whoever started the tests has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_who_is_interrupted_while_waiting_is_not_recorded() -> None:
    settling = Settling()
    group = Group(settling)
    main = threading.get_ident()

    def interrupt() -> None:
        until(lambda: len(group._waiting) == 1)
        signal.pthread_kill(main, signal.SIGINT)

    with pool(2) as start:
        leader = start(group.submit, insertion())
        settling.began.acquire()
        start(interrupt)
        with pytest.raises(KeyboardInterrupt):
            group.submit(insertion())
        settling.may_end.release()
        assert leader.result() == []
    settling.may_end.release()
    assert group.submit(insertion()) == []
    assert settling.batches == [1, 1]


def test_who_is_interrupted_when_called_to_lead_calls_the_next() -> None:
    settling = Settling()
    group = Group(settling)
    called = group._enter(insertion())
    with pool(1) as start:
        follower = start(group.submit, insertion())
        until(lambda: len(group._waiting) == 2)
        group._leave(called)
        settling.may_end.release()
        assert follower.result() == []
    assert settling.batches == [1]
