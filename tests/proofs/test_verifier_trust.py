"""The stand-alone verifier on signatures: whose word counts, up to when, and against whose."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.proofs.bundles import (
    LOG,
    WITNESSES,
    Book,
    bundle,
    evidence,
    packed,
    sample,
    signed,
    signer,
)
from tests.proofs.verdicts import Verify, false, judged, written


def test_a_root_that_nobody_signed_is_false(verify: Verify) -> None:
    lie = bundle(Book(sample().entries[:99]), [13])["checkpoint"].split(b"\n")
    members = evidence()
    lines = members["checkpoint"].split(b"\n")
    for n in range(2, 7):
        forged = [*lines[:n], lie[n], *lines[n + 1 :]]
        assert ("signature", None) in false(verify(members | {"checkpoint": b"\n".join(forged)}))


def test_no_checkpoint_comes_before_a_smaller_one(verify: Verify) -> None:
    for previous in (100, 101):
        lie = replace(sample().checkpoint(), previous=previous)
        assert false(verify(evidence() | {"checkpoint": signed(lie)})) == [("checkpoint", None)]


def test_somebody_elses_signature_is_none(verify: Verify) -> None:
    """It may be a forger's, or a newer key's that this auditor does not know yet."""
    impostor = signer(nth=1)
    report = verify(evidence() | {"checkpoint": signed(sample().checkpoint(), impostor)})
    assert (report.exit, false(report)) == (3, [])
    assert re.search(r"by no key that the policy names; .*: [a-z./]+\+[0-9a-f]{8},", str(report))


def test_a_ledgers_key_signs_for_no_other_ledger(tmp_path: Path) -> None:
    """A policy that knows only another one does not say that this one lies."""
    other = signer("wenxiao.example/kunming")
    policy = written(tmp_path / "policy", f"log {other.public}\nquorum none\n".encode())
    for by in (other, LOG):
        members = evidence() | {"checkpoint": signed(sample().checkpoint(), by, [])}
        report = judged(packed(members, tmp_path / "b.zip"), "--policy", policy)
        assert (report.exit, false(report)) == (3, [])
        assert "names a key of wenxiao.example/shizong: --policy" in report.verdict.says


def test_a_quorum_is_not_reached_by_strangers(verify: Verify) -> None:
    """Who has not signed may do so yet; who has signed something else has not."""
    stranger = signer("stranger.example", WITNESSES[0].kind)
    for witnesses in ([], [stranger]):
        checkpoint = signed(sample().checkpoint(), witnesses=witnesses)
        report = verify(evidence() | {"checkpoint": checkpoint})
        assert (report.exit, false(report)) == (3, [])
        assert "fewer than the policy asks for" in report.verdict.says
    honest = evidence()["checkpoint"].splitlines(keepends=True)
    lie = signed(sample().checkpoint(99)).splitlines(keepends=True)
    forged = evidence() | {"checkpoint": b"".join((*honest[:-1], lie[-1]))}
    assert false(verify(forged)) == [("signature", None)]


def test_where_nobody_has_to_witness_it_is_said(tmp_path: Path) -> None:
    policy = written(tmp_path / "policy", f"log {LOG.public}\nquorum none\n".encode())
    report = judged(packed(evidence(), tmp_path / "b.zip"), "--policy", policy)
    assert report.exit == 0
    assert "– 见证 witnesses: 规则不要求见证" in str(report)


def test_a_stolen_key_is_good_for_nothing_after_it_was_retired(
    verify: Verify, tmp_path: Path
) -> None:
    def retired(size: int) -> str:
        return written(tmp_path / "retired", f"{LOG.public} {size}\n".encode())

    assert verify(evidence(), "--retired", retired(100)).exit == 0
    assert false(verify(evidence(), "--retired", retired(99))) == [("retirement", None)]
    suggested = evidence() | {"retired": f"{LOG.public} 99\n".encode()}
    assert false(verify(suggested, "--retired", retired(100))) == [("retirement", None)]


def test_a_retired_key_that_is_none_spoils_only_what_rests_on_the_bundle(
    verify: Verify, tmp_path: Path
) -> None:
    members = evidence() | {"retired": f"no key 7\n\xff\n{LOG.public} 100\n".encode("latin-1")}
    report = verify(members)
    assert report.exit == 0
    assert "not understood: 2" in str(report)
    members |= {"retired": members["retired"].replace(b" 100\n", b" 99\n")}
    assert false(verify(members)) == [("retirement", None)]
    assert false(judged(packed(members, tmp_path / "b.zip"), "--trust-bundle-keys")) == [
        ("keys", None)
    ]


def test_a_retired_key_is_no_key_by_being_retired(verify: Verify) -> None:
    old = signer(nth=1)
    members = evidence() | {
        "checkpoint": signed(sample().checkpoint(), old),
        "retired": f"{old.public} 1000\n".encode(),
    }
    assert verify(members).exit == 3


def test_keys_from_the_bundle_itself_prove_nothing(tmp_path: Path) -> None:
    path = packed(evidence(), tmp_path / "b.zip")
    assert judged(path).exit == 3
    assert "bring a policy: --policy" in judged(path).verdict.says
    assert judged(path, "--trust-bundle-keys").exit == 0
    packed(evidence() | {"records/13": b""}, path)
    assert judged(path).exit == 1


def test_an_empty_bundle_is_not_true(verify: Verify) -> None:
    assert verify(bundle(sample(), [])).exit == 3
    assert verify(bundle(sample(), [], ["project/none"])).exit == 0


def test_an_older_checkpoint_tells_the_same_history(verify: Verify, tmp_path: Path) -> None:
    whole = bundle(sample(), range(1, 101))
    for size in (1, 64, 99, 100):
        older = written(tmp_path / "older", signed(sample().checkpoint(size)))
        report = verify(whole, "--against", older)
        assert report.exit == 0
        assert f"({size}): 同一份历史 · the same history" in str(report)


def test_two_histories_are_told(verify: Verify, tmp_path: Path) -> None:
    forked = Book([*sample().entries])
    forked.entries[98] = forked.entries[98].replace(b"99}", b"98}")
    for size in (99, 100):
        against = written(tmp_path / "other", signed(forked.checkpoint(size)))
        report = verify(bundle(sample(), range(1, 101)), "--against", against)
        assert false(report) == [("against", size)]
        assert "two histories" in str(report)


def test_what_became_of_a_ledger_after_a_loss_is_another_log(tmp_path: Path) -> None:
    """It has the same beginning; whatever else it says, neither of the two lies for it."""
    renewed = signer(f"{LOG.name}.2")
    told = f"log {LOG.public}\nlog {renewed.public}\nquorum none\n"
    whole, lossy = sample(), Book([*sample().entries[:60], *sample().entries[61:]])
    path = packed(bundle(whole, range(1, 101)), tmp_path / "b.zip")

    def verdict(book: Book, size: int, policy: str = told) -> tuple[int, str]:
        checkpoint = replace(book.checkpoint(size), origin=renewed.name)
        against = written(tmp_path / "other", signed(checkpoint, renewed, []))
        kept = written(tmp_path / "policy", policy.encode())
        report = judged(path, "--policy", kept, "--against", against)
        assert not false(report)
        return report.exit, "; ".join(it.says for it in report.findings if it.check == "against")

    for size in (1, 60, 100):
        code, says = verdict(whole, size)
        assert (code, "another log with the same beginning" in says) == (0, True)
    code, says = verdict(lossy, 90)
    assert (code, "which had other roots there" in says) == (3, True)
    code, says = verdict(whole, 60, told.replace(f"log {renewed.public}\n", ""))
    assert (code, f"a key of {renewed.name}" in says) == (3, True)
    packed(bundle(whole, [13]), path)
    assert verdict(whole, 60)[0] == 3


def test_what_cannot_be_compared_is_said(verify: Verify, tmp_path: Path) -> None:
    for size, book in ((59, sample()), (100, Book(sample().entries[:60]))):
        against = written(tmp_path / "other", signed(sample().checkpoint(size)))
        report = verify(bundle(book, [13]), "--against", against)
        assert report.exit == 3
        assert "– 另一检查点" in str(report)


def test_what_cannot_be_compared_may_yet_be_false(verify: Verify, tmp_path: Path) -> None:
    against = written(tmp_path / "other", signed(sample().checkpoint(59)))
    report = verify(evidence() | {"records/13": b""}, "--against", against)
    assert report.exit == 1


def test_a_checkpoint_that_nobody_signed_is_no_evidence(verify: Verify, tmp_path: Path) -> None:
    against = written(tmp_path / "other", signed(sample().checkpoint(), signer(nth=1)))
    report = verify(evidence(), "--against", against)
    assert (report.exit, false(report)) == (3, [])
    assert "other (100): " in report.verdict.says
