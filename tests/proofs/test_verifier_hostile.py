"""The stand-alone verifier on files that were made to break it, or to be believed by accident."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.proofs import bundles, wenxiao_verify
from service.proofs.wenxiao_verify import EXIT_USAGE, Report, Wrong, main
from tests.proofs.bundles import PERSON, POLICY, PROJECT, Members, changed, evidence, packed
from tests.proofs.verdicts import false, judged, written

Judge = Callable[[bytes], Report]

HONEST = evidence()
NO_EVIDENCE = {"cover.html", "policy"}
"""Suggested, or for people: whatever it says, nothing is believed for it."""


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("auditor") / "policy", POLICY.encode())


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory, policy: str) -> Judge:
    """What is found in these bytes."""
    path = tmp_path_factory.mktemp("bundles") / "bundle.zip"

    def report(data: bytes) -> Report:
        path.write_bytes(data)
        return judged(path, "--policy", policy)

    return report


def zipped(members: Members) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return kept.getvalue()


WHOLE = zipped(HONEST)


def means_the_same(name: str, data: bytes) -> bool:
    """Does all that differs prove nothing: when a bundle was made, which absent record withheld?"""
    here = json.loads(HONEST["manifest.json"])["records"]
    try:
        said, honest = json.loads(data), json.loads(HONEST[name])
        if name == "manifest.json":
            said["made_at"] = honest["made_at"]
        if (
            name == "values.json"
            and 0 < said[1]["withheld_by"] <= 100
            and said[1]["withheld_by"] not in here
        ):
            said[1]["withheld_by"] = honest[1]["withheld_by"]
        return bool(said == honest)
    except (ValueError, TypeError, RecursionError, LookupError):
        return False


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(HONEST.keys() - NO_EVIDENCE)), st.data())
def test_no_changed_evidence_is_true(judge: Judge, name: str, data: st.DataObject) -> None:
    bits = st.integers(0, 8 * len(HONEST[name]) - 1)
    changed = bytearray(HONEST[name])
    for bit in data.draw(st.sets(bits, min_size=1, max_size=3)):
        changed[bit // 8] ^= 1 << bit % 8
    report = judge(zipped(HONEST | {name: bytes(changed)}))
    fits = means_the_same(name, bytes(changed))
    assert report.exit in ({0, 3} if fits else {1}), str(report)
    assert (report.exit == 3) == (fits and "not here are records" in str(report))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_changed_byte_of_the_zip_breaks_it(judge: Judge, data: st.DataObject) -> None:
    changed = bytearray(WHOLE)
    at = st.integers(0, len(WHOLE) - 1) | st.integers(len(WHOLE) - 3_000, len(WHOLE) - 1)
    for place in data.draw(st.sets(at, min_size=1, max_size=4)):
        changed[place] = data.draw(st.integers(0, 255))
    assert judge(bytes(changed)).exit in {0, 1}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(WHOLE) - 1))
def test_a_part_of_a_zip_is_no_bundle(judge: Judge, size: int) -> None:
    assert false(judge(WHOLE[:size])) == [("bundle", None)]


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_no_bundle(judge: Judge, data: bytes) -> None:
    assert false(judge(data)) == [("bundle", None)]
    assert judge(zipped(HONEST | {"checkpoint": data})).exit == 1


@pytest.mark.parametrize(
    "name",
    [
        "extra",
        "../records/1",
        "/records/1",
        "records/../manifest.json",
        "records/01",
        "records/0",
        "records/",
        "records/٣",
        "records/1\\2",
        "records/" + "9" * 20,
        "Manifest.json",
        "records/1\x1b[2J",
    ],
)
def test_a_member_of_another_name_is_refused(judge: Judge, name: str) -> None:
    report = judge(zipped(HONEST | {name: b"x"}))
    assert false(report) == [("bundle", None)]
    assert "\x1b" not in str(report)


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n" + WHOLE,
        zipped({"manifest.json": b"{}"}) + WHOLE,
        WHOLE + zipped(HONEST),
        WHOLE + b"more",
        WHOLE[:-2] + b"\4\0more",
    ],
)
def test_whoever_reads_a_zip_otherwise_finds_the_same_in_it(judge: Judge, data: bytes) -> None:
    """A program that begins at the first byte, or that looks for the end from behind."""
    report = judge(data)
    assert false(report) == [("bundle", None)]
    assert "before or after the zip" in str(report)


@pytest.mark.parametrize("name", sorted(HONEST))
def test_every_member_is_needed(judge: Judge, name: str) -> None:
    assert judge(zipped({each: data for each, data in HONEST.items() if each != name})).exit == 1


def test_a_member_twice_is_refused(judge: Judge) -> None:
    kept = io.BytesIO(WHOLE)
    with zipfile.ZipFile(kept, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("records/13", HONEST["records/13"])
    assert false(judge(kept.getvalue())) == [("bundle", None)]


def test_an_encrypted_member_is_refused(judge: Judge) -> None:
    data = bytearray(WHOLE)
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in str(judge(bytes(data)))


@pytest.mark.parametrize("name", ["cover.html", "records/1"])
def test_a_member_that_becomes_a_link_is_refused(judge: Judge, name: str) -> None:
    """Whoever unpacks it would look at a file of his own."""
    data = bytearray(WHOLE)
    listed = data.rindex(b"PK\1\2", 0, data.rindex(name.encode()))
    data[listed + 38 : listed + 42] = ((stat.S_IFLNK | 0o777) << 16).to_bytes(4, "little")
    assert false(judge(bytes(data))) == [("bundle", None)]


def test_other_ways_of_packing_are_refused(judge: Judge) -> None:
    for way in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        kept = io.BytesIO()
        with zipfile.ZipFile(kept, "w", way) as archive:
            for name, data in HONEST.items():
                archive.writestr(name, data)
        assert "packed in some way" in str(judge(kept.getvalue()))


def test_a_bomb_is_not_unpacked(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that says how large it is, nor one that lies, nor many small ones."""
    bomb = zipped(HONEST | {"records/13": bytes(50_000_000)})
    assert "too large when unpacked: records/13" in str(judge(bomb))
    size = struct.pack("<I", 50_000_000)
    assert bomb.count(size) == 2
    assert judge(bomb.replace(size, struct.pack("<I", len(HONEST["records/13"])))).exit == 1
    monkeypatch.setattr(wenxiao_verify, "MOST_UNPACKED", 10_000)
    assert "too large when unpacked" in str(judge(WHOLE))


