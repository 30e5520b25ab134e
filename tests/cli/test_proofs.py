"""``wenxiao bundle`` and ``wenxiao tiles``: what an operator hands to an auditor or a mirror."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from tests.cli.conftest import Wenxiao, said
from tests.ledger.tampering import backup, execute, restore, unguard
from tests.proofs.checking import Verdict, verified

OFFICE = ("--ledger", "office")


@pytest.fixture
def sealed(wenxiao: Wenxiao) -> Wenxiao:
    """A key, two tokens, and a checkpoint of them."""
    assert wenxiao("keys", "new", *OFFICE).exit_code == 0
    for name in ("first", "second"):
        issued(wenxiao, name)
    assert wenxiao("seal", *OFFICE).exit_code == 0
    return wenxiao


def issued(wenxiao: Wenxiao, name: str) -> None:
    words = ("--id", name, "--role", "auditor", "--system", "desk")
    assert wenxiao("token", "issue", *OFFICE, *words).exit_code == 0


def checked(wenxiao: Wenxiao, path: Path) -> Verdict:
    """Against the key that the operator's machine has."""
    (key,) = json.loads(wenxiao("keys", "list", *OFFICE, "--json").stdout)
    policy = path.parent / "policy"
    policy.write_text(f"log {key['key']}\nquorum none\n")
    return verified(path, "--policy", policy)


def test_a_bundle_is_written_and_believed(sealed: Wenxiao, tmp_path: Path) -> None:
    out = tmp_path / "evidence.zip"
    wanted = ("--stream", "office/main", "--record", "1", "--range", "1-2")
    done = sealed("bundle", *OFFICE, *wanted, "--out", out, "--json")
    assert json.loads(done.stdout) == {
        "file": str(out),
        "origin": "wenxiao.local/office",
        "size": 3,
        "records": 3,
    }
    verdict = checked(sealed, out)
    assert (verdict.exit, verdict.false()) == (0, [])
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_stream_that_has_grown_since_is_not_passed_off_as_shorter(
    sealed: Wenxiao, tmp_path: Path
) -> None:
    stream, out = ("--stream", "office/main"), tmp_path / "evidence.zip"
    issued(sealed, "third")
    done = sealed("bundle", *OFFICE, *stream, "--out", out)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "has 3 records, the last of them at 4; the checkpoint covers 1 to 3" in done.stderr
    assert not out.exists()
    assert sealed("seal", *OFFICE).exit_code == 0
    assert sealed("bundle", *OFFICE, *stream, "--out", out).exit_code == 0


def test_of_a_stream_that_is_nowhere_it_is_proven_that_there_is_none(
    sealed: Wenxiao, tmp_path: Path
) -> None:
    out, streams = tmp_path / "evidence.zip", ("--stream", "unit/none", "--stream", "office/main")
    done = sealed("bundle", *OFFICE, *streams, "--out", out)
    assert (done.exit_code, done.stderr) == (
        0,
        "there is no stream unit/none, which this bundle proves\n",
    )
    assert checked(sealed, out).exit == 0


