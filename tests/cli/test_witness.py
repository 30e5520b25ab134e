"""A witness as its office has it: a key, a policy, a server."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from service.proofs import keyfiles
from service.proofs.cosigning import cosigned
from service.proofs.notes import Kind, PublicKey
from service.proofs.policy import Witness
from tests.bench.serving import Server
from tests.cli.conftest import Wenxiao, command, environment, said
from tests.cli.test_serve import lines
from tests.conftest import Databases
from tests.proofs.growing import Log

NAME = "audit.example/w1"
LOG = Log()
SECRET = "correct horse"


@pytest.fixture
def url(sqlite_databases: Databases) -> Iterator[str]:
    """The witness's own database."""
    with sqlite_databases() as url:
        yield url


@pytest.fixture
def wenxiao(url: str) -> Wenxiao:
    """Say a command to the witness's database; what it asks back is answered with ``typed``."""
    return partial(said, url)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy"
    path.write_text(f"log {LOG.signer.public}\nquorum none\n", encoding="utf-8")
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "key"


@pytest.fixture
def passphrase(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("WENXIAO_KEY_PASSPHRASE", SECRET)
    return SECRET


def test_a_new_key_is_told_and_kept(wenxiao: Wenxiao, key: Path) -> None:
    done = wenxiao("witness", "new", NAME, "--out", key)
    assert done.exit_code == 0
    assert PublicKey.parse(done.stdout.strip()) == keyfiles.read(key, kind=Kind.WITNESS).public
    again = wenxiao("witness", "new", NAME, "--out", key)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "is there already" in again.stderr


def test_an_address_with_its_scheme_is_no_name(wenxiao: Wenxiao, key: Path) -> None:
    done = wenxiao("witness", "new", f"https://{NAME}", "--out", key)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "without" in done.stderr
    assert not key.exists()


def test_a_passphrase_is_asked_for_twice(key: Path) -> None:
    words = ["witness", "new", NAME, "--out", str(key), "--passphrase"]
    done = CliRunner().invoke(main, words, input=f"{SECRET}\nother\n{SECRET}\n{SECRET}\n")
    assert (done.exit_code, str(keyfiles.read(key, SECRET).public)) == (0, done.stdout.strip())
    assert SECRET not in done.output


@pytest.mark.usefixtures("passphrase")
def test_a_new_key_may_have_a_passphrase(wenxiao: Wenxiao, key: Path) -> None:
    done = wenxiao("witness", "new", NAME, "--out", key, "--json")
    found = keyfiles.read(key, SECRET)
    assert json.loads(done.stdout) == {"name": NAME, "key": str(found.public)}
    assert keyfiles.needs_passphrase(key)


def test_a_witness_is_served_and_remembers(
    wenxiao: Wenxiao, key: Path, policy: Path, url: str, tmp_path: Path, passphrase: str
) -> None:
    wenxiao("witness", "new", NAME, "--out", key)
    signer, log = keyfiles.read(key, passphrase), tmp_path / "log"
    words = command("witness", "serve", "--key", key, "--policy", policy)
    for old, size in ((0, 5), (5, 9)):
        with Server(words, log, environment(url)) as server:
            address = f"http://127.0.0.1:{server.port}"
            with urllib.request.urlopen(address) as told:
                assert told.read().decode() == f"{NAME}\n{signer.public}\n"
            known, note = Witness("W", signer.public, address), LOG.checkpoint(size)
            (answer,) = cosigned(note, [known], LOG.consistency(size), {"W": old})
            assert (answer.reason, answer.seen) == ("", size)
            assert server.stop() == 0
    told_of = {line["event"] for line in lines(log)}
    assert told_of == {"listens", "answered"}
    assert passphrase not in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("quorum none\n", "names no ledger"),
        ("log nonsense\nquorum none\n", "line 1: no"),
        ("", "no line says what the quorum is"),
    ],
)
def test_a_policy_that_trusts_nobody_is_told(
    wenxiao: Wenxiao, key: Path, policy: Path, text: str, because: str
) -> None:
    wenxiao("witness", "new", NAME, "--out", key)
    policy.write_text(text, encoding="utf-8")
    done = wenxiao("witness", "serve", "--key", key, "--policy", policy)
    assert (done.exit_code, because in done.stderr) == (1, True), done.stderr


def test_a_key_that_is_none_is_told(
    wenxiao: Wenxiao, key: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyfiles.create(key, NAME, Kind.LOG)
    words = ("witness", "serve", "--key", key, "--policy", policy)
    assert "one of a witness is needed" in wenxiao(*words).stderr
    key.unlink()
    keyfiles.create(key, NAME, Kind.WITNESS, SECRET)
    asked = wenxiao(*words, typed="wrong\n")
    assert (asked.exit_code, "not its passphrase" in asked.stderr) == (1, True)
    monkeypatch.setenv("WENXIAO_KEY_PASSPHRASE", "wrong")
    done = wenxiao(*words)
    assert (done.exit_code, "not its passphrase" in done.stderr) == (1, True)
    key.chmod(0o644)
    done = wenxiao(*words)
    assert (done.exit_code, "0644: chmod 600" in done.stderr) == (1, True)


def test_a_database_without_the_schema_is_told(
    wenxiao: Wenxiao, key: Path, policy: Path, tmp_path: Path
) -> None:
    keyfiles.create(key, NAME, Kind.WITNESS)
    words = ("witness", "serve", "--key", key, "--policy", policy)
    done = wenxiao(*words, "--database", f"sqlite:///{tmp_path}/none.sqlite")
    assert (done.exit_code, "wenxiao migrate" in done.stderr) == (1, True)
