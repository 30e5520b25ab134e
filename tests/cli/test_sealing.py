"""``wenxiao keys``, ``seal`` and ``recover``, as the operator of a machine uses them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import Result
from werkzeug import Request, Response

from service.ledger.application import Ledger
from service.ledger.engine import make_engine
from service.proofs.custody import Custody, Objection
from service.proofs.notes import Note, PublicKey
from tests.cli.conftest import Wenxiao, command, environment, said
from tests.proofs.test_notes import witness
from tests.proofs.test_witness_cosigning import served

OFFICE = ("--ledger", "office")


@pytest.fixture
def key(wenxiao: Wenxiao) -> PublicKey:
    """The ledger has a key."""
    made = wenxiao("keys", "new", *OFFICE)
    assert made.exit_code == 0, made.stderr
    return PublicKey.parse(made.stdout.strip())


def test_what_is_sealed_is_signed_by_the_key(wenxiao: Wenxiao, key: PublicKey) -> None:
    sealed = wenxiao("seal", *OFFICE)
    assert sealed.exit_code == 0, sealed.stderr
    assert Note.parse(sealed.stdout).signed_by([key]) == {key: None}


def test_a_key_file_is_for_its_owner_only(key: PublicKey, custody: Path) -> None:
    file = Custody(custody, "office").key_file
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert str(key) in file.read_text()


def test_a_second_first_key_is_not_made(wenxiao: Wenxiao, key: PublicKey) -> None:
    again = wenxiao("keys", "new", *OFFICE)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "is there already" in again.stderr
    assert str(key) in wenxiao("keys", "list", *OFFICE).stdout


def test_whoever_gets_a_key_is_told_who_needs_it(wenxiao: Wenxiao) -> None:
    assert (
        wenxiao("keys", "list", *OFFICE).stdout
        == "ledger office has no key yet: wenxiao keys new\n"
    )
    for words in (("new",), ("rotate", "--reason", "每年更换")):
        made = wenxiao("keys", *words, *OFFICE)
        assert made.stderr.startswith(f"log {made.stdout}")
        assert all(each in made.stderr for each in ("WENXIAO_POLICY", "witness", "auditor"))


def test_a_lost_key_is_retired_by_another(wenxiao: Wenxiao, key: PublicKey, custody: Path) -> None:
    size = sealed_size(custody)
    Custody(custody, "office").key_file.unlink()
    refused = wenxiao("keys", "new", *OFFICE)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "--lost" in refused.stderr
    for half in (("--lost",), ("--reason", "失窃")):
        assert wenxiao("keys", "new", *OFFICE, *half).exit_code == 2
    made = wenxiao("keys", "new", *OFFICE, "--lost", "--reason", "失窃")
    assert made.exit_code == 0, made.stderr
    assert wenxiao("keys", "list", *OFFICE).stdout == (
        f"✗ {key}  good up to size {size}\n✓ {made.stdout}"
    )
    assert wenxiao("seal", *OFFICE).exit_code == 0


def test_a_policy_without_the_key_that_signs_is_told(
    wenxiao: Wenxiao, key: PublicKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy"
    monkeypatch.setenv("WENXIAO_POLICY", str(policy))
    policy.write_text(f"log {key}\nquorum none\n")
    assert wenxiao("seal", *OFFICE).stderr == ""
    policy.write_text("quorum none\n")
    bundle = ("bundle", "--record", "1", "--out", tmp_path / "out.zip")
    for words, code in ((("seal",), 3), (bundle, 0)):
        done = wenxiao(*words, *OFFICE)
        assert done.exit_code == code
        assert done.stdout
        assert f"lacks the key that signed, and so proves nothing: log {key}\n" in done.stderr


def test_without_a_key_nothing_is_sealed(wenxiao: Wenxiao) -> None:
    sealed = wenxiao("seal", *OFFICE)
    assert (sealed.exit_code, sealed.stdout) == (1, "")
    assert sealed.stderr == "Error: ledger office has no key yet: wenxiao keys new\n"
    assert wenxiao("recover", *OFFICE).stdout == "nothing of ledger office is sealed yet\n"


def test_a_changed_key_is_listed_with_how_far_the_old_one_is_good(
    wenxiao: Wenxiao, key: PublicKey
) -> None:
    rotated = wenxiao("keys", "rotate", *OFFICE, "--reason", "每年更换")
    assert rotated.exit_code == 0, rotated.stderr
    listed = json.loads(wenxiao("keys", "list", *OFFICE, "--json").stdout)
    size = json.loads(wenxiao("seal", *OFFICE, "--json").stdout)["size"]
    assert [each["key"] for each in listed] == [str(key), rotated.stdout.strip()]
    assert listed[1]["last_size"] is None
    assert 0 < listed[0]["last_size"] < size


def test_a_page_is_written_for_the_notice_board(
    wenxiao: Wenxiao, key: PublicKey, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    sealed = wenxiao("seal", *OFFICE, "--page", page)
    written = page.read_text("utf-8")
    assert sealed.stdout.strip() in written
    assert f"<th>签名公钥</th><td>{key}</td>" in written
    assert f"<th>签名</th><td>{key.name}</td>" in written
    assert "<th>见证</th><td>无</td>" in written
    assert re.search(r"<th>签署时间</th><td>\d{4}-\d\d-\d\dT[0-9:.]+\+08:00</td>", written)
    assert "<script" not in written


@pytest.mark.usefixtures("key")
def test_a_worker_seals_what_is_added(
    wenxiao: Wenxiao, custody: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wenxiao("seal", *OFFICE).exit_code == 0
    before, until = sealed_size(custody), time.monotonic() + 60
    monkeypatch.setenv("WENXIAO_SEAL_SECONDS", "0.1")
    work = command("worker")
    with subprocess.Popen(work, env=environment(database_url), stderr=subprocess.DEVNULL) as worker:
        issue = ("--role", "auditor", "--system", "desk")
        assert wenxiao("token", "issue", *OFFICE, *issue).exit_code == 0
        while sealed_size(custody) == before and time.monotonic() < until:
            time.sleep(0.05)
        worker.terminate()
    assert worker.returncode == 0
    assert sealed_size(custody) > before


def sealed_size(custody: Path) -> int:
    sealed = Custody(custody, "office").sealed()
    return sealed.checkpoint.size if sealed else 0


def test_a_ledger_as_it_was_sealed_has_nothing_to_recover(wenxiao: Wenxiao, key: PublicKey) -> None:
    assert wenxiao("seal", *OFFICE).exit_code == 0
    told = wenxiao("recover", *OFFICE)
    assert (told.exit_code, told.stderr) == (0, "")
    assert "everything that was sealed" in told.stdout
    accepted = wenxiao("recover", *OFFICE, "--accept-loss", "--reason", "误操作")
    assert accepted.exit_code == 1
    assert key.name in wenxiao("keys", "list", *OFFICE).stdout


def test_a_mistaken_witness_is_struck_from_the_policy_and_not_heeded(
    wenxiao: Wenxiao, key: PublicKey, custody: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wenxiao("seal", *OFFICE).exit_code == 0
    Custody(custody, "office").note_objection(Objection("audit", 900))
    asked = wenxiao("recover", *OFFICE)
    assert (asked.exit_code, asked.stdout) == (1, "")
    assert "witness audit has seen 900" in asked.stderr
    assert "only under a WENXIAO_POLICY" in asked.stderr
    policy = tmp_path / "policy"
    policy.write_text(f"log {key}\nquorum none\n")
    monkeypatch.setenv("WENXIAO_POLICY", str(policy))
    lifted = wenxiao("recover", *OFFICE)
    assert lifted.exit_code == 0
    assert "witness audit is named no longer" in lifted.stderr
    assert "everything that was sealed" in lifted.stdout


@pytest.fixture
def policy(key: PublicKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the environment names."""
    file = tmp_path / "policy"
    file.write_text(f"log {key}\nquorum none\n")
    monkeypatch.setenv("WENXIAO_POLICY", str(file))
    return file


