"""经办: many hands that ask for acts under keys of their own, in this process or in another one.

Each hand asks for one thing after the other and repeats it under the same key until it is answered
for good. So what was asked for and what was answered can be told exactly, whatever happens between.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from threading import Event
from typing import Any

from eventsourcing.persistence import OperationalError

from aggregates.office import Token
from aggregates.roles import Role
from aggregates.unit import Unit
from commands.base import ACTS, Command
from commands.unit import MoveUnit, RegisterUnit
from service.clock import Clock, utc_now
from service.desk import Busy, Desk
from service.ledger.application import Ledger
from service.ledger.engine import make_engine
from service.request import Request, understand

SLUG = "torture"
HANDS = 16
NEVER = datetime(2100, 1, 1, tzinfo=UTC)
CONSOLE = Token("console", "", (Role.OPERATOR,), NEVER, system="console")
NAME = "农业农村局" * 20
MOVED = ("shared-1", "shared-2", "shared-3")

Answered = dict[str, int]
"""Under each key that was answered, the position of its record."""


def key_of(hand: str, number: int) -> str:
    """The key of a hand's so-many-th request, and the code of the unit that it registers."""
    return f"{hand}-{number}"


def request(key: str) -> Request:
    """A request that no rule refuses, unless it has been carried out before.

    Mostly a unit is registered, in a history of its own. Every fourth request moves one of a few
    units that all hands move, under the unit that this hand registered just before.
    """
    hand, _, number = key.rpartition("-")
    turn, place = divmod(int(number), 4)
    if place == 3:
        body = {"reason": NAME, "superior": key_of(hand, int(number) - 1)}
        return asked(MoveUnit, MOVED[turn % len(MOVED)], body, key)
    return asked(RegisterUnit, key, {"name": NAME}, key)


def asked(command: type[Command[Any]], code: str, body: dict[str, Any], key: str) -> Request:
    """An act on a unit, as the console asks for it."""
    return understand(ACTS[command.act.name], Unit, code, body, token=CONSOLE, key=key)


def prepare(ledger: Ledger) -> None:
    """Register the units that all hands move."""
    for code in MOVED:
        Desk(ledger).carry_out(asked(RegisterUnit, code, {"name": NAME}, f"first-{code}"))


def carried_out(desk: Desk, key: str) -> int:
    """Where the record is that answers a key; raises as the desk does."""
    it = request(key)
    outcome = desk.carry_out(it)
    assert outcome.is_recorded, f"{key} was refused: {outcome.records[0].fact.sentence()}"
    (record,) = outcome.records
    assert (record.stream, record.envelope.request) == (Unit.stream(it.code), key)
    return record.position


def persisted(desk: Desk, key: str, until: Event, seen: Callable[[Exception], None]) -> int | None:
    """The same, asked again as long as the answer is to come back later; None where time is up."""
    while not until.is_set():
        try:
            return carried_out(desk, key)
        except (OperationalError, Busy) as error:
            seen(error)
            time.sleep(0.005)
    return None


@dataclass
class Hands:
    """So many hands at work in this process, until they are told to stop."""

    ledger: Ledger
    number: int = HANDS
    name: str = "hand"
    begin: Mapping[str, int] = field(default_factory=dict)
    """The number of the first request of each hand that shall not begin with 0."""
    answered: Answered = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    told: Callable[[str, int], object] = lambda *_: None
    """Is told of every answer."""

    def __post_init__(self) -> None:
        self._stop = Event()

    @property
    def names(self) -> list[str]:
        return [f"{self.name}{number}" for number in range(self.number)]

    def work(self, stopping: Callable[[Hands], object]) -> None:
        """Work until ``stopping`` returns; what was begun is still answered."""
        with ThreadPoolExecutor(self.number) as pool:
            running = [pool.submit(self._work, name) for name in self.names]
            try:
                stopping(self)
            finally:
                self._stop.set()
            for each in running:
                each.result()

    def _work(self, hand: str) -> None:
        desk, number = Desk(self.ledger), self.begin.get(hand, 0)
        while not self._stop.is_set():
            key = key_of(hand, number)
            position = persisted(desk, key, Event(), self.errors.append)
            assert position is not None
            self.answered[key] = position
            self.told(key, position)
            number += 1


def until_answered(number: int) -> Callable[[Hands], None]:
    """Work until so many more requests have been answered."""

    def stopping(hands: Hands) -> None:
        goal = len(hands.answered) + number
        while len(hands.answered) < goal:
            time.sleep(0.002)

    return stopping


class Child:
    """Hands in another process, which tells of every answer before it asks for the next thing."""

    def __init__(self, url: str, begin: Mapping[str, int], name: str = "hand") -> None:
        self._reading, writing = os.pipe()
        self.process = _fork(_work_on, url, dict(begin), name, _Pipe(writing))
        os.close(writing)
        self._lines = os.fdopen(self._reading, "rb")

    def answers(self) -> Iterator[tuple[str, int]]:
        """Answers as they come, then those that were on their way when it ended."""
        for line in self._lines:
            if line.endswith(b"\n"):
                key, position = json.loads(line)
                yield key, position

    def kill(self) -> None:
        """End it as a crash does (kill -9)."""
        self.process.kill()
        self.process.join()

    def close(self) -> None:
        self._lines.close()


class _Pipe:
    """The writing end of a pipe, as it is handed to another process."""

    def __init__(self, file: int) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        from multiprocessing.reduction import DupFd

        return _received, (DupFd(self.file),)


def _received(duplicate: Any) -> _Pipe:
    return _Pipe(duplicate.detach())


def _fork(target: Callable[..., None], *given: Any) -> BaseProcess:
    """A process that has all modules loaded already, so that a hundred are soon started."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=target, args=given, daemon=True)
    process.start()
    return process


def _work_on(url: str, begin: dict[str, int], name: str, pipe: _Pipe) -> None:
    """What a child does: work, and tell, until it is killed."""

    def told(key: str, position: int) -> None:
        os.write(pipe.file, json.dumps([key, position]).encode() + b"\n")

    ledger = Ledger(make_engine(url), SLUG)
    with suppress(BrokenPipeError):
        Hands(ledger, name=name, begin=begin, told=told).work(lambda _: Event().wait())


def next_numbers(answered: Iterable[str]) -> dict[str, int]:
    """For each hand the number of its first request that is not known to be answered."""
    numbers: dict[str, int] = {}
    for key in answered:
        hand, _, number = key.rpartition("-")
        numbers[hand] = max(numbers.get(hand, 0), int(number) + 1)
    return numbers


def ledger_on(url: str, clock: Clock = utc_now) -> Ledger:
    """The ledger that all hands work on."""
    return Ledger(make_engine(url), SLUG, clock)
