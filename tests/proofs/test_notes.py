"""Signed notes: what others have published, what we sign ourselves, and what is refused."""

from __future__ import annotations

import base64
from contextlib import suppress
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from service.proofs.notes import (
    LONGEST,
    MOST_SIGNATURES,
    BadNote,
    Kind,
    Note,
    PublicKey,
    Signature,
    Signer,
)

NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SIGNED = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
PUBLISHED = f"""\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann {SIGNED}
"""
"""Key and note of the package that the format comes from, golang.org/x/mod/sumdb/note."""

TEXT = "wenxiao.example/shizong\n3\nAAAA\n"
SEED = bytes(range(32))


def signer(name: str = "wenxiao.example/shizong", kind: Kind = Kind.LOG) -> Signer:
    private = Ed25519PrivateKey.from_private_bytes(sha256(name.encode() + SEED).digest())
    return Signer(name, kind, private)


def witness(name: str = "audit.example/w1") -> Signer:
    return signer(name, Kind.WITNESS)


def test_a_note_that_others_signed_is_theirs() -> None:
    key = PublicKey.parse(NEUMANN)
    assert Note.parse(PUBLISHED).signed_by([key]) == {key: None}


def test_a_note_that_others_signed_and_somebody_changed_is_not() -> None:
    changed = Note.parse(PUBLISHED.replace("cryptography", "steganography"))
    with pytest.raises(BadNote, match="false signature by PeterNeumann"):
        changed.signed_by([PublicKey.parse(NEUMANN)])


def test_keys_and_notes_are_written_as_they_are_read() -> None:
    assert str(PublicKey.parse(NEUMANN)) == NEUMANN
    assert str(Note.parse(PUBLISHED)) == PUBLISHED


def test_a_log_and_its_witnesses_sign_one_text() -> None:
    log, one, other = signer(), witness(), witness("audit.example/w2")
    note = Note(TEXT, (log.sign(TEXT), one.sign(TEXT, 1_700_000_000), other.sign(TEXT, 7)))
    known = [log.public, other.public]
    assert Note.parse(str(note)).signed_by(known) == {log.public: None, other.public: 7}


def test_a_cosignature_is_over_the_time_too() -> None:
    one = witness()
    made = one.sign(TEXT, 1_700_000_000)
    later = Signature(made.name, made.number, (1_700_000_001).to_bytes(8) + made.value[8:])
    with pytest.raises(BadNote, match="false signature"):
        Note(TEXT, (later,)).signed_by([one.public])


def test_a_logs_signature_is_no_cosignature() -> None:
    one = witness()
    as_log = Signer(one.name, Kind.LOG, one.private)
    forged = Signature(one.name, one.public.number, as_log.sign(TEXT).value)
    with pytest.raises(BadNote, match="no cosignature"):
        Note(TEXT, (forged,)).signed_by([one.public])


def test_a_stranger_under_a_known_name_is_passed_over() -> None:
    stranger = Signer(signer().name, Kind.LOG, Ed25519PrivateKey.from_private_bytes(SEED))
    assert Note(TEXT, (stranger.sign(TEXT),)).signed_by([signer().public]) == {}


def test_who_signs_with_a_time_is_a_witness() -> None:
    with pytest.raises(BadNote, match="a log without"):
        signer().sign(TEXT, 7)
    with pytest.raises(BadNote, match="with the time"):
        witness().sign(TEXT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+",
        NEUMANN.replace("c74f20a3", "c74f20a4"),
        NEUMANN.replace("c74f20a3", "C74F20A3"),
        NEUMANN.replace("Peter", "Paul"),
        NEUMANN.replace("PeterNeumann", "Peter Neumann"),
        NEUMANN + "AA==",
        "n+" + sha256(b"n\n\x02" + bytes(32)).hexdigest()[:8] + "+" + "Ag" + "A" * 42 + "==",
        "n+00000000+" + base64.b64encode(b"\x01" + bytes(31)).decode(),
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        PublicKey.parse(text)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "\n",
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}\n— a AAAA\n",
        f"{TEXT}\n— a  AAAAAAAA\n",
        f"{TEXT}\n- a AAAAAAAA\n",
        f"{TEXT}\n— a AAAAAAAA",
        f"{TEXT}\n— a AAAAAAB=\n",
        f"{TEXT}\n— a!AAAAAAAA\n",
        f"{TEXT}\r\n\n— a AAAAAAAA\n",
        f"{TEXT}\n" + "— a AAAAAAAA\n" * (MOST_SIGNATURES + 1),
        "a" * LONGEST + "\n\n— a AAAAAAAA\n",
    ],
)
def test_what_is_no_note_is_refused(data: str) -> None:
    with pytest.raises(BadNote):
        Note.parse(data)


@given(st.text(max_size=200))
def test_whatever_is_read_as_a_note_is_written_the_same(data: str) -> None:
    for candidate in (data, f"{data}\n\n— a AAAAAAAA\n"):
        try:
            note = Note.parse(candidate)
        except BadNote:
            continue
        assert str(note) == candidate


@given(st.integers(0, len(PUBLISHED.encode()) * 8 - 1))
def test_no_bit_of_a_note_can_be_another(place: int) -> None:
    data = bytearray(PUBLISHED.encode())
    data[place // 8] ^= 1 << place % 8
    key = PublicKey.parse(NEUMANN)
    with suppress(BadNote, UnicodeDecodeError):
        assert Note.parse(data.decode()).signed_by([key]) == {}


def test_no_more_sign_a_note_than_it_is_read_with() -> None:
    note = Note(TEXT, (signer().sign(TEXT),))
    more = [witness(f"w{n}").sign(TEXT, 1) for n in range(MOST_SIGNATURES)]
    signed = note.with_signatures(more)
    assert Note.parse(str(signed)) == signed
    assert signed.signatures[:2] == (note.signatures[0], more[0])