def test_too_many_members_are_refused(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wenxiao_verify, "MOST_MEMBERS", len(HONEST) - 1)
    assert "too many members" in str(judge(WHOLE))
    monkeypatch.setattr(wenxiao_verify, "LONGEST_DIRECTORY", 1_000)
    assert "list of members is too long" in str(judge(WHOLE))


def test_fields_that_nobody_would_read_are_refused(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that matters is not to be hidden among thousands."""
    monkeypatch.setattr(wenxiao_verify, "MOST_FIELDS", 2)
    assert judge(WHOLE).exit == 0
    monkeypatch.setattr(wenxiao_verify, "MOST_FIELDS", 1)
    assert "too many different fields" in str(judge(WHOLE))
    assert false(judge(WHOLE)) == [("values", 5)]


@pytest.mark.parametrize(
    "name", ["manifest.json", "roster.json", "values.json", "attachments.json"]
)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" + b"9" * 5_000 + b"]",
        b'[{"position":-1}]',
        b"[NaN]",
        b"[1e999]",
        b'["\\ud800"]',
        b"\xff\xfe",
        b'{"format":1,"format":1}',
        b"[" + b"0," * 4_000_000 + b"0]",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_json_of_ours_is_refused(judge: Judge, name: str, data: bytes) -> None:
    assert judge(zipped(HONEST | {name: data})).exit == 1


@pytest.mark.parametrize(
    "change",
    [
        {"size": 2**70},
        {"size": True},
        {"size": 101},
        {"ledger": "kunming"},
        {"origin": "wenxiao.example/kunming"},
        {"format": "wenxiao-bundle/2"},
        {"records": []},
        {"records": [13, 13]},
        {"complete": {"streams": [PROJECT, PROJECT], "ranges": []}},
        {"complete": {"streams": [PROJECT, PERSON, "project/none"], "ranges": [[13, 13]] * 2}},
        {"complete": {"streams": [], "ranges": [[1]]}},
        {"complete": {"streams": [], "ranges": [[2, 1]]}},
        {"complete": {"streams": [], "ranges": [[1, 10**18]]}},
        {"complete": {"streams": ["\ud800"], "ranges": []}},
        {"more": 1},
    ],
)
def test_a_manifest_that_says_the_impossible_is_refused(
    judge: Judge, change: dict[str, object]
) -> None:
    said = json.dumps(json.loads(HONEST["manifest.json"]) | change).encode()
    assert judge(zipped(HONEST | {"manifest.json": said})).exit == 1


@pytest.mark.parametrize("found", [{"length": 10**18}, {"last": 0}, {"stream": "a\n1"}])
def test_a_roster_that_says_the_impossible_is_refused(
    judge: Judge, found: dict[str, object]
) -> None:
    members = changed(HONEST, "roster.json", lambda said: said[0]["found"].update(found))
    assert judge(zipped(members)).exit == 1


def test_a_path_longer_than_a_place_is_refused(judge: Judge) -> None:
    def lengthen(said: list[dict[str, list[str]]]) -> None:
        said[0]["sha256"] *= 100

    assert judge(zipped(changed(HONEST, "roster.json", lengthen))).exit == 1


def test_a_policy_of_many_groups_in_each_other_is_read(tmp_path: Path) -> None:
    """As many as would break whoever follows them by recursion."""
    lines = [*POLICY.splitlines()[:2], "group g0 any 审计局"]
    lines += [f"group g{n} all g{n - 1}" for n in range(1, 5_000)]
    policy = written(tmp_path / "policy", "\n".join((*lines, "quorum g4999", "")).encode())
    assert judged(packed(HONEST, tmp_path / "b.zip"), "--policy", policy).exit == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--policy", "missing"],
        ["--against", "missing"],
        ["--range", "1"],
        ["--range", "2-1"],
        ["--range", "0-1"],
        ["--range", "1-" + "9" * 5_000],
        ["--unknown"],
        ["--policy", "a" * 5_000],
        ["a" * 5_000],
        [],
    ],
)
def test_a_wrong_call_is_told(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = packed(HONEST, tmp_path / "b.zip") if options else tmp_path / "nothing.zip"
    with pytest.raises(SystemExit) as ended:
        main([*options, str(path)])
    assert ended.value.code == EXIT_USAGE
    assert "usage" in capsys.readouterr().err


def test_a_wrong_call_is_told_to_machines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--json", "a" * 5_000])
    told = json.loads(capsys.readouterr().out)
    assert (told["exit"], told["verdict"]["mark"], told["findings"]) == (EXIT_USAGE, None, [])
    assert "too long" in told["verdict"]["says"]


def test_a_key_alone_is_no_policy_yet(tmp_path: Path) -> None:
    key = POLICY.splitlines()[0].removeprefix("log ")
    policy = written(tmp_path / "policy", f"{key}\n".encode())
    with pytest.raises(Wrong, match="before a key stands log: log wenxiao"):
        judged(packed(HONEST, tmp_path / "b.zip"), "--policy", policy)


def full() -> IO[str]:
    return Path("/dev/full").open("w")


def closed() -> IO[str]:
    """A pipe from which nobody reads any more."""
    there, here = os.pipe()
    os.close(there)
    return os.fdopen(here, "w")


@pytest.mark.parametrize("taker", [full, closed])
def test_a_report_that_nobody_takes_is_no_verdict(
    taker: Callable[[], IO[str]], tmp_path: Path, policy: str
) -> None:
    path = packed(HONEST, tmp_path / "b.zip")
    words = [sys.executable, "-I", wenxiao_verify.__file__, "--policy", policy, str(path)]
    with taker() as out:
        done = subprocess.run(words, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "the report could not be written" in done.stderr


def test_where_memory_ends_nothing_is_said_to_be_true(
    tmp_path: Path, policy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While the report is made; or before, when what had been found false still is."""

    def no_more(*_: object) -> str:
        raise MemoryError

    path = packed(HONEST | {"records/13": b""}, tmp_path / "b.zip")
    with monkeypatch.context() as patched:
        patched.setattr(wenxiao_verify.Bundle, "check_trees", no_more)
        assert main(["--policy", policy, str(path)]) == 1
        assert main(["--policy", policy, str(packed(HONEST, tmp_path / "good.zip"))]) == 3
    monkeypatch.setattr(Report, "__str__", no_more)
    assert main(["--policy", policy, str(path)]) == 3
    assert "MemoryError" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["--policy", "--retired", "--against"])
@pytest.mark.parametrize(
    "data", [b"noise\n", b"log x\nquorum none\n", b"\xff\xfe", b"# said\n" * 200_000]
)
def test_a_file_of_the_callers_own_that_is_none_is_told(
    name: str, data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = written(tmp_path / "own", data)
    with pytest.raises(SystemExit) as ended:
        main([name, own, str(packed(HONEST, tmp_path / "b.zip"))])
    assert ended.value.code == EXIT_USAGE
    assert capsys.readouterr().err


def test_of_no_more_is_a_bundle_said_to_be_complete_than_we_hand_out(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wenxiao_verify.MOST_COMPLETE == bundles.MOST_COMPLETE
    for most in (3, 2):
        monkeypatch.setattr(wenxiao_verify, "MOST_COMPLETE", most)
        assert false(judge(WHOLE)) == ([] if most == 3 else [("manifest", None)])
