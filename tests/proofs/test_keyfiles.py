"""Key files: made once, read by their owner alone, and never told of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.proofs import keyfiles
from service.proofs.keyfiles import BadKeyFile
from service.proofs.notes import BadNote, Kind

NAME = "wenxiao.example/石嵩"
TEXT = "a text\n"
SECRET = "correct horse"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key"


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("passphrase", [None, "", SECRET])
def test_a_key_is_read_as_it_was_made(path: Path, kind: Kind, passphrase: str | None) -> None:
    made = keyfiles.create(path, NAME, kind, passphrase)
    found = keyfiles.read(path, passphrase, kind)
    assert (found.public, found.public.name, found.kind) == (made.public, NAME, kind)
    assert found.private.sign(b"") == made.private.sign(b"")
    assert keyfiles.needs_passphrase(path) is bool(passphrase)


def test_it_is_its_owners_whatever_the_habit_of_the_house(path: Path) -> None:
    before = os.umask(0)
    try:
        keyfiles.create(path, NAME, Kind.LOG)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_two_keys_are_the_same(tmp_path: Path) -> None:
    made = {keyfiles.create(tmp_path / n, NAME, Kind.LOG).public.key for n in "ab"}
    assert len(made) == 2


@pytest.mark.parametrize("passphrase", [None, SECRET])
def test_other_programs_read_it_too(path: Path, passphrase: str | None) -> None:
    made = keyfiles.create(path, NAME, Kind.LOG, passphrase)
    words = ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"]
    try:
        words += ["-passin", f"pass:{passphrase}"]
        done = subprocess.run(words, capture_output=True, check=False)
    except FileNotFoundError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no openssl here")
    assert done.stdout.endswith(made.public.key)


def test_no_key_is_written_over(path: Path) -> None:
    keyfiles.create(path, NAME, Kind.LOG)
    before = path.read_bytes()
    with pytest.raises(BadKeyFile, match="is there already"):
        keyfiles.create(path, NAME, Kind.LOG)
    assert path.read_bytes() == before


def test_no_file_is_left_of_a_name_that_is_none(path: Path) -> None:
    with pytest.raises(BadNote):
        keyfiles.create(path, "two words", Kind.LOG)
    assert not path.exists()


def test_a_key_file_is_there_whole_or_not_at_all(path: Path) -> None:
    """Killed before its content is on disk."""
    program = (
        "import os, sys; from pathlib import Path; from service.proofs import keyfiles as k;"
        "os.fsync = lambda _: os._exit(137); k.create(Path(sys.argv[1]), 'a', k.Kind.LOG)"
    )
    done = subprocess.run([sys.executable, "-c", program, path], check=False)
    assert done.returncode == 137
    assert not path.exists()
    made = keyfiles.create(path, NAME, Kind.LOG)
    assert keyfiles.read(path).public == made.public


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadKeyFile, match="cannot be written: No such file"):
        keyfiles.create(tmp_path / "missing" / "key", NAME, Kind.LOG)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o601, 0o620, 0o602, 0o644])
def test_what_others_may_read_is_not_used(path: Path, mode: int) -> None:
    keyfiles.create(path, NAME, Kind.LOG)
    path.chmod(mode)
    with pytest.raises(BadKeyFile, match=f"its mode is {mode:04o}"):
        keyfiles.read(path)


def test_a_key_of_another_kind_is_not_used(path: Path) -> None:
    keyfiles.create(path, NAME, Kind.LOG)
    with pytest.raises(BadKeyFile, match="the key of a log, where one of a witness is needed"):
        keyfiles.read(path, kind=Kind.WITNESS)


@pytest.mark.parametrize(
    ("given", "because"),
    [("wrong", "not its passphrase"), (None, "only with its passphrase"), ("", "only with its")],
)
def test_a_wrong_passphrase_is_told(path: Path, given: str | None, because: str) -> None:
    keyfiles.create(path, NAME, Kind.LOG, SECRET)
    with pytest.raises(BadKeyFile, match=because):
        keyfiles.read(path, given)


def test_a_passphrase_is_not_needed_where_there_is_none(path: Path) -> None:
    made = keyfiles.create(path, NAME, Kind.LOG)
    assert keyfiles.read(path, SECRET).public == made.public


def pem(key: Ed25519PrivateKey | X25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "does not say in its first line"),
        ("top secret\n", "does not say in its first line"),
        ("# a key\n", "does not say in its first line"),
        ("{}", "does not say in its first line"),
        ("# {}\n", "it is not PKCS 8 in PEM"),
        ("# {}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is not PKCS 8"),
        ("# {}\n-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n", "not its passphrase"),
        ("# {}\n" + pem(Ed25519PrivateKey.generate()), "another key than its first line"),
        ("# {}\n" + pem(X25519PrivateKey.generate()), "no key of Ed25519"),
    ],
)
def test_what_is_no_key_file_is_told_and_nothing_of_it(path: Path, text: str, because: str) -> None:
    public = keyfiles.create(path, NAME, Kind.LOG).public
    path.write_text(text.format(public), encoding="utf-8")
    with pytest.raises(BadKeyFile, match=because) as found:
        keyfiles.read(path, SECRET)
    told = str(found.value)
    assert "secret" not in told
    assert SECRET not in told
    assert not any(line in told for line in text.splitlines()[1:])


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for place, because in (("pipe", "not a file"), ("", "not a file"), ("none", "No such file")):
        with pytest.raises(BadKeyFile, match=because):
            keyfiles.read(tmp_path / place)
