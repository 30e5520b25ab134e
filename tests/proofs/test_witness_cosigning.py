"""A ledger asks its witnesses: who has signed is believed, and nobody is waited for."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from service.http.witness import create_witness
from service.proofs.cosigning import LONGEST, Answer, cosigned
from service.proofs.notes import BadNote, Note, Signer
from service.proofs.policy import Witness as Known
from service.proofs.witness import Submission, Witness
from tests.proofs import test_notes
from tests.proofs.growing import Log
from tests.proofs.test_witness import LOG, PATIENCE, POLICY, REWRITTEN, SIGNER

SECONDS = 30.0
"""More than anybody needs who answers at all."""
MOMENT = 0.3
"""Of those who do not."""

TYPE = "text/x.tlog.size"


class Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        pass


@contextmanager
def served(application: Any) -> Iterator[str]:
    """The address of a server of this machine, until the end."""
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    with ExitStack() as stack:
        yield lambda application: stack.enter_context(served(application))


@pytest.fixture
def honest(engine: Engine, serve: Callable[[Any], str]) -> Known:
    """A witness that does what it should."""
    url = serve(create_witness(Witness(engine, SIGNER, POLICY)))
    return Known("honest", SIGNER.public, f"{url}/")


def ask(
    log: Log, size: int, witnesses: Sequence[Known], seen: dict[str, int] | None = None
) -> list[Answer]:
    return cosigned(log.checkpoint(size), witnesses, log.consistency(size), seen, SECONDS)


def lying(serve: Callable[[Any], str], lie: Callable[[Submission], Response]) -> Known:
    """A witness of the honest one's key, whose answers are made up."""

    @Request.application
    def application(request: Request) -> Response:
        return lie(Submission.parse(request.get_data()))

    return Known("lying", SIGNER.public, serve(application))


def test_growth_is_cosigned(honest: Known) -> None:
    seen: dict[str, int] = {}
    for size in (3, 3, 4, 9):
        (answer,) = ask(LOG, size, [honest], seen)
        assert (answer.witness, answer.reason) == (honest, "")
        assert answer.signature is not None
        note = LOG.checkpoint(size).with_signatures([answer.signature])
        assert SIGNER.public in note.signed_by([SIGNER.public])
        seen = {honest.name: answer.seen}
        assert seen == {"honest": size}


@pytest.mark.parametrize("wrong", [0, 2, 8, 99])
def test_a_witness_says_itself_how_far_it_has_seen(honest: Known, wrong: int) -> None:
    ask(LOG, 5, [honest])
    (answer,) = ask(LOG, 8, [honest], {"honest": wrong})
    assert (bool(answer.signature), answer.seen) == (True, 8)


def test_a_ledger_that_was_cut_back_is_told_so(honest: Known) -> None:
    ask(LOG, 9, [honest])
    (answer,) = ask(LOG, 4, [honest])
    assert (answer.signature, answer.seen) == (None, 9)
    assert answer.reason == "it has seen 9 records, and is shown 4"


def test_a_ledger_written_anew_is_told_so(honest: Known) -> None:
    ask(LOG, 5, [honest])
    (larger,) = ask(REWRITTEN, 9, [honest])
    (same,) = ask(REWRITTEN, 5, [honest], {"honest": 5})
    (asked_anew,) = ask(REWRITTEN, 5, [honest])
    assert larger.reason.startswith("it answered 422: the tree of 5 is not the beginning")
    assert same.reason == "it answered 409: another tree of 5 was seen before"
    assert asked_anew == same
    for each in (larger, same):
        assert (each.signature, each.contradicts) == (None, True)


@pytest.mark.parametrize("kind", [TYPE, "text/plain"])
def test_a_conflict_at_its_own_size_is_a_contradiction_however_it_is_told(
    serve: Callable[[Any], str], kind: str
) -> None:
    def has_another_of_5(asked: Submission) -> Response:
        return Response("5\n", 409, content_type=TYPE if asked.old != 5 else kind)

    (answer,) = ask(LOG, 5, [lying(serve, has_another_of_5)])
    assert (answer.signature, answer.seen, answer.contradicts) == (None, 5, True)


def as_line(signer: Signer, text: str) -> Response:
    return Response(f"{signer.sign(text, 1_700_000_000)}\n")


IMPOSTOR = replace(SIGNER, private=Ed25519PrivateKey.generate())
OTHER = test_notes.witness("audit.example/w2")