@Request.application
def has_seen_900(_request: Request) -> Response:
    return Response("900\n", 409, content_type="text/x.tlog.size")


ADDING = {
    "token issue": ("token", "issue", "--role", "auditor", "--system", "desk"),
    "token revoke": ("token", "revoke", "--id", "t1", "--reason", "离职"),
    "rules publish": ("rules", "publish", "shizong"),
    "keys rotate": ("keys", "rotate", "--reason", "每年更换"),
    "import": ("import", "/dev/null"),
    "recover": ("recover",),
}


@pytest.mark.parametrize("words", ADDING.values(), ids=ADDING)
def test_witnesses_are_asked_before_anything_is_added(
    wenxiao: Wenxiao, policy: Path, words: tuple[str, ...]
) -> None:
    with served(has_seen_900) as url:
        policy.write_text(f"witness audit {witness().public} {url}\nquorum audit\n")
        done = wenxiao(*words, *OFFICE)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "witness audit has seen 900" in done.stderr
    assert "from the policy" in done.stderr


def test_a_worker_asks_before_it_adds(
    wenxiao: Wenxiao, policy: Path, custody: Path, database_url: str
) -> None:
    """It would put its release on record."""
    ledger = Ledger(make_engine(database_url), "office")
    before = ledger.head_position()
    with served(has_seen_900) as url:
        policy.write_text(f"witness audit {witness().public} {url}\nquorum none\n")
        assert wenxiao("worker", "--once").exit_code == 1
    after = ledger.head_position()
    ledger.engine.dispose()
    assert Custody(custody, "office").objections() == [Objection("audit", 900)]
    assert after == before