@pytest.mark.parametrize("words", [("bundle", "--record", "1"), ("tiles",)])
def test_a_database_that_was_set_back_proves_nothing(
    sealed: Wenxiao, tmp_path: Path, database_url: str, words: tuple[str, ...]
) -> None:
    engine = create_engine(database_url)
    before = backup(engine)
    issued(sealed, "third")
    assert sealed("seal", *OFFICE).exit_code == 0
    restore(engine, before)
    engine.dispose()
    done = sealed(*words, *OFFICE, "--out", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "has 3 records here, but 4 were sealed" in done.stderr
    assert not (tmp_path / "out").exists()


def test_no_file_is_overwritten(sealed: Wenxiao, tmp_path: Path) -> None:
    out = tmp_path / "evidence.zip"
    out.write_text("mine")
    done = sealed("bundle", *OFFICE, "--record", "1", "--out", out)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is there already: name a new file" in done.stderr
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    ("wanted", "code", "said"),
    [
        ((), 2, "--stream"),
        (("--stream", "a\nb"), 2, "one line"),
        (("--record", "0"), 2, "--record"),
        (("--range", "2-1"), 2, "no range"),
        (("--range", "٣-٣"), 2, "no range"),
        (("--record", "4"), 3, "record 4 is asked for, ledger office ends at 3\n"),
        (("--range", "2-9"), 3, "record 9 is asked for, ledger office ends at 3\n"),
    ],
)
def test_what_cannot_be_bundled_leaves_nothing_behind(
    sealed: Wenxiao, tmp_path: Path, wanted: tuple[str, ...], code: int, said: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    done = sealed("bundle", *OFFICE, *wanted, "--out", folder / "evidence.zip")
    assert (done.exit_code, said in done.stderr) == (code, True)
    assert [*folder.iterdir()] == []


def test_what_is_not_sealed_yet_is_to_be_sealed_first(sealed: Wenxiao, tmp_path: Path) -> None:
    issued(sealed, "third")
    done = sealed("bundle", *OFFICE, "--record", "4", "--out", tmp_path / "evidence.zip")
    assert done.exit_code == 3
    assert "record 4 is asked for, the checkpoint covers 1 to 3: wenxiao seal\n" in done.stderr


@pytest.mark.parametrize(
    ("words", "option"), [(("bundle", "--record", "1"), "--out"), (("seal",), "--page")]
)
def test_a_file_in_no_folder_is_told_by_its_own_name(
    sealed: Wenxiao, tmp_path: Path, words: tuple[str, ...], option: str
) -> None:
    file = tmp_path / "nowhere" / "file"
    done = sealed(*words, *OFFICE, option, file)
    assert (done.exit_code, done.stdout) == (1, "")
    said = f"{file} cannot be written: there is no folder {file.parent}"
    assert done.stderr == f"Error: {said}\n"


def test_one_record_is_no_records(sealed: Wenxiao, tmp_path: Path) -> None:
    out = tmp_path / "evidence.zip"
    done = sealed("bundle", *OFFICE, "--record", "1", "--out", out)
    assert done.stdout == f"{out}: 1 record as of checkpoint 3\n"


@pytest.mark.parametrize("words", [("bundle", "--record", "1"), ("tiles",)])
def test_without_a_checkpoint_nothing_is_proven(
    wenxiao: Wenxiao, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = wenxiao(*words, *OFFICE, "--out", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "no checkpoint yet" in done.stderr
    assert not (tmp_path / "out").exists()


def test_tiles_are_written_and_brought_up_to_date(sealed: Wenxiao, tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    done = sealed("tiles", *OFFICE, "--out", folder)
    assert done.stdout == f"{folder}: 3 records of wenxiao.local/office\n"
    assert checked(sealed, folder).exit == 0
    first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {str(path.relative_to(folder)) for path in first} == {
        "checkpoint",
        "tile/0/000.p/3",
        "tile/entries/000.p/3",
        "sm3/tile/0/000.p/3",
    }
    issued(sealed, "third")
    sealed("seal", *OFFICE)
    assert sealed("tiles", *OFFICE, "--out", folder).exit_code == 0
    assert checked(sealed, folder).exit == 0
    changed = {path.name for path, content in first.items() if path.read_bytes() != content}
    assert changed == {"checkpoint"}


def test_a_folder_of_something_else_is_left_alone(sealed: Wenxiao, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "letter.txt").write_text("…")
    done = sealed("tiles", *OFFICE, "--out", folder)
    assert (done.exit_code, "something else than tiles" in done.stderr) == (1, True)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    "torn",
    [
        "record SET topic = 'none'",
        "record SET entry = 'none'",
        "record SET sha256 = 'none'",
        "record SET stream = x'00'",
        "ledger_head SET size = 'none'",
    ],
)
def test_whatever_stands_in_a_column_is_told_in_a_sentence(
    sqlite_engine: Engine, tmp_path: Path, torn: str
) -> None:
    """As only SQLite keeps whatever it is given."""
    say = partial(said, str(sqlite_engine.url))
    for first in (("migrate",), ("keys", "new"), ("seal",)):
        assert say(*first, *OFFICE).exit_code == 0
    unguard(sqlite_engine)
    execute(sqlite_engine, f"UPDATE {torn}")
    loss = ("--accept-loss", "--reason", "机房失火")
    for words in (
        ("bundle", "--stream", "office/main", "--out", str(tmp_path / "evidence.zip")),
        ("tiles", "--out", str(tmp_path / "tiles")),
        ("recover",),
        ("recover", *loss),
        ("keys", "rotate", "--reason", "换"),
        ("verify", "--full"),
    ):
        done = say(*words, *OFFICE)
        assert done.exit_code in {0, 1}
        assert (done.exit_code == 0) != done.stderr.startswith("Error: ")
    assert say("verify", "--full").exit_code == 1
