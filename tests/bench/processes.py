"""并行: several processes on one ledger, and on four, each with 16 threads, a record per commit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.pool import Pool
from multiprocessing.synchronize import Barrier
from typing import Any, Self

from eventsourcing.persistence import ApplicationRecorder

from service.ledger.engine import make_engine
from service.ledger.recorder import Recorder
from tests.bench.appending import at_once
from tests.bench.ground import SLUG, Ground
from tests.bench.matter import Events, names
from tests.bench.measuring import Line, Side, alternately, compared

THREADS = 16
COMMITS = 60
FOUR = (SLUG, "bench-2", "bench-3", "bench-4")


class Worker:
    """A process with its recorders and its histories, ready before the others begin."""

    def __init__(self, url: str, gate: Barrier) -> None:
        self.engine, self.gate = make_engine(url), gate
        self.recorders = {slug: Recorder(self.engine, slug) for slug in FOUR}
        self.rounds = 0


_worker: list[Worker] = []
"""This process's own, where it is one."""


def on_postgresql(ground: Ground) -> Iterator[Line]:
    """One process beside two and four: the more there are, the more often a head is lost."""
    url = ground.postgresql(*FOUR)
    commits = ground.effort.of(COMMITS)
    with Workers(url, 1) as one, Workers(url, 2) as two, Workers(url, 4) as four:
        rates = alternately(
            ground.effort.rounds,
            {
                "1 on 1": one.side(FOUR[:1], commits),
                "2 on 1": two.side(FOUR[:1], commits),
                "4 on 1": four.side(FOUR[:1], commits),
                "1 on 4": one.side(FOUR, commits),
                "2 on 4": two.side(FOUR, commits),
                "4 on 4": four.side(FOUR, commits),
            },
        )
    beside = "one process, one ledger"
    yield compared("2 processes, one ledger", rates, "2 on 1", f"1 on 1:{beside}")
    yield compared("4 processes, one ledger", rates, "4 on 1", f"1 on 1:{beside}")
    yield compared("1 process, four ledgers", rates, "1 on 4", f"1 on 1:{beside}")
    yield compared("2 processes, four ledgers", rates, "2 on 4", f"1 on 1:{beside}")
    yield compared("4 processes, four ledgers", rates, "4 on 4", f"1 on 1:{beside}")


class Workers:
    """So many processes, which begin each round together."""

    def __init__(self, url: str, number: int) -> None:
        self.url, self.number = url, number

    def __enter__(self) -> Self:
        context = get_context("spawn")
        gate = context.Barrier(self.number)
        self._pool: Pool = context.Pool(self.number, _begin, (self.url, gate))
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()
        self._pool.join()

    def side(self, ledgers: Sequence[str], commits: int) -> Side:
        """All processes together on these ledgers, the threads of each spread among them."""

        def side() -> float:
            work = [(ledgers, f"{self.number}-{n}", commits) for n in range(self.number)]
            spans = self._pool.starmap(_work, work, chunksize=1)
            lasted = max(end for _, end in spans) - min(begin for begin, _ in spans)
            return self.number * THREADS * commits / lasted

        return side


def _begin(*given: Any) -> None:
    _worker.append(Worker(*given))


def _work(ledgers: Sequence[str], process: str, commits: int) -> tuple[float, float]:
    """What one process does in a round; when it began and ended, by a clock that all share."""
    (worker,) = _worker
    worker.rounds += 1
    group = f"{process}-{len(ledgers)}-{worker.rounds}"
    work: list[tuple[ApplicationRecorder, Any]] = [
        (
            worker.recorders[ledgers[n % len(ledgers)]],
            Events(names(f"{group}-{n}", 4)).take(commits),
        )
        for n in range(THREADS)
    ]
    worker.gate.wait()
    begin = time.monotonic()
    at_once(work)
    return begin, time.monotonic()
