"""密钥: the key that signs a ledger's checkpoints: made, changed, and on record.

The private key is a file in custody. Which public keys are good, and up to which size, the ledger
itself records, so that an old checkpoint stays believable and a stolen old key signs nothing new.
"""

from __future__ import annotations

from aggregates.ledger import ITSELF, LedgerItself
from service.ledger.application import Ledger
from service.proofs.custody import Custody, settle
from service.proofs.keyfiles import create, read
from service.proofs.notes import Kind, PublicKey, Signer
from service.release import ask_as_console


class KeyRefused(RuntimeError):
    """密钥不可用: there is none, or the ledger does not know it as good."""


class Keys:
    """密钥: of one ledger, under the origin that precedes its name."""

    def __init__(
        self, ledger: Ledger, custody: Custody, prefix: str, passphrase: str | None
    ) -> None:
        self.ledger, self._custody = ledger, custody
        self._prefix, self._passphrase = prefix, passphrase

    @property
    def origin(self) -> str:
        """Which log it is: another one after every loss of records."""
        name, generation = f"{self._prefix}/{self.ledger.slug}", self.known.generation
        return name if generation == 1 else f"{name}.{generation}"

    @property
    def known(self) -> LedgerItself:
        """What the ledger records of its keys."""
        return self.ledger.load(LedgerItself, ITSELF)

    def new(self) -> PublicKey:
        """Make the first key, and put it on record. Raises ``BadKeyFile`` where there is one."""
        self._custody.make_folder()
        signer = create(self._custody.key_file, self.origin, Kind.LOG, self._passphrase)
        self._announce(signer.public)
        return signer.public

    def rotate(self, reason: str) -> PublicKey:
        """Make another key, and retire the present one; what it has signed until now stays good.

        Broken off on the way, it is taken up again where it was.
        """
        with self._custody.alone():
            return self._rotate(reason)

    def _rotate(self, reason: str) -> PublicKey:
        next_file = self._custody.key_file.with_suffix(".next")
        if not next_file.exists():
            create(next_file, self.origin, Kind.LOG, self._passphrase)
        new, old = (read(file, self._passphrase) for file in (next_file, self._custody.key_file))
        if not self._is_in_use(new):
            self._announce(new.public)
        if self._is_in_use(old):
            last_size = self._signed_by(old)
            self._ask("retire_key", key=str(old.public), last_size=last_size, reason=reason)
        next_file.replace(self._custody.key_file)
        settle(self._custody.folder)
        return new.public

    def signer(self) -> Signer:
        """The present key. Raises ``KeyRefused``, and ``BadKeyFile`` where it cannot be read."""
        signer = read(self._custody.key_file, self._passphrase)
        if not self._is_in_use(signer):
            raise KeyRefused(f"the ledger does not know {signer.public} as a key in use")
        if signer.name != self.origin:
            raise KeyRefused(f"{signer.public} signs for {signer.name}, not for {self.origin}")
        return signer

    def _signed_by(self, signer: Signer) -> int:
        """How far the ledger had come when this signer signed it last."""
        sealed = self._custody.sealed()
        return sealed.checkpoint.size if sealed and sealed.checkpoint.origin == signer.name else 0

    def _is_in_use(self, signer: Signer) -> bool:
        return self.known.keys.get(str(signer.public), 0) is None

    def _announce(self, key: PublicKey) -> None:
        self._ask("announce_key", key=str(key))

    def _ask(self, act: str, **body: object) -> None:
        outcome = ask_as_console(self.ledger, act, LedgerItself, body)
        if not outcome.is_recorded:
            raise KeyRefused(outcome.records[0].fact.sentence())
