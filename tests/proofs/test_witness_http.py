"""A witness at the door: what the specification says, for whatever is sent."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from service import logs
from service.http.witness import BODY_LIMIT, create_witness
from service.proofs.checkpoints import base64_of
from service.proofs.notes import Note
from service.proofs.witness import Witness
from tests.conftest import Databases, opened
from tests.doors.test_logs import Log as Lines
from tests.proofs.growing import Log
from tests.proofs.test_notes import signer
from tests.proofs.test_witness import LOG, POLICY, PUBLISHED, REWRITTEN, SIGNER, seen_at

PLAIN = "text/plain; charset=utf-8"
STOLEN = Log(signer=replace(LOG.signer, private=Ed25519PrivateKey.generate()))


@pytest.fixture
def client(engine: Engine) -> FlaskClient:
    return create_witness(Witness(engine, SIGNER, POLICY)).test_client()


def post(client: FlaskClient, body: bytes) -> TestResponse:
    return client.post("/add-checkpoint", data=body)


def test_it_says_who_it_is(client: FlaskClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.content_type) == (200, PLAIN)
    assert answer.text == f"{SIGNER.name}\n{SIGNER.public}\n"


def test_a_cosignature_is_a_line_of_a_note(client: FlaskClient) -> None:
    answer = post(client, LOG.submission(0, 5))
    assert (answer.status_code, answer.content_type) == (200, PLAIN)
    assert seen_at(answer.text, LOG.checkpoint(5))


def test_another_size_is_told_by_a_type_of_its_own(client: FlaskClient) -> None:
    post(client, LOG.submission(0, 5))
    answer = post(client, LOG.submission(0, 6))
    assert (answer.status_code, answer.content_type) == (409, "text/x.tlog.size")
    assert answer.data == b"5\n"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"nonsense", 400),
        (STOLEN.submission(0, 5), 403),
        (PUBLISHED, 404),
        (Log(signer=signer("wenxiao.example/other")).submission(0, 5), 404),
        (REWRITTEN.submission(5, 5), 409),
        (REWRITTEN.submission(5, 6), 422),
    ],
)
def test_what_is_refused_has_its_status(client: FlaskClient, body: bytes, status: int) -> None:
    post(client, LOG.submission(0, 5))
    answer = post(client, body)
    assert (answer.status_code, answer.content_type) == (status, PLAIN)
    assert answer.text.endswith("\n")


@pytest.fixture
def log() -> Iterator[Lines]:
    stream = Lines()
    logs.configure("info", stream)
    yield stream
    structlog.reset_defaults()


def test_the_evidence_against_a_ledger_is_kept_in_the_log(client: FlaskClient, log: Lines) -> None:
    post(client, LOG.submission(0, 5))
    for old, size in ((5, 5), (5, 6)):
        post(client, REWRITTEN.submission(old, size))
        signed, answered = log.lines()[-2:]
        assert (signed["event"], answered["event"]) == ("misbehaved", "answered")
        note = Note.parse(signed["note"])
        assert note.signed_by([LOG.signer.public]) == {LOG.signer.public: None}
        assert note == REWRITTEN.checkpoint(size)


def test_an_unexpected_error_is_told_to_the_log_alone(engine: Engine, log: Lines) -> None:
    app = create_witness(Witness(engine, SIGNER, POLICY))
    app.add_url_rule("/fail", view_func=lambda: str(int("secret")))
    answer = app.test_client().get("/fail")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error\n")
    assert log.lines()[0]["error"] == "ValueError"
    assert b"secret" not in log.getvalue()


def test_what_is_too_long_is_not_read(client: FlaskClient) -> None:
    assert post(client, b"x" * BODY_LIMIT).status_code == 400
    assert post(client, b"x" * (BODY_LIMIT + 1)).status_code == 413
    for length, status in ((BODY_LIMIT - 1, 400), (BODY_LIMIT + 1, 413)):
        in_pieces = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        answer = client.post(
            "/add-checkpoint", input_stream=io.BytesIO(b"x" * length), environ_overrides=in_pieces
        )
        assert (answer.status_code, answer.content_type) == (status, PLAIN)


def test_only_what_is_there_can_be_asked(client: FlaskClient) -> None:
    wrong = client.get("/add-checkpoint")
    assert (wrong.status_code, wrong.content_type, wrong.headers["Allow"]) == (405, PLAIN, "POST")
    for path in ("/add-checkpoint/", "//add-checkpoint", "/checkpoint"):
        answer = client.post(path, data=LOG.submission(0, 5))
        assert (answer.status_code, answer.content_type) == (404, PLAIN)


def test_a_database_that_is_away_is_not_the_callers_fault(postgres_engine: Engine) -> None:
    url = postgres_engine.url.set(database="nowhere").render_as_string(hide_password=False)
    with opened(url) as nowhere:
        client = create_witness(Witness(nowhere, SIGNER, POLICY)).test_client()
        answer = post(client, LOG.submission(0, 5))
    assert (answer.status_code, answer.content_type) == (503, PLAIN)
    assert int(answer.headers["Retry-After"]) > 0


@pytest.fixture(scope="module")
def door(sqlite_databases: Databases) -> Iterator[FlaskClient]:
    """One for many attempts; it has seen five records."""
    with sqlite_databases() as url, opened(url) as engine:
        client = create_witness(Witness(engine, SIGNER, POLICY)).test_client()
        post(client, LOG.submission(0, 5))
        yield client


numbers = st.integers(-1, 2**64) | st.sampled_from([0, 5, 6, 7, 2**63 - 1, 2**63, 10**19])
texts = st.one_of(numbers.map(str), st.text(max_size=20))
hashes = st.binary(min_size=31, max_size=33).map(base64_of)
lines = st.lists(texts | hashes, max_size=5)


@given(
    st.sampled_from(["old 0", "old 5", "old 7", f"old {2**63}"]) | texts,
    lines,
    st.just(LOG.signer.name) | texts,
    texts,
    lines,
)
def test_whatever_a_ledger_signs_is_no_fault_of_the_witness(
    door: FlaskClient, old: str, path: list[str], origin: str, size: str, more: list[str]
) -> None:
    text = "\n".join([origin, size, *more, ""])
    note = Note(text, (LOG.signer.sign(text),))
    answer = post(door, "\n".join([old, *path, "", str(note)]).encode())
    assert answer.status_code in {200, 400, 403, 404, 409, 422}


@given(st.binary(max_size=300))
def test_whatever_anybody_sends_is_no_fault_of_the_witness(door: FlaskClient, body: bytes) -> None:
    assert post(door, body).status_code == 400


GOOD = LOG.submission(5, 9)


@given(st.integers(0, len(GOOD) * 8 - 1))
def test_no_bit_of_a_request_can_be_another(door: FlaskClient, place: int) -> None:
    data = bytearray(GOOD)
    data[place // 8] ^= 1 << place % 8
    assert post(door, bytes(data)).status_code in {400, 403, 404, 409, 422}
