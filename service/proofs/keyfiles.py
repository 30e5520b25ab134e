"""密钥文件: where a private key lies, and who may read it.

    # wenxiao.local/shizong+5b2f0c1e+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW
    -----BEGIN ENCRYPTED PRIVATE KEY-----
    …

The first line is the public key, and so says whose it is and what it signs; what follows is PKCS 8
in PEM, which other programs read too, with a passphrase or without. A file that anybody but its
owner may read is not used. The passphrase is stretched only as PKCS 8 commonly is: it gives time
to retire a key whose file was lost, and does not make the file fit to be shown.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from service.proofs.notes import BadNote, Kind, PublicKey, Signer

LONGEST = 10_000
ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


class BadKeyFile(Exception):
    """密钥文件有误: no key can be had from it, or none be put there; never says what is in it."""


def create(path: Path, name: str, kind: Kind, passphrase: str | None = None) -> Signer:
    """Make a new key, and keep it in a file that must not be there yet.

    It is on the disk when this returns. Raises ``BadKeyFile``, and ``BadNote`` where the name is
    none.
    """
    signer = Signer(name, kind, Ed25519PrivateKey.generate())
    lines = b"# %b\n%b" % (str(signer.public).encode(), _pem(signer, passphrase))
    try:
        _write(path, lines)
    except FileExistsError as error:
        raise BadKeyFile(f"{path} is there already: a key is never written over") from error
    except OSError as error:
        raise BadKeyFile(f"{path} cannot be written: {error.strerror}") from error
    return signer


def read(path: Path, passphrase: str | None = None, kind: Kind | None = None) -> Signer:
    """The key of a file; of this kind, if one is asked for.

    A passphrase is for a file that needs one, and otherwise not looked at. Raises ``BadKeyFile``.
    """
    data = _read(path)
    public = _public(path, data)
    if kind is not None and public.kind is not kind:
        told = f"{public.kind.name.lower()}, where one of a {kind.name.lower()} is needed"
        raise BadKeyFile(f"{path} has the key of a {told}")
    signer = Signer(public.name, public.kind, _private(path, data, passphrase))
    if signer.public != public:
        raise BadKeyFile(f"{path} has another key than its first line says")
    return signer


def needs_passphrase(path: Path) -> bool:
    """Can it be read only with a passphrase? Raises ``BadKeyFile``."""
    return ENCRYPTED in _read(path)


def _pem(signer: Signer, passphrase: str | None) -> bytes:
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase:
        encryption = BestAvailableEncryption(passphrase.encode())
    return signer.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _write(path: Path, data: bytes) -> None:
    """To the disk, with its name: a file that is there whole or not at all, even after a kill."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as draft:
        draft.write(data)
        draft.flush()
        os.fsync(draft.fileno())
        # Not a rename, which would replace another key's file.
        os.link(draft.name, path)
    with _opened(path.parent) as folder:
        os.fsync(folder)


def _read(path: Path) -> bytes:
    try:
        # Opening must not wait for somebody to write, as it would where this is a pipe.
        with _opened(path, os.O_RDONLY | os.O_NONBLOCK) as number:
            mode = os.fstat(number).st_mode
            if not stat.S_ISREG(mode):
                raise BadKeyFile(f"{path} is not a file")
            if mode & 0o077:
                told = f"{stat.S_IMODE(mode):04o}: chmod 600"
                raise BadKeyFile(f"{path} may be read by others than its owner, its mode is {told}")
            return os.read(number, LONGEST)
    except OSError as error:
        raise BadKeyFile(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def _opened(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    number = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield number
    finally:
        os.close(number)


def _public(path: Path, data: bytes) -> PublicKey:
    mark, _, first = data.partition(b"\n")[0].partition(b" ")
    try:
        key = PublicKey.parse(first.decode())
    except (UnicodeDecodeError, BadNote):
        key = None
    if mark != b"#" or key is None:
        # Where this is another file, its first line may be a secret: nothing of it is told.
        raise BadKeyFile(f"{path} does not say in its first line whose key it is")
    return key


def _private(path: Path, data: bytes, passphrase: str | None) -> Ed25519PrivateKey:
    is_encrypted = ENCRYPTED in data
    if is_encrypted and not passphrase:
        raise BadKeyFile(f"{path} can be read only with its passphrase")
    secret = passphrase.encode() if is_encrypted and passphrase else None
    try:
        key = load_pem_private_key(data, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        because = "this is not its passphrase" if is_encrypted else "it is not PKCS 8 in PEM"
        raise BadKeyFile(f"{path} gives no key: {because}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKeyFile(f"{path} has no key of Ed25519")
    return key
