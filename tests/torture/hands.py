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
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from threading import Event
from typing import Any, Self

from eventsourcing.persistence import OperationalError

from aggregates.office import Token
from aggregates.roles import Role
from aggregates.unit import Unit
from commands.base import Act
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


@dataclass(frozen=True)
class Wanted:
    """What is asked for under a key: an act on a unit, which no rule refuses the first time.

    Mostly a unit is registered, in a history of its own. Every fourth request moves one of a few
    units that all hands move, under the unit that this hand registered just before.
    """

    key: str
    act: Act
    code: str
    body: dict[str, Any]

    @classmethod
    def under(cls, key: str) -> Self:
        hand, _, number = key.rpartition("-")
        turn, place = divmod(int(number), 4)
        if place == 3:
            body = {"reason": NAME, "superior": key_of(hand, int(number) - 1)}
            return cls(key, MoveUnit.act, MOVED[turn % len(MOVED)], body)
        return cls(key, RegisterUnit.act, key, {"name": NAME})

    def request(self) -> Request:
        """As the console asks for it."""
        return understand(self.act, Unit, self.code, self.body, token=CONSOLE, key=self.key)


def prepare(ledger: Ledger) -> None:
    """Register the units that all hands move."""
    for code in MOVED:
        wanted = Wanted(f"first-{code}", RegisterUnit.act, code, {"name": NAME})
        Desk(ledger).carry_out(wanted.request())


Ask = Callable[[Wanted], int]
"""Asks once; gives the position of the answer's record, or raises."""


class Unanswered(Exception):
    """Nobody answered, or to the effect that it should be asked again."""


AGAIN = (Unanswered, OperationalError, Busy)
"""After these the same is asked again, under the same key."""


@contextmanager
def at_a_desk(ledger: Ledger) -> Iterator[Ask]:
    """Ask at a desk of this process."""
    desk = Desk(ledger)

    def ask(wanted: Wanted) -> int:
        outcome = desk.carry_out(wanted.request())
        (record,) = outcome.records
        assert outcome.is_recorded, f"{wanted.key} was refused: {record.fact.sentence()}"
        assert record.stream == Unit.stream(wanted.code)
        return record.position

    yield ask


@dataclass
class Hands:
    """So many hands at work in this process, until they are told to stop."""

    asking: Callable[[], AbstractContextManager[Ask]]
    """How a hand asks; each has a way of its own."""
    number: int = HANDS
    name: str = "hand"
    together: int = 1
    """How many hands ask for the same things under the same keys."""
    begin: Mapping[str, int] = field(default_factory=dict)
    """The number of the first request of each hand that shall not begin with 0."""
    answered: Answered = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    told: Callable[[str, int], object] = lambda *_: None
    """Is told of every answer."""

    def __post_init__(self) -> None:
        self._stop, self._give_up = Event(), Event()

    @property
    def names(self) -> list[str]:
        return [f"{self.name}{number // self.together}" for number in range(self.number)]

    def work(self, stopping: Stopping) -> None:
        """Work until ``stopping`` returns; what was begun is still answered."""
        with ThreadPoolExecutor(self.number) as pool:
            running = [pool.submit(self._work, name) for name in self.names]
            try:
                stopping(self)
            except BaseException:
                self._give_up.set()
                raise
            finally:
                self._stop.set()
            for each in running:
                each.result()

    def _work(self, hand: str) -> None:
        with self.asking() as ask:
            for number in count(self.begin.get(hand, 0)):
                if self._stop.is_set():
                    return
                self._finish(ask, Wanted.under(key_of(hand, number)))

    def _finish(self, ask: Ask, wanted: Wanted) -> None:
        position = self._persist(ask, wanted)
        first = self.answered.setdefault(wanted.key, position)
        assert first == position, f"{wanted.key} is answered with {first} and with {position}"
        self.told(wanted.key, position)

    def _persist(self, ask: Ask, wanted: Wanted) -> int:
        """Ask until there is an answer for good."""
        while not self._give_up.is_set():
            try:
                return ask(wanted)
            except AGAIN as error:
                self.errors.append(error)
                self._give_up.wait(0.005)
        raise Unanswered(wanted.key)


Stopping = Callable[[Hands], object]
"""Returns when the hands shall stop."""


def until_answered(hands: Hands, number: int) -> None:
    """Wait until so many more requests have been answered."""
    goal = len(hands.answered) + number
    while len(hands.answered) < goal:
        time.sleep(0.002)


def until_refused(hands: Hands, number: int) -> None:
    """Wait until it has happened so many more times that something could not be recorded."""
    goal = len(hands.errors) + number
    while len(hands.errors) < goal:
        time.sleep(0.002)


class Child:
    """Hands in another process, which tells of every answer before it asks for the next thing."""

    def __init__(
        self,
        url: str,
        begin: Mapping[str, int],
        name: str = "hand",
        stopping: Stopping | None = None,
    ) -> None:
        """They work until ``stopping`` returns, by default until they are killed."""
        self._reading, writing = os.pipe()
        self.process = _fork(_work_on, url, dict(begin), name, stopping or _never, _Pipe(writing))
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


def _never(_: Hands) -> None:
    Event().wait()


def _work_on(url: str, begin: dict[str, int], name: str, stopping: Stopping, pipe: _Pipe) -> None:
    """What a child does: work, and tell."""

    def told(key: str, position: int) -> None:
        os.write(pipe.file, json.dumps([key, position]).encode() + b"\n")

    ledger = Ledger(make_engine(url), SLUG)
    hands = Hands(partial(at_a_desk, ledger), name=name, begin=begin, told=told)
    with suppress(BrokenPipeError):
        hands.work(stopping)


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
