"""分工: the stretches of a ledger, examined by this process or by others beside it, in order.

Each of several processes takes its turn in the order of the stretches; this one is the first of
them, and the others send what is left of each through a pipe of their own. There is nothing between
them that one could leave locked.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Literal

from service.ledger.engine import make_engine
from service.ledger.recorder import storage
from service.ledger.storage import Storage
from service.ledger.stretch import STRETCH, Stretch, examine

WORTH_A_PROCESS = 8 * STRETCH
"""With fewer records than this for each, another process is not worth its start."""

MOST_PROCESSES = 4
"""So many at most, unless more are asked for: each takes memory, and work for the database."""

Bounds = tuple[int, int]


def worth(records: int) -> int:
    """How many processes are worth their start."""
    return min(processors(), MOST_PROCESSES, records // WORTH_A_PROCESS)


def processors() -> int:
    """How many processes this machine lets us run at once."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def examined(
    stored: Storage[Any], records: Bounds, processes: int, *, facts: bool
) -> Iterator[Iterator[Stretch]]:
    """The stretches of these records, one after the other. Raises as ``examine`` does, and
    ``ChildProcessError`` where somebody has ended a process that was at work.
    """
    first, last = records
    bounds = [(n, min(n + STRETCH - 1, last)) for n in range(first, last + 1, STRETCH)]
    url = stored.engine.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        others = [
            stack.enter_context(_examiner(url, stored.ledger, bounds[n::processes], facts=facts))
            for n in range(1, min(processes, len(bounds)))
        ]
        yield (
            _received(turn) if turn else examine(stored, *each, facts=facts)
            for each, turn in zip(bounds, cycle([None, *others]), strict=False)
        )


@contextmanager
def _examiner(
    url: str, ledger: str, bounds: Sequence[Bounds], *, facts: bool
) -> Iterator[Connection]:
    """A process that examines these stretches; ended with the block, whatever it is doing."""
    context: Any = get_context(_way_to_begin())
    results, told = context.Pipe(duplex=False)
    given = (results, told, url, ledger, bounds, facts)
    process = context.Process(target=_work, args=given, daemon=True)
    with told, _uninterrupted():
        process.start()
    try:
        yield results
    finally:
        process.terminate()
        process.join()
        results.close()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """An interruption comes later, and never to a process that begins meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _way_to_begin() -> Literal["fork", "spawn"]:
    """A copy of this process is there at once, but safe only where no other thread is copied."""
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


def _work(
    results: Connection,
    told: Connection,
    url: str,
    ledger: str,
    bounds: Sequence[Bounds],
    facts: bool,  # noqa: FBT001 - a process is given its arguments by position
) -> None:
    """What such a process does. Whoever began it ends it, and nothing it makes goes in circles."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    results.close()  # held open here, too, a full pipe would never break once nobody reads it
    gc.disable()
    with suppress(BrokenPipeError):
        try:
            stored = storage(make_engine(url, pool_size=1), ledger)
            for each in bounds:
                told.send(examine(stored, *each, facts=facts))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where it was asked for
            told.send(error)


def _received(results: Connection) -> Stretch:
    try:
        found = results.recv()
    except EOFError as ended:
        raise ChildProcessError("a process that was at work has been ended") from ended
    if isinstance(found, Exception):
        raise found
    stretch: Stretch = found
    return stretch
