"""封签轮次: one round of sealing: sign what was added, ask the witnesses, keep what they said."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from service.ledger.application import Ledger
from service.ledger.recorder import storage
from service.proofs.custody import Custody, Sealed
from service.proofs.hearing import Hearing, silent_in
from service.proofs.keys import Keys
from service.proofs.notes import Signer
from service.proofs.policy import NONE, BadPolicy, Policy
from service.proofs.sealing import Sealer, bring_up
from service.settings import PREFIX, BadSetting, Settings


@dataclass(frozen=True)
class Round:
    """一轮: the checkpoint with all its signatures, who is silent, and whether the rest is enough.

    ``sealed`` is None where there was nothing to sign yet; ``has_become_enough``: in this round.
    """

    sealed: Sealed | None
    is_new: bool = False
    silent: list[str] = field(default_factory=list)
    is_enough: bool = True
    has_become_enough: bool = False


def keys_of(ledger: Ledger, settings: Settings) -> Keys:
    """The keys of a ledger, where these settings have them kept."""
    custody = Custody(Path(settings.custody), ledger.slug)
    return Keys(ledger, custody, settings.origin, settings.key_passphrase or None)


def policy_of(settings: Settings) -> Policy:
    """Whose word is wanted; nobody's, where no file says. Raises ``BadPolicy``."""
    return Policy.read(Path(settings.policy)) if settings.policy else Policy(quorum=NONE)


def require_policy(settings: Settings) -> None:
    """Raises ``BadSetting`` where the settings name a file that cannot be read or understood.

    Whoever goes on running would else seal nothing, and ask no witness, for as long as it runs.
    """
    try:
        policy_of(settings)
    except BadPolicy as error:
        raise BadSetting(f"{PREFIX}POLICY: {error}") from error


class Rounds:
    """封签轮次: the rounds of one ledger, and what its witnesses have seen of it."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        """Raises ``BadPolicy`` where the file of the policy cannot be understood."""
        self._settings = settings
        self._keys = keys_of(ledger, settings)
        self._storage = storage(ledger.engine, ledger.slug)
        self._custody = self._keys.custody
        self._sealer = Sealer(self._storage, self._custody, ledger.clock)
        self._hearing = Hearing(self._storage, self._custody, policy_of(settings))

    def go(self) -> Round:
        """Sign what was added since the last time, and ask every witness that has not signed it.

        The policy is read anew each time. Nothing is signed before the witnesses were heard, nor
        while one of them objects. Raises ``HistoryMissing`` where the database does not hold what
        was signed, or where a witness has signed more than was signed here, or something else;
        ``TooFewHeard``; and as ``Keys.signer`` does.
        """
        self.hear()
        with self._custody.alone():
            signer = self._keys.signer()
            self._hearing.require_unopposed()
            made = self._signed(signer)
            sealed = made or self._sealer.last(signer.name)
            return self._witnessed(sealed, is_new=made is not None) if sealed else Round(None)

    def hear(self) -> None:
        """Ask the witnesses who were not heard yet whether they stand by what was signed last.

        Nothing new is signed, but custody that lags behind is brought up, or they would object.
        Raises ``HistoryMissing`` as ``go`` does, ``BadNote`` and ``BadPolicy``.
        """
        self._hearing.policy = policy_of(self._settings)
        try:
            bring_up(self._storage, self._custody)
        finally:  # what is wrong in the database is no reason to ask nobody
            self._hearing.hear()

    def _signed(self, signer: Signer) -> Sealed | None:
        """What is newly signed; None where there is nothing new. Raises ``TooFewHeard``."""
        if self._hearing.is_enough:
            return self._sealer.seal(signer)
        last = self._sealer.last(signer.name)
        if last is None or last.checkpoint.size < self._storage.ask(self._storage.size):
            raise self._hearing.too_few()
        return None

    def _witnessed(self, sealed: Sealed, *, is_new: bool) -> Round:
        was_enough = self._is_enough(sealed)
        sealed, answers = self._hearing.witnessed(sealed)
        is_enough = self._is_enough(sealed)
        return Round(sealed, is_new, silent_in(answers), is_enough, is_enough and not was_enough)

    def _is_enough(self, sealed: Sealed) -> bool:
        policy = self._hearing.policy
        return policy.is_reached(sealed.note.signed_by(policy.keys()))
