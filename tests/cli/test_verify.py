"""Whoever verifies learns it from the exit code: true, failed, or nothing to verify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from service.ledger.verifications import Verdict, latest
from service.proofs.checkpoints import base64_of
from service.proofs.custody import Custody
from service.proofs.notes import unbase64
from tests.cli.conftest import Wenxiao
from tests.ledger.tampering import backup, changed, execute, record, restore, unguard

ISSUE = ("token", "issue", "--ledger", "office", "--role", "auditor", "--system", "audit")


@pytest.fixture
def issued(wenxiao: Wenxiao) -> Wenxiao:
    """A ledger in which something is recorded."""
    assert wenxiao(*ISSUE).exit_code == 0
    return wenxiao


def told(stdout: str) -> dict[str, Any]:
    (found,) = json.loads(stdout)
    return dict(found)


def test_a_sound_ledger_is_true(issued: Wenxiao, engine: Engine) -> None:
    done = issued("verify", "--facts")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "✓ office: 1 records",
        "  + records: 1 to 1, and all requests, source rows and committed values",
        "  - custody: no checkpoint is kept outside the database",
        "  - checkpoints: nothing is signed",
        "  - read models: with --full",
    ]
    kept = latest(engine, "office")
    assert kept is not None
    assert (kept.verdict, kept.size) == (Verdict.TRUE, 1)


def test_a_sealed_ledger_is_verified_from_where_it_was_found_true(
    issued: Wenxiao, custody: Path
) -> None:
    for words in (("keys", "new"), ("seal",)):
        assert issued(*words, "--ledger", "office").exit_code == 0
    sealed = Custody(custody, "office").sealed()
    assert sealed is not None
    roots = [base64_of(root) for root in (sealed.checkpoint.sha256, sealed.checkpoint.sm3)]
    for begin, more in ((0, ()), (2, ()), (0, ("--full",))):
        found = told(issued("verify", "--json", *more).stdout)
        assert (found["verdict"], found["size"], found["from"]) == ("true", 2, begin)
        assert (found["checkpoints"], found["sha256"], found["sm3"]) == (1, *roots)


def test_what_is_not_checked_is_said(issued: Wenxiao) -> None:
    for words in (("keys", "new"), ("seal",), ("verify",)):
        assert issued(*words, "--ledger", "office").exit_code == 0
    assert issued(*ISSUE).exit_code == 0
    assert issued("verify").stdout.splitlines() == [
        "✓ office: 3 records",
        "  + records: 3 to 3, and their requests, source rows and committed values",
        "  + custody: none of the 2 records that it knows of is missing",
        "  + checkpoints: 1, the last one of 2 records",
        "  - records: 1 to 2, found true before; again, and counted, with --full",
        "  - checkpoints: none has records 3 to 3 yet",
        "  - read models: with --full",
    ]


def test_a_database_that_lost_what_was_sealed_fails(issued: Wenxiao, engine: Engine) -> None:
    empty = backup(engine)
    for words in (("keys", "new"), ("seal",)):
        assert issued(*words, "--ledger", "office").exit_code == 0
    restore(engine, empty)
    done = issued("verify")
    assert done.exit_code == 1
    assert "lacks what was sealed" in done.stdout
    assert "record 2 is missing" in done.stdout
    execute(engine, "DELETE FROM ledger_head")
    for table in ("record", "request"):
        execute(engine, f"DELETE FROM {table}")
    gone = issued("verify", "--ledger", "office")
    assert gone.exit_code == 1
    assert gone.stdout.startswith("✗ office: is gone, though 2 records were sealed\n")


def test_custody_that_cannot_be_read_leaves_it_open(issued: Wenxiao, custody: Path) -> None:
    custody.mkdir()
    Custody(custody, "office").checkpoint_file.write_text("?")
    done = issued("verify")
    assert done.exit_code == 3
    assert "office.checkpoint" in done.stderr


def test_both_roots_are_told_so_that_they_can_be_noted_elsewhere(issued: Wenxiao) -> None:
    def told_now() -> dict[str, Any]:
        return told(issued("verify", "--json", "--ledger", "office").stdout)

    first, again = told_now(), told_now()
    issued("token", "issue", "--ledger", "office", "--role", "auditor", "--system", "audit")
    later = told_now()
    for name in ("sha256", "sm3"):
        assert len(unbase64(first[name])) == 32
        assert first[name] == again[name] != later[name]
    assert first["sha256"] != first["sm3"]


def test_a_changed_record_fails_and_is_named(issued: Wenxiao, engine: Engine) -> None:
    unguard(engine)
    with changed(engine, record(engine, 1), topic=b"office.token_revoked"):
        done = issued("verify", "--json", "--ledger", "office")
    found = told(done.stdout)
    assert done.exit_code == 1
    assert found["verdict"] == "failed"
    assert found["finding"].startswith("record 1 has 'office.token_revoked' for its topic")
    assert done.stderr == "Error: the ledger is not as it was recorded\n"


def test_a_ledger_whose_head_is_gone_is_not_passed_over(issued: Wenxiao, engine: Engine) -> None:
    unguard(engine)
    execute(engine, "DELETE FROM ledger_head")
    done = issued("verify")
    assert done.exit_code == 1
    assert done.stdout == "✗ office: head is gone, though there are records\n"


def test_an_empty_ledger_is_inconclusive(wenxiao: Wenxiao) -> None:
    done = wenxiao("verify", "--json")
    assert done.exit_code == 3
    assert told(done.stdout)["verdict"] == "inconclusive"
    assert done.stderr == "Error: there was nothing to verify\n"


def test_one_true_ledger_does_not_vouch_for_an_empty_one(issued: Wenxiao) -> None:
    assert issued("migrate", "--ledger", "empty").exit_code == 0
    assert issued("verify").exit_code == 3
    assert issued("verify", "--ledger", "office").exit_code == 0


def test_a_ledger_that_is_not_there_is_not_thereby_false(wenxiao: Wenxiao) -> None:
    done = wenxiao("verify", "--ledger", "nowhere")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == "Error: there is no ledger 'nowhere' here: see wenxiao migrate\n"


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.sqlite", "postgresql://nobody@127.0.0.1:1/none"]
)
def test_nor_is_a_database_that_is_not_there(wenxiao: Wenxiao, url: str) -> None:
    done = wenxiao("verify", "--database", url)
    assert done.exit_code == 3
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_database_that_was_never_migrated_is_told_apart(wenxiao: Wenxiao, tmp_path: Path) -> None:
    done = wenxiao("verify", "--database", f"sqlite:///{tmp_path}/new.sqlite")
    assert done.exit_code == 3
    assert done.stderr == "Error: the database is not at this release's schema: wenxiao migrate\n"
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("name", ["", "Office", "a b", "office-", "a" * 64, "办公室"])
def test_what_cannot_name_a_ledger_is_a_fault_of_usage(wenxiao: Wenxiao, name: str) -> None:
    assert wenxiao("migrate", "--ledger", name).exit_code == 2
    assert wenxiao("verify", "--ledger", name).exit_code == 2


@pytest.mark.parametrize("url", ["garbage", "garbage://x", "mysql://x", "?"])
def test_what_cannot_name_a_database_is_a_fault_of_usage(wenxiao: Wenxiao, url: str) -> None:
    for words in (("verify",), ("migrate",), ("worker", "--once")):
        done = wenxiao(*words, "--database", url)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "the database is not named by such a URL" in done.stderr


def test_a_setting_that_means_nothing_is_a_fault_of_usage(
    wenxiao: Wenxiao, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WENXIAO_LOG_LEVEL", "loud")
    for word in ("verify", "serve", "worker"):
        done = wenxiao(word)
        assert done.exit_code == 2
        assert "WENXIAO_LOG_LEVEL should be debug, info, warning or error" in done.stderr


def test_an_option_that_does_not_exist_is_a_fault_of_usage(wenxiao: Wenxiao) -> None:
    assert wenxiao("verify", "--everything").exit_code == 2


@pytest.mark.parametrize("name", ["../../elsewhere", "a\0b", b"[1]"])
def test_of_what_is_no_name_of_a_ledger_custody_is_not_asked(
    wenxiao: Wenxiao, engine: Engine, custody: Path, name: str | bytes
) -> None:
    elsewhere = custody / "../../elsewhere.verified"
    custody.mkdir()
    elsewhere.write_text("is not ours")
    if engine.dialect.name == "sqlite" or name == "../../elsewhere":
        row = "INSERT INTO subtree VALUES (:name, 1, 0, :hash, :hash)"
        execute(engine, row, name=name, hash=bytes(32))
        done = wenxiao("verify")
        assert (done.exit_code, done.stdout.splitlines()[0]) == (
            1,
            f"✗ {str(name)!r}: is no name of a ledger, though there are rows of it",
        )
    assert elsewhere.read_text() == "is not ours"
    elsewhere.unlink()
