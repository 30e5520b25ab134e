"""Two processes on one ledger, and somebody who reads along."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine

from service.ledger.engine import make_engine
from service.ledger.errors import ObservedRepeated, RecordConflict, RequestRepeated
from service.ledger.hashes import SHA256, SM3
from service.ledger.recorder import Recorder
from service.ledger.rows import Stored
from service.ledger.trees import Frontier
from tests.ledger.cast import AGENCY, PROJECT, event, request, row

PROCESSES, THREADS, ROUNDS = 2, 4, 15
TOGETHER = PROCESSES * THREADS * ROUNDS


def record(recorder: Recorder, who: str) -> list[str]:
    """What one thread records: for itself, in others' streams, and under keys that others use."""
    became = []
    for number in range(ROUNDS):
        own = f"project/{who}"
        recorder.append([event(own, number * 2 + 1), event(AGENCY), event(own, number * 2 + 2)])
        became.append(attempted(recorder, number))
        claimed(recorder)
    return became


def attempted(recorder: Recorder, number: int) -> str:
    """Everybody asks under the same keys and observes the same rows."""
    try:
        seen = replace(row("1"), row_id=str(number))
        recorder.append([event("office/main")], requests=[request(str(number))], observed=[seen])
    except (RequestRepeated, ObservedRepeated) as repeated:
        return type(repeated).__name__
    return "recorded"


def claimed(recorder: Recorder) -> None:
    """Take the next place of a stream that everybody wants, and insist on having seen the last."""
    while True:
        version = recorder.version_of(PROJECT)
        try:
            recorder.append([event(PROJECT, version + 1)], reads={PROJECT: version})
        except RecordConflict:
            continue
        return


def work(url: str, ledger: str, process: int, start: Any, answer: Any) -> None:
    engine = make_engine(url)
    recorder = Recorder(engine, ledger)
    start.wait()
    with ThreadPoolExecutor(THREADS) as threads:
        who = [f"{process}-{thread}" for thread in range(THREADS)]
        became = list(threads.map(record, [recorder] * THREADS, who))
    answer.put([each for thread in became for each in thread])
    engine.dispose()


def follow(recorder: Recorder, until: int) -> list[Stored]:
    """Read on from the last position read, as a projector does, however far the others are."""
    read: list[Stored] = []
    while len(read) < until:
        after = read[-1].id if read else 0
        read += recorder.select_notifications(after, 7, inclusive_of_start=False)
    return read


def test_nothing_is_missed_doubled_or_out_of_order(
    engine: Engine, ledger: str, recorder: Recorder
) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(PROCESSES), spawn.Queue()
    url = engine.url.render_as_string()
    processes = [
        spawn.Process(target=work, args=(url, ledger, number, start, answers))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()

    total = TOGETHER * 3 + ROUNDS + TOGETHER
    read = follow(recorder, total)
    became = [each for _ in processes for each in answers.get()]
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * PROCESSES
    assert [stored.id for stored in read] == list(range(1, total + 1))
    assert recorder.select_notifications(None, total + 1) == read
    assert became.count("recorded") == ROUNDS
    assert len(became) == TOGETHER

    places: dict[Any, list[int]] = {}
    for stored in read:
        places.setdefault(stored.originator_id, []).append(stored.originator_version)
    assert all(place == list(range(1, len(place) + 1)) for place in places.values())
    assert len(places[PROJECT]) == TOGETHER

    head, entries = recorder.head(), [stored.entry for stored in read]
    assert head.sha256 == Frontier(SHA256).grown(map(SHA256.leaf, entries))
    assert head.sm3 == Frontier(SM3).grown(map(SM3.leaf, entries))
    times = [stored.recorded_at for stored in read]
    assert times == sorted(times)