def test_a_worker_that_could_not_seal_says_so_in_the_end(
    wenxiao: Wenxiao, key: PublicKey, custody: Path
) -> None:
    assert wenxiao("worker", "--once").exit_code == 0
    file = Custody(custody, "office").key_file
    file.write_text(f"# {key}\n")
    done = wenxiao("worker", "--once")
    assert (done.exit_code, "Error: not sealed, see the log: office\n" in done.stderr) == (1, True)


def test_without_its_witnesses_nothing_new_is_signed(wenxiao: Wenxiao, policy: Path) -> None:
    policy.write_text(f"witness audit {witness().public} http://127.0.0.1:1\nquorum audit\n")
    assert wenxiao(*ADDING["token issue"], *OFFICE).exit_code == 0
    sealed = wenxiao("seal", *OFFICE)
    assert (sealed.exit_code, sealed.stdout) == (3, "")
    assert "too few witnesses of ledger office could be heard" in sealed.stderr


@pytest.mark.parametrize("words", [("serve",), ("worker",), ("worker", "--once")])
@pytest.mark.parametrize("text", ["quorum w1\n", None])
def test_under_a_policy_that_says_nothing_nobody_starts(
    wenxiao: Wenxiao, policy: Path, words: tuple[str, ...], text: str | None
) -> None:
    if text:
        policy.write_text(text)
    else:
        policy.unlink()
    begun = wenxiao(*words)
    assert begun.exit_code == 2
    assert f"WENXIAO_POLICY: {policy}" in begun.stderr


def test_any_other_server_does_not_start_under_it_either(policy: Path, database_url: str) -> None:
    policy.unlink()
    words = [sys.executable, "-c", "import wsgi"]
    begun = subprocess.run(
        words, env=environment(database_url), capture_output=True, text=True, check=False
    )
    assert begun.returncode == 1
    assert begun.stderr.splitlines()[-1].startswith("service.settings.BadSetting: WENXIAO_POLICY: ")


def test_a_database_begun_anew_under_an_old_seal_is_not_written_to(
    wenxiao: Wenxiao, key: PublicKey, tmp_path: Path
) -> None:
    """Somebody has lost the database, and makes an empty one."""
    assert wenxiao("seal", *OFFICE).exit_code == 0
    url = f"sqlite:///{tmp_path / 'another.sqlite'}"

    def there(*words: str) -> Result:
        return said(url, *words)

    assert there("migrate", *OFFICE).exit_code == 0
    issue = ("token", "issue", *OFFICE, "--role", "auditor", "--system", "desk")
    refused = there(*issue)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "were sealed" in refused.stderr
    led_out = there("recover", *OFFICE)
    assert led_out.exit_code == 1
    assert re.search("restore the database .* --accept-loss", led_out.stderr)
    assert not re.search("witness|--checkpoint", led_out.stderr)
    assert there("recover", *OFFICE, "--accept-loss").exit_code == 2
    accepted = there("recover", *OFFICE, "--accept-loss", "--reason", "机房失火")
    assert accepted.exit_code == 0, accepted.stderr
    (line,) = (each for each in accepted.stdout.splitlines() if each.startswith("log "))
    assert PublicKey.parse(line.removeprefix("log ")).name == f"{key.name}.2"
    assert "what was sealed beyond 0 records, up to " in there("recover", *OFFICE).stdout
    assert there(*issue).exit_code == 0
    sealed = there("seal", *OFFICE)
    assert sealed.stdout.startswith(f"{key.name}.2\n")
