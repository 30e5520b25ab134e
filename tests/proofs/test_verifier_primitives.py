"""What the stand-alone verifier had to write itself, held against what others have written."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from service.ledger.hashes import ALGORITHMS
from service.ledger.hashes import SM3 as OUR_SM3
from service.proofs import notes, policy, wenxiao_verify
from service.proofs.wenxiao_verify import (
    ORDER,
    SHA256,
    SM3,
    Key,
    Note,
    P,
    Policy,
    Wrong,
    is_signed,
    is_sound,
    root_of,
    sm3_by_hand,
)
from tests.proofs.bundles import LOG, POLICY, WITNESSES, defined_root, sample, signed
from tests.proofs.verdicts import judged

FEW = settings(max_examples=40, deadline=None)
private_keys = st.binary(min_size=32, max_size=32).map(Ed25519PrivateKey.from_private_bytes)

SMALL = [
    "01" + "00" * 31,
    "ec" + "ff" * 30 + "7f",
    "00" * 32,
    "00" * 31 + "80",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]
"""The eight points of small order."""

OTHERWISE = ["01" + "00" * 30 + "80", "ed" + "ff" * 30 + "7f", "ee" + "ff" * 30 + "7f", "ff" * 32]
"""Points written as they must not be: y not below p, or a sign for x = 0."""


def test_it_knows_the_published_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_sound()
    for name in ("RFC_8032", "KNOWN_DIGESTS"):
        (*first, last), *others = getattr(wenxiao_verify, name)
        with monkeypatch.context() as patched:
            patched.setattr(wenxiao_verify, name, ((*first, "00" * (len(last) // 2)), *others))
            assert not is_sound.__wrapped__()


def test_it_does_not_judge_where_it_computes_wrongly(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(wenxiao_verify, "is_signed", lambda *_: True)
    is_sound.cache_clear()
    report = judged(tmp_path)
    is_sound.cache_clear()
    assert report.exit == 3
    assert "computes wrongly" in str(report)


@FEW
@given(private_keys, st.binary(max_size=200), st.data())
def test_signatures_are_those_of_everybody_else(
    private: Ed25519PrivateKey, message: bytes, data: st.DataObject
) -> None:
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert is_signed(key, signature, message)
    kept = bytearray(key + signature + message)
    bit = data.draw(st.integers(0, 8 * len(kept) - 1))
    kept[bit // 8] ^= 1 << bit % 8
    changed = bytes(kept[:32]), bytes(kept[32:96]), bytes(kept[96:])
    assert not is_signed(*changed)


@FEW
@given(private_keys, st.binary(max_size=200))
def test_a_signature_is_written_in_one_way_only(private: Ed25519PrivateKey, message: bytes) -> None:
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    s = int.from_bytes(signature[32:], "little") + ORDER
    assert not is_signed(key, signature[:32] + s.to_bytes(32, "little"), message)
    assert not is_signed(key, signature + b"\x00", message)
    assert not is_signed(key, signature[:-1], message)


@pytest.mark.parametrize("key", SMALL + OTHERWISE)
def test_a_key_by_which_anything_would_be_signed_is_none(key: str) -> None:
    for first in SMALL:
        for message in (b"%d" % n for n in range(8)):
            assert not is_signed(bytes.fromhex(key), bytes.fromhex(first) + bytes(32), message)


@given(st.integers(0, P - 1))
def test_a_point_is_read_as_it_is_written(y: int) -> None:
    data = y.to_bytes(32, "little")
    found = wenxiao_verify.point(data)
    assert found is None or wenxiao_verify.written(found) == data


@given(st.binary(max_size=300))
def test_sm3_by_hand_is_sm3(data: bytes) -> None:
    assert sm3_by_hand(b"\x00" + data) == SM3.leaf(data) == OUR_SM3.leaf(data)


def test_sm3_by_hand_is_taken_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> None:
        raise ValueError(name)

    monkeypatch.setattr(hashlib, "new", without)
    assert wenxiao_verify.fastest_sm3() is sm3_by_hand


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 600])
def test_a_root_is_the_defined_one(size: int) -> None:
    """Over leaves, and over the roots of their tiles."""
    for ours, its in zip(ALGORITHMS, (SHA256, SM3), strict=True):
        leaves = [ours.leaf(b"%d" % n) for n in range(size)]
        tops = [root_of(its, leaves[at : at + 256]) for at in range(0, size, 256)]
        assert root_of(its, leaves) == root_of(its, tops) == defined_root(ours, leaves)


LINES = [
    *POLICY.splitlines(),
    "# said",
    "",
    "\tquorum  none ",
    "quorum 审计局",
    "group all all 审计局 人大",
    "group more 2 审计局 seen",
    "group more 1 seen",
    "group x 3 审计局 人大",
    "group x 0 审计局",
    "group x any",
    "group none any 审计局",
    "quorum all",
    "quorum more",
    "quorum x",
    f"log {LOG.public} https://wenxiao.example/",
    f"log {WITNESSES[0].public}",
    f"witness Z {LOG.public}",
    f"witness Z {WITNESSES[1].public} https://a.example/ more",
    "log x+00000000+AQ==",
    "quorum\x00none",
    "none",
]


@given(
    st.lists(st.sampled_from(LINES), max_size=8).map("\n".join)
    | st.permutations(LINES[:5]).map("\n".join),
    st.sets(st.sampled_from(WITNESSES)),
)
def test_a_policy_says_what_it_says_to_the_service(
    text: str, signers: Collection[notes.Signer]
) -> None:
    try:
        ours = policy.Policy.parse(text)
    except policy.BadPolicy:
        with pytest.raises(Wrong):
            Policy.parse(text.encode())
        return
    its = Policy.parse(text.encode())
    keys = [signer.public for signer in signers]
    assert its.is_reached([Key.parse(str(key)) for key in keys]) == ours.is_reached(keys)


NOTE = signed(sample().checkpoint(), witnesses=WITNESSES)


@given(st.integers(0, len(NOTE) - 1), st.integers(0, 255))
def test_a_note_is_signed_by_whom_the_service_says(at: int, byte: int) -> None:
    data = NOTE[:at] + bytes([byte]) + NOTE[at + 1 :]
    keys = [each.public for each in (LOG, *WITNESSES)]
    try:
        ours = notes.Note.parse(data.decode()).signed_by(keys)
    except (notes.BadNote, UnicodeDecodeError):
        with pytest.raises(Wrong):
            Note.parse(data).signers([Key.parse(str(key)) for key in keys])
        return
    its = Note.parse(data).signers([Key.parse(str(key)) for key in keys])
    assert {key.name: time for key, time in its.items()} == {
        key.name: time or 0 for key, time in ours.items()
    }
