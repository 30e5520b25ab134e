"""Many threads of a fresh process read records at once, before any has been read."""

from __future__ import annotations

import sys
from datetime import date
from multiprocessing import get_context
from threading import Barrier, Thread
from typing import Any

import pytest

from aggregates.base import Actor, Envelope, Fact
from aggregates.unit import UnitMoved, UnitRegistered
from service.ledger.body import decode, encode
from tests.torture import hands

PROCESSES = [20, pytest.param(200, marks=pytest.mark.torture)]
THREADS = 16

ENVELOPE = Envelope("console", Actor("wang", "operator"), date(2021, 3, 1), "told")
FACTS: tuple[Fact[Any], ...] = (UnitRegistered("甲", "", 1), UnitMoved("", "101", 2, "改革"))


@pytest.mark.parametrize("processes", PROCESSES)
def test_a_fresh_process_survives_its_first_records(processes: int) -> None:
    context = get_context("forkserver")
    context.set_forkserver_preload([hands.__name__])
    for _ in range(processes):
        process = context.Process(target=read_at_once)
        process.start()
        process.join()
        assert process.exitcode == 0


def read_at_once() -> None:
    """Let threads change over as often as they can while they read their first records."""
    sys.setswitchinterval(1e-6)
    gate = Barrier(THREADS)
    bodies = [(fact.TOPIC, encode(ENVELOPE, fact)) for fact in FACTS]

    def read(number: int) -> None:
        gate.wait()
        for turn in range(30):
            decode(*bodies[(number + turn) % len(bodies)])

    threads = [Thread(target=read, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
