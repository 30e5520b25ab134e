"""成批: those who wait together are served together, by one of them.

Whoever comes while nobody serves becomes the leader and serves all who wait; whoever comes while
a leader is at work waits, is served by the next leader, or becomes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from time import sleep

from service.ledger.batch import Insertion, Outcome, Row
from service.ledger.errors import OutcomeUnknown

MOST_RECORDS = 1_000
MOST_BYTES = 4_000_000
"""What one batch holds at most, unless a single insertion is larger."""

MOST_YIELDS = 4
"""How often a leader lets other threads run before it begins."""

Settle = Callable[[Sequence[Insertion]], Mapping[Insertion, Outcome]]


class Place:
    """One insertion's place in the queue, and the gate before which its thread waits."""

    __slots__ = ("gate", "insertion", "leads", "outcome")

    def __init__(self, insertion: Insertion) -> None:
        self.insertion = insertion
        self.leads = False
        self.outcome: Outcome | None = None
        self.gate = Lock()
        self.gate.acquire()


class Group:
    """The queue before one ledger, in one process."""

    def __init__(self, settle: Settle) -> None:
        self._settle = settle
        self.reset()

    def reset(self) -> None:
        """Begin with nobody waiting, as in a process that has just been forked."""
        self._mutex = Lock()
        self._waiting: deque[Place] = deque()
        self._led = False
        self._served = 0

    def submit(self, insertion: Insertion) -> list[Row]:
        """Have an insertion served; its records, or why there are none."""
        place = self._enter(insertion)
        try:
            if not place.leads:
                place.gate.acquire()
            if place.leads:
                self._lead()
        except BaseException:
            self._leave(place)
            raise
        if not isinstance(place.outcome, list):
            raise place.outcome or lost()
        return place.outcome

    def _enter(self, insertion: Insertion) -> Place:
        place = Place(insertion)
        with self._mutex:
            self._waiting.append(place)
            place.leads, self._led = not self._led, True
        return place

    def _leave(self, place: Place) -> None:
        """Step out of the queue, and call the next leader if it would have been this thread."""
        with self._mutex:
            if place not in self._waiting:
                return
            self._waiting.remove(place)
        if place.leads:
            self._call_next()

    def _lead(self) -> None:
        places: list[Place] = []
        outcomes: Mapping[Insertion, Outcome] = {}
        try:
            self._gather()
            self._take(places)
            outcomes = self._settle([place.insertion for place in places])
        finally:
            for place in places:
                place.outcome = outcomes.get(place.insertion)
                place.leads = False
                place.gate.release()
            self._call_next()

    def _gather(self) -> None:
        """Let those who were just answered come back: half as many batches, twice as large."""
        for _ in range(MOST_YIELDS):
            if len(self._waiting) >= self._served:
                return
            sleep(0)

    def _take(self, places: list[Place]) -> None:
        """Take those who have waited longest, as many as one batch may hold, at least one."""
        records = size = 0
        with self._mutex:
            while self._waiting:
                insertion = self._waiting[0].insertion
                records, size = records + len(insertion.events), size + insertion.size
                if places and (records > MOST_RECORDS or size > MOST_BYTES):
                    break
                places.append(self._waiting.popleft())
        self._served = len(places)

    def _call_next(self) -> None:
        with self._mutex:
            self._led = bool(self._waiting)
            if self._waiting:
                leader = self._waiting[0]
                leader.leads = True
                leader.gate.release()


def lost() -> OutcomeUnknown:
    """What those are told whose leader was interrupted."""
    return OutcomeUnknown("the thread that was recording it was interrupted, repeat the request")
