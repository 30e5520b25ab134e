"""What each command answers, and how it fails."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from commands.office import REVOKED_ONCE
from service.projector import lowest
from tests.cli.conftest import Wenxiao, alone, command, environment
from tests.conftest import opened
from tests.ledger.tampering import execute, unguard
from tests.test_readme import PROJECT


def test_a_token_is_shown_once_and_can_be_revoked(wenxiao: Wenxiao) -> None:
    words = ("--ledger", "office", "--id", "audit")
    issued = wenxiao("token", "issue", *words, "--role", "auditor", "--system", "desk")
    (secret,) = issued.stdout.split()
    listed = wenxiao("token", "list", "--ledger", "office", "--json")
    assert secret not in listed.stdout
    assert [(each["token"], each["good"]) for each in json.loads(listed.stdout)] == [
        ("audit", True)
    ]
    assert "audit  desk  auditor  until" in wenxiao("token", "list", "--ledger", "office").stdout
    assert wenxiao("token", "revoke", *words, "--reason", "lost").exit_code == 0
    again = wenxiao("token", "revoke", *words, "--reason", "lost")
    assert (again.exit_code, REVOKED_ONCE.sentence in again.stderr) == (1, True)


def test_a_token_speaks_for_one(wenxiao: Wenxiao) -> None:
    done = wenxiao("token", "issue", "--ledger", "office", "--role", "auditor")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "令牌须且只须对应" in done.stderr


@pytest.mark.parametrize("name", ["shizong", "kunming_edz"])
def test_shipped_rules_are_published_as_the_next_edition(wenxiao: Wenxiao, name: str) -> None:
    for edition in (1, 2):
        done = wenxiao("rules", "publish", name, "--ledger", "office", "--json")
        assert json.loads(done.stdout)["edition"] == edition


def test_faults_of_a_rule_set_are_told_by_pointer(wenxiao: Wenxiao, tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text('{"rectification_months": "two", "colour": 1}')
    done = wenxiao("rules", "publish", file, "--ledger", "office")
    assert done.exit_code == 1
    assert "/rule_set/rectification_months" in done.stderr
    assert "/rule_set/colour" in done.stderr


def test_read_models_are_made_anew_and_back(wenxiao: Wenxiao, database_url: str) -> None:
    wenxiao("rules", "publish", "shizong", "--ledger", "office")
    assert alone(database_url, "worker", "--once").returncode == 0
    done = wenxiao("rebuild", "--ledger", "office", "--json", "accountability")
    (report,) = json.loads(done.stdout)
    assert (done.exit_code, report["equal"], report["rows"] > 0) == (0, True, True)
    back = wenxiao("rebuild", "--ledger", "office", "--rollback", "accountability")
    assert back.exit_code == 0
    assert back.stdout == "accountability: people read generation 1 again, no longer generation 2\n"
    nothing = wenxiao("rebuild", "--ledger", "office", "--rollback", "unit_status")
    assert (nothing.exit_code, "no earlier generation" in nothing.stderr) == (1, True)


def test_a_rebuild_says_which_rows_differed_and_that_it_changed_over(
    wenxiao: Wenxiao, database_url: str
) -> None:
    for name in ("shizong", "kunming_edz"):
        wenxiao("rules", "publish", name, "--ledger", "office")
    wenxiao("rebuild", "--ledger", "office", "accountability")
    with opened(database_url) as engine:
        execute(engine, "UPDATE accountability SET person = 'nobody' WHERE position = 1")
    words = ("rebuild", "--ledger", "office", "accountability")
    checked, done = wenxiao(*words, "--check"), wenxiao(*words)
    for each, now in ((checked, "people go on reading that"), (done, "people now read what")):
        assert each.exit_code == 1
        assert "2 rows, 1 differing" in each.stdout
        assert each.stdout.splitlines()[1:] == ["  1 since 1"]
        assert now in each.stderr
        assert "wenxiao verify tells" in each.stderr
    assert wenxiao(*words).exit_code == 0


def test_a_rollback_of_all_goes_back_as_far_as_there_is_a_way(wenxiao: Wenxiao) -> None:
    wenxiao("rules", "publish", "shizong", "--ledger", "office")
    for _ in range(2):
        wenxiao("rebuild", "--ledger", "office", "accountability")
    words = ("--rollback", "--json", "unit_status", "accountability")
    done = wenxiao("rebuild", "--ledger", "office", *words)
    assert json.loads(done.stdout) == {"accountability": {"from": 3, "to": 2}}
    assert (done.exit_code, done.stderr.count("unit_status")) == (1, 1)


def test_a_rebuild_that_compares_nothing_proves_nothing(wenxiao: Wenxiao) -> None:
    empty = wenxiao("rebuild", "--ledger", "office", "unit_status")
    assert (empty.exit_code, empty.stdout) == (3, "? unit_status: nothing to compare with\n")
    assert "nothing had been read before" in empty.stderr
    wenxiao("rules", "publish", "shizong", "--ledger", "office")
    assert wenxiao("rebuild", "--ledger", "office", "accountability").exit_code == 3
    done = wenxiao("rebuild", "--ledger", "office", "accountability")
    assert (done.exit_code, " 1 rows, 0 differing, digest " in done.stdout) == (0, True)


def test_roles_are_a_question_for_postgresql(wenxiao: Wenxiao, database_url: str) -> None:
    done = wenxiao("migrate", "--grant", "nobody_of_this_name")
    if database_url.startswith("sqlite"):
        assert (done.exit_code, "SQLite knows no roles" in done.stderr) == (2, True)
    else:
        assert (done.exit_code, "does not exist" in done.stderr) == (1, True)


def test_times_are_the_offices(wenxiao: Wenxiao) -> None:
    words = ("--ledger", "office", "--role", "auditor", "--system", "desk")
    issued = wenxiao("token", "issue", *words)
    listed = wenxiao("token", "list", "--ledger", "office")
    (verified,) = json.loads(wenxiao("verify", "--json").stdout)
    for told in (issued.stderr.partition(";")[0], listed.stdout.strip(), verified["began_at"]):
        assert told.endswith("+08:00")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # has anything in any column
@pytest.mark.parametrize("name", ["x''", "''", "'../x'"])
def test_a_worker_passes_over_what_is_no_ledgers_name(
    wenxiao: Wenxiao, database_url: str, name: str
) -> None:
    wenxiao("migrate", "--ledger", "another")
    with opened(database_url) as engine:
        unguard(engine)
        execute(engine, f"UPDATE ledger_head SET ledger = {name} WHERE ledger = 'another'")
    assert wenxiao("worker", "--once").exit_code == 0
    assert wenxiao("verify").exit_code == 1


def test_a_worker_reads_ledgers_that_are_opened_later(wenxiao: Wenxiao, database_url: str) -> None:
    with subprocess.Popen(
        command("worker"), env=environment(database_url), stderr=subprocess.DEVNULL
    ) as worker:
        wenxiao("migrate", "--ledger", "later")
        wenxiao("rules", "publish", "shizong", "--ledger", "later")
        with opened(database_url) as engine:
            deadline = time.monotonic() + 60
            while lowest(engine, "later") < 1 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert lowest(engine, "later") >= 1
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0


def test_usage_is_told_apart_from_failure(wenxiao: Wenxiao) -> None:
    assert wenxiao("rebuild", "--ledger", "office", "nothing").exit_code == 2
    assert wenxiao("token", "list", "--ledger", "nowhere").exit_code == 3
    assert wenxiao("rules", "publish", "nowhere", "--ledger", "office").exit_code == 2


def test_a_failure_is_a_sentence_not_a_traceback() -> None:
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    done = alone(nowhere, "token", "list", "--ledger", "office")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_the_catalogue_is_the_one_that_is_checked_in() -> None:
    done = subprocess.run(command("acts"), capture_output=True, text=True, check=True)
    assert done.stdout == (PROJECT / "CATALOGUE.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words",
    [
        ("verify",),
        ("seal",),
        ("recover",),
        ("keys", "list"),
        ("tiles", "--out", "none"),
        ("bundle", "--record", "1", "--out", "none"),
    ],
)
def test_of_a_ledger_that_is_not_there_nothing_can_be_said(
    wenxiao: Wenxiao, words: tuple[str, ...]
) -> None:
    done = wenxiao(*words, "--ledger", "nowhere")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == "Error: there is no ledger 'nowhere' here: see wenxiao migrate\n"