LIES: dict[str, tuple[Callable[[Submission], Response], str]] = {
    "another text": (lambda _: as_line(SIGNER, LOG.checkpoint(4).text), "is its own signature"),
    "another key": (lambda asked: as_line(IMPOSTOR, asked.note.text), "is its own signature"),
    "another witness": (lambda asked: as_line(OTHER, asked.note.text), "is its own signature"),
    "our own": (lambda asked: Response(f"{asked.note.signatures[0]}\n"), "is its own signature"),
    "nothing": (lambda _: Response(""), "is its own signature"),
    "no line": (lambda _: Response(b"\xff\xfe\n\n\x00"), "is its own signature"),
    "too much": (lambda _: Response(b"\n" * (LONGEST + 1)), "it answers more than"),
    "elsewhere": (
        lambda _: Response("", 307, {"Location": "http://127.0.0.1/"}),
        "it answered 307: ",
    ),
    "a fault": (lambda _: Response("\x1b[2Jboo\nsecond", 500), r"it answered 500: \?\[2Jboo$"),
    "never enough": (
        lambda asked: Response(f"{asked.old + 1}\n", 409, content_type=TYPE),
        "409: 2",
    ),
    "beyond": (lambda _: Response("9\n", 409, content_type=TYPE), "it has seen 9 records"),
    "no size": (lambda _: Response("x\n", 409, content_type=TYPE), "does not say which"),
    "no line feed": (lambda _: Response("1", 409, content_type=TYPE), "does not say which"),
    "no type": (lambda _: Response("1\n", 409), "it answered 409: 1"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_told_and_believed_by_nobody(
    honest: Known, serve: Callable[[Any], str], lie: str
) -> None:
    made, because = LIES[lie]
    told, heard = ask(LOG, 5, [lying(serve, made), honest])
    assert (told.signature, told.contradicts, heard.reason) == (None, False, "")
    assert re.search(because, told.reason), told.reason


def test_what_is_true_among_lies_is_taken(serve: Callable[[Any], str]) -> None:
    def all_at_once(asked: Submission) -> Response:
        lies = [LIES[each][0](asked).get_data() for each in ("another text", "another key")]
        return Response(b"".join([*lies, as_line(SIGNER, asked.note.text).get_data()]))

    (answer,) = ask(LOG, 5, [lying(serve, all_at_once)])
    assert answer.signature == SIGNER.sign(LOG.checkpoint(5).text, 1_700_000_000)


@contextmanager
def listening(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of somebody who does not speak HTTP as one should."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection, suppress(OSError):
                connection.settimeout(PATIENCE)
                behave(connection)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def says_nothing(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def never_ends(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(MOMENT / 10)


def never_begins(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(MOMENT / 10)


@pytest.mark.parametrize("behave", [says_nothing, never_ends, never_begins])
def test_nobody_is_waited_for(behave: Callable[[socket.socket], None]) -> None:
    with listening(behave) as url:
        slow = Known("slow", SIGNER.public, url)
        note, proof = LOG.checkpoint(5), LOG.consistency(5)
        (answer,) = cosigned(note, [slow], proof, seconds=MOMENT)
    assert (answer.signature, answer.reason) == (None, f"no answer within {MOMENT} s")
    deadline = time.monotonic() + PATIENCE
    while any(each.name == "asks slow" for each in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def speaks_otherwise(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"220 mail\r\n")


def hangs_up(connection: socket.socket) -> None:
    connection.recv(1)


@pytest.mark.parametrize("behave", [speaks_otherwise, hangs_up])
def test_who_speaks_otherwise_is_not_heard(
    honest: Known, behave: Callable[[socket.socket], None]
) -> None:
    with listening(behave) as url:
        strange, heard = ask(LOG, 5, [Known("strange", SIGNER.public, url), honest])
    assert (strange.signature, heard.reason) == (None, "")
    assert strange.reason.startswith("it cannot be asked: ")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "http://127.0.0.1:port",
        "http://127.0.0.1:99999",
        "http://[::1",
        "http://",
        "http:///path",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "127.0.0.1",
        "http://127.0.0.1:1/石",
    ],
)
def test_who_is_not_there_does_not_stop_the_others(honest: Known, url: str) -> None:
    away, heard = ask(LOG, 5, [Known("away", SIGNER.public, url), honest])
    assert (away.signature, away.seen, heard.reason) == (None, 0, "")
    assert away.reason.startswith("it cannot be asked: ")


def test_tls_is_begun_where_the_address_says_so(serve: Callable[[Any], str]) -> None:
    url = serve(create_witness).replace("http:", "https:")
    (answer,) = ask(LOG, 5, [Known("plain", SIGNER.public, url)])
    assert "SSL" in answer.reason


def test_a_witness_without_an_address_is_not_asked() -> None:
    assert ask(LOG, 5, [Known("silent", SIGNER.public)]) == []


def test_a_proof_that_cannot_be_made_is_our_own_fault(honest: Known) -> None:
    def broken(_old: int) -> list[bytes]:
        raise LookupError("a tile is missing")

    with pytest.raises(LookupError, match="a tile is missing"):
        cosigned(LOG.checkpoint(5), [honest], broken, seconds=SECONDS)


def test_what_is_no_checkpoint_is_shown_to_nobody(honest: Known) -> None:
    note = Note("a text\n", (LOG.signer.sign("a text\n"),))
    with pytest.raises(BadNote):
        cosigned(note, [honest], LOG.consistency(5))
