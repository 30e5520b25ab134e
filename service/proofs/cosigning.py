"""联署: every witness of a policy is shown a checkpoint, all at the same time.

Witnesses are other people's machines. What one of them answers counts only if its own key has
signed exactly what we have signed; and whatever it does, the others are heard.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Thread
from typing import NamedTuple
from urllib.parse import urlsplit

from service.proofs.checkpoints import NUMBER, head_of
from service.proofs.notes import BadNote, Note, Signature
from service.proofs.policy import Witness
from service.proofs.witness import Forked, Inconsistent, Stale, Submission

SECONDS = 10.0
"""How long is waited for all witnesses together."""

LONGEST = 65_536
"""The most bytes of an answer that are read."""

SCHEMES: Mapping[str, type[HTTPConnection]] = {"http": HTTPConnection, "https": HTTPSConnection}
PRINTABLE = re.compile(r"[^\x20-\x7e]")

Consistency = Callable[[int], list[bytes]]
"""The proof that the tree of an earlier size is the beginning of that of the checkpoint."""


@dataclass(frozen=True)
class Answer:
    """答复: a witness's cosignature, or the reason why there is none.

    ``seen`` is how far the witness is known to have seen the ledger now: begin there next time.
    ``contradicts``: what it has signed before is not the beginning of what it is shown.
    """

    witness: Witness
    seen: int
    signature: Signature | None = None
    reason: str = ""
    contradicts: bool = False


class Unheard(Exception):
    """未获联署: there is no cosignature, for the reason that this says."""


class Contradicted(Unheard):
    """见证相悖: the witness has signed another history before."""


def cosigned(
    note: Note,
    witnesses: Iterable[Witness],
    consistency: Consistency,
    seen: Mapping[str, int] | None = None,
    seconds: float = SECONDS,
) -> list[Answer]:
    """What the witnesses say that have an address, in their order.

    ``seen`` tells, by the policy's names, how far each has seen the ledger; what is wrong there
    costs one more request. ``consistency`` is called from several threads at once; what it raises,
    this raises when all have been asked. Raises ``BadNote`` where the note is no checkpoint.
    """
    size, known = head_of(note.text)[1], seen or {}
    asked = [
        _Asking(note, size, consistency, each, min(known.get(each.name, 0), size), seconds)
        for each in witnesses
        if each.url
    ]
    for asking in asked:
        asking.start()
    wait([asking.said for asking in asked], seconds)
    return [asking.answer() for asking in asked]


class Response(NamedTuple):
    """What came back over HTTP."""

    status: int
    kind: str
    body: str

    @property
    def is_stale(self) -> bool:
        """Does it ask for the proof to begin at another size?"""
        return (self.status, self.kind) == (Stale.status, Stale.content_type)


@dataclass
class _Asking:
    """One witness being asked, in a thread that nobody has to wait for."""

    note: Note
    size: int
    consistency: Consistency
    witness: Witness
    seen: int
    seconds: float
    said: Future[Signature] = field(default_factory=Future)
    _socket: socket.socket | None = None
    _is_over: bool = False

    def start(self) -> None:
        Thread(target=self._run, name=f"asks {self.witness.name}", daemon=True).start()

    def answer(self) -> Answer:
        """What has come of it by now; nothing more will."""
        if not self.said.done():
            self._cut()
            return Answer(self.witness, self.seen, reason=self._too_late)
        try:
            return Answer(self.witness, self.size, self.said.result())
        except Unheard as error:
            contradicts = isinstance(error, Contradicted)
            return Answer(self.witness, self.seen, reason=str(error), contradicts=contradicts)

    def _run(self) -> None:
        try:
            self.said.set_result(self._ask())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where it was asked
            self.said.set_exception(error)

    def _ask(self) -> Signature:
        """Raises ``Unheard``, and what ``consistency`` raises."""
        found = self._posted()
        if found.is_stale:
            self._learn(found.body)
            found = self._posted()
        if found.status != 200:
            said = PRINTABLE.sub("?", found.body.partition("\n")[0])[:100]
            kind = Contradicted if self._is_contradicted(found) else Unheard
            raise kind(f"it answered {found.status}: {said}")
        return self._signature(found.body)

    def _is_contradicted(self, found: Response) -> bool:
        """Does it say so itself: of the same size by a conflict, of a larger one by the proof?"""
        if found.status == Forked.status and self.seen == self.size:
            return not found.is_stale or found.body == f"{self.size}\n"
        return found.status == Inconsistent.status

    def _learn(self, said: str) -> None:
        """How far it has seen the ledger, as it says itself."""
        if not said.endswith("\n") or not NUMBER.fullmatch(said[:-1]):
            raise Unheard("it has seen another size, and does not say which")
        self.seen = int(said)
        if self.seen > self.size:
            raise Unheard(f"it has seen {self.seen} records, and is shown {self.size}")

    def _signature(self, body: str) -> Signature:
        for line in body.split("\n"):
            with suppress(BadNote):
                signature = Signature.parse(line)
                if signature.is_by(self.witness.key):
                    self.witness.key.time_of(self.note.text, signature.value)
                    return signature
        raise Unheard("nothing that it answered is its own signature of this checkpoint")

    def _posted(self) -> Response:
        path = self.consistency(self.seen)
        body = bytes(Submission(self.seen, tuple(path), self.note))
        try:
            return self._exchanged(body)
        except TimeoutError as error:
            raise Unheard(self._too_late) from error
        except (OSError, HTTPException, ValueError) as error:
            raise Unheard(f"it cannot be asked: {str(error) or type(error).__name__}") from error

    def _exchanged(self, body: bytes) -> Response:
        """Nothing is followed elsewhere, and nothing asked of other schemes than these."""
        address = urlsplit(self.witness.url)
        if address.scheme not in SCHEMES or not address.hostname:
            raise ValueError(f"no address of HTTP: {self.witness.url}")
        connection = SCHEMES[address.scheme](address.netloc, timeout=self.seconds)
        with closing(connection):
            connection.connect()
            self._socket = connection.sock
            if self._is_over:
                raise TimeoutError
            headers = {"Content-Type": "text/plain; charset=utf-8", "Connection": "close"}
            connection.request("POST", f"{address.path.rstrip('/')}/add-checkpoint", body, headers)
            with connection.getresponse() as found:
                said = found.read(LONGEST + 1)
                if len(said) > LONGEST:
                    raise ValueError(f"it answers more than {LONGEST} bytes")
                kind = found.headers.get_content_type()
                return Response(found.status, kind, said.decode(errors="replace"))

    @property
    def _too_late(self) -> str:
        return f"no answer within {self.seconds:g} s"

    def _cut(self) -> None:
        """End the thread's waiting, for a witness may send a byte now and then for ever."""
        self._is_over = True
        if self._socket:
            with suppress(OSError):
                # Not the method of a socket under TLS, which forgets its state under the reader.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
