"""密钥: the key that signs a ledger's checkpoints: made, changed, and on record.

The private key is a file in custody. Which public keys are good, and up to which size, the ledger
itself records, so that an old checkpoint stays believable and a stolen old key signs nothing new.
"""

from __future__ import annotations

from aggregates.ledger import ITSELF, LedgerItself
from service.ledger.application import Ledger
from service.proofs.custody import Custody, settle
from service.proofs.keyfiles import BadKeyFile, create, read
from service.proofs.notes import Kind, PublicKey, Signer
from service.release import ask_as_console

LONGEST_ORIGIN = 140
"""So long, a key with its name is still a name that a record can hold."""


class KeyRefused(RuntimeError):
    """密钥不可用: there is none, or the ledger does not know it as good."""


class Keys:
    """密钥: of one ledger, under the origin that precedes its name."""

    def __init__(
        self, ledger: Ledger, custody: Custody, prefix: str, passphrase: str | None
    ) -> None:
        self.ledger, self.custody = ledger, custody
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
        """Make the first key, and put it on record. Raises ``BadKeyFile`` where there is one.

        Broken off on the way, it is taken up again where it was.
        """
        if self.custody.key_file.exists():
            raise BadKeyFile(f"{self.custody.key_file} is there already: see wenxiao keys rotate")
        new = self._next()
        self.custody.next_file.replace(self.custody.key_file)
        settle(self.custody.folder)
        return new.public

    def rotate(self, reason: str) -> PublicKey:
        """Make another key, and retire the present one; what it has signed until now stays good.

        To be asked with the custody to oneself. Broken off on the way, it is taken up again where
        it was. Raises ``KeyRefused`` and ``BadKeyFile``.
        """
        old = self._here()
        last_size = self._signed_by(old)
        new = self._next()
        if self._is_in_use(old):
            self._ask("retire_key", key=str(old.public), last_size=last_size, reason=reason)
        self.custody.next_file.replace(self.custody.key_file)
        settle(self.custody.folder)
        return new.public

    def is_broken_off(self) -> bool:
        """Was a key being made or changed, and is not in its place yet?"""
        return self.custody.next_file.exists()

    def _next(self) -> Signer:
        """The key that is to be the present one, made and on record."""
        if len(self.origin) > LONGEST_ORIGIN:
            raise KeyRefused(f"an origin has at most {LONGEST_ORIGIN} characters: {self.origin}")
        self.custody.make_folder()
        file = self.custody.next_file
        if file.exists() and read(file, self._passphrase).name != self.origin:
            file.unlink()  # made before a loss was accepted, and never used
        if not file.exists():
            create(file, self.origin, Kind.LOG, self._passphrase)
        new = read(file, self._passphrase)
        if not self._is_in_use(new):
            self._ask("announce_key", key=str(new.public))
        return new

    def signer(self) -> Signer:
        """The present key. Raises ``KeyRefused``, and ``BadKeyFile`` where it cannot be read."""
        signer = self._here()
        if not self._is_in_use(signer):
            raise KeyRefused(f"the ledger does not know {signer.public} as a key in use")
        if signer.name != self.origin:
            raise KeyRefused(f"{signer.public} signs for {signer.name}, not for {self.origin}")
        return signer

    def is_in_place(self) -> bool:
        """Is the key that is here in use, and for the log that the ledger is at present?"""
        signer = self._here()
        return signer.name == self.origin and self._is_in_use(signer)

    def _here(self) -> Signer:
        return read(self.custody.key_file, self._passphrase)

    def _signed_by(self, signer: Signer) -> int:
        """How far the ledger had come when this signer signed it last."""
        sealed = self.custody.sealed()
        if sealed is None:
            raise KeyRefused(f"{self.custody.checkpoint_file} is not there: see wenxiao recover")
        return sealed.checkpoint.size if sealed.checkpoint.origin == signer.name else 0

    def _is_in_use(self, signer: Signer) -> bool:
        return self.known.keys.get(str(signer.public), 0) is None

    def _ask(self, act: str, **body: object) -> None:
        outcome = ask_as_console(self.ledger, act, LedgerItself, body)
        if not outcome.is_recorded:
            raise KeyRefused(outcome.records[0].fact.sentence())
