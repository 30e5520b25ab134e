"""密钥: the key that signs a ledger's checkpoints: made, changed, and on record.

The private key is a file in custody. Which public keys are good, and up to which size, the ledger
itself records, so that an old checkpoint stays believable and a stolen old key signs nothing new.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from aggregates.ledger import ITSELF, LedgerItself
from service.ledger.application import Ledger
from service.ledger.recorder import storage
from service.proofs.custody import Custody, Sealed, settle
from service.proofs.keyfiles import BadKeyFile, create, read
from service.proofs.notes import BadNote, Kind, PublicKey, Signer
from service.proofs.seals import LARGEST
from service.proofs.signed import is_surely_own, keys_on_record, last_signed_by, own_beyond
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
        self._storage = storage(ledger.engine, ledger.slug)

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

        Broken off on the way, it is taken up again where it was. Raises ``KeyRefused`` where a key
        is in use already and its file is lost: it would stay good for whoever finds it.
        """
        if self.custody.key_file.exists():
            raise self._is_there()
        if lost := self._in_use():
            raise self._lost(lost[0])
        return self._gone_on([], "")

    def new_for_lost(self, reason: str) -> PublicKey:
        """Make another key, and retire those that are in use and whose files are lost.

        What they have signed stays good up to the last checkpoint known; without one, nothing.
        A key that is here, but was retired, as it is where custody was put back from a copy older
        than a rotation, is replaced. Broken off on the way, it is taken up again where it was.
        Raises ``BadKeyFile`` where the key in use is here, and ``KeyRefused`` where none was lost.
        """
        if self.custody.key_file.exists() and self._is_in_use(self._here().public):
            raise self._is_there()
        lost = self._in_use()
        if not (lost or self.is_broken_off()):
            raise KeyRefused(f"no key of {self.origin} is in use, and so none was lost")
        return self._gone_on(lost, reason)

    def rotate(self, reason: str) -> PublicKey:
        """Make another key, and retire whatever is in use; what it has signed stays good.

        To be asked with the custody to oneself. Broken off on the way, it is taken up again where
        it was. Raises ``KeyRefused`` and ``BadKeyFile``.
        """
        self._here()
        if self.custody.sealed() is None:
            raise KeyRefused(f"{self.custody.checkpoint_file} is not there: see wenxiao recover")
        return self._gone_on(self._in_use(), reason)

    def after_loss(self, reason: str) -> PublicKey:
        """The key of the log that a ledger has become; what is on record of others may be lost.

        So every other key is retired, and after those on record what custody alone remembers: as
        long as that is not on record, nobody else has the last word on what was lost.
        """
        new = self._next()
        self._retire(self._in_use(), reason)
        for key in sorted({*self._remembered()} - {*self.known.keys}):
            self._ask("announce_key", key=key)
        self._retire(self._in_use(), reason)
        return self._put_in_place(new)

    def is_broken_off(self) -> bool:
        """Was a key being made or changed, and is not in its place yet?"""
        return self.custody.next_file.exists()

    def _gone_on(self, retired: Iterable[PublicKey], reason: str) -> PublicKey:
        """The next key, in the place of these; in their place only once all is on record."""
        new = self._next()
        self._retire(retired, reason)
        return self._put_in_place(new)

    def _retire(self, keys: Iterable[PublicKey], reason: str) -> None:
        for key in keys:
            last_size = self._last_size(key)
            self._ask("retire_key", key=str(key), last_size=last_size, reason=reason)

    def _put_in_place(self, new: Signer) -> PublicKey:
        self.custody.keep_keys(self.known.keys)
        self.custody.next_file.replace(self.custody.key_file)
        settle(self.custody.folder)
        return new.public

    def _lost(self, key: PublicKey) -> KeyRefused:
        return KeyRefused(
            f"{key} is in use: put {self.custody.key_file} back, or retire the key that was lost"
            " and make another, wenxiao keys new --lost --reason …"
        )

    def _is_there(self) -> BadKeyFile:
        return BadKeyFile(f"{self.custody.key_file} is there already: see wenxiao keys rotate")

    def _in_use(self) -> list[PublicKey]:
        """The keys in use, but for the one that is being made for the log that it is at present."""
        begun = [read(self.custody.next_file, self._passphrase)] if self.is_broken_off() else []
        here = {signer.public for signer in begun if signer.name == self.origin}
        keys = keys_on_record(self.known.keys)
        return [key for key, last in keys.items() if last is None and key not in here]

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
        if not self._is_in_use(new.public):
            self._ask("announce_key", key=str(new.public))
        return new

    def signer(self) -> Signer:
        """The present key. Raises ``KeyRefused``, and ``BadKeyFile`` where it cannot be read."""
        signer = self._here()
        if not self._is_in_use(signer.public):
            raise KeyRefused(
                f"{self.custody.key_file} holds {signer.public}, which is not the key in use: put"
                " that one's file in its place, or, if it was lost, retire it and make another,"
                " wenxiao keys new --lost --reason …"
            )
        if signer.name != self.origin:
            raise KeyRefused(
                f"{signer.public} signs for {signer.name}, not for {self.origin}:"
                " WENXIAO_ORIGIN says otherwise than when it was made"
            )
        return signer

    def is_in_place(self) -> bool:
        """Is the key that is here in use, and for the log that the ledger is at present?"""
        if not self.custody.key_file.exists():
            return False
        signer = self._here()
        return signer.name == self.origin and self._is_in_use(signer.public)

    def _here(self) -> Signer:
        """Whatever key is here. Raises ``KeyRefused``, and ``BadKeyFile``."""
        if not self.custody.key_file.exists():
            lost = self._in_use()
            none = f"ledger {self.ledger.slug} has no key yet: wenxiao keys new"
            raise self._lost(lost[0]) if lost else KeyRefused(none)
        return read(self.custody.key_file, self._passphrase)

    def _last_size(self, key: PublicKey) -> int:
        """How far a key is good: as was once on record, or as far as it is known to have signed.

        A row of the database says that only up to the last checkpoint known: it may be by whoever
        has stolen a key whose retirement was lost.
        """
        remembered = self.custody.keys().get(str(key))
        if remembered is not None:
            return remembered
        last = self._last_of(key.name)
        most = last.checkpoint.size if last else LARGEST
        is_by_it = last is not None and is_surely_own(last, {key: None})
        return most if is_by_it else last_signed_by(key, self._storage, most)

    def _last_of(self, origin: str) -> Sealed | None:
        """The last checkpoint of a log: custody's, unless that lags behind the database's."""
        sealed, own = self.custody.sealed(), None
        here = sealed if sealed and sealed.checkpoint.origin == origin else None
        with suppress(BadNote):
            size = here.checkpoint.size if here else 0
            own = own_beyond(self._storage, self.custody, origin, size)
        return own or here

    def _remembered(self) -> list[str]:
        """The keys that were on record once, and the one that is here."""
        here = [str(self._here().public)] if self.custody.key_file.exists() else []
        return [*self.custody.keys(), *here]

    def _is_in_use(self, key: PublicKey) -> bool:
        return self.known.keys.get(str(key), 0) is None

    def _ask(self, act: str, **body: object) -> None:
        outcome = ask_as_console(self.ledger, act, LedgerItself, body)
        if not outcome.is_recorded:
            raise KeyRefused(outcome.records[0].fact.sentence())
