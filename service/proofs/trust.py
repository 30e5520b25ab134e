"""信任材料: what the office itself says of the keys that its ledger is signed with.

Whoever checks believes keys only from elsewhere; this tells him which ones to ask about.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from service.ledger.application import Ledger
from service.proofs.bundles import Trust
from service.proofs.custody import Sealed
from service.proofs.notes import PublicKey
from service.proofs.policy import Policy
from service.proofs.signed import known_to
from service.settings import Settings


def trust_of(ledger: Ledger, settings: Settings) -> Trust:
    """The office's policy, or else the keys on record; and those that were retired.

    Raises ``BadPolicy``.
    """
    keys = known_to(ledger)
    retired = "".join(f"{key} {last}\n" for key, last in keys.items() if last is not None)
    return Trust(policy_text(settings) or suggested(keys), retired)


def signer_unknown(sealed: Sealed, ledger: Ledger, settings: Settings) -> str:
    """What the policy that the settings name lacks to bear this checkpoint out; or nothing.

    Raises ``BadPolicy``.
    """
    if not settings.policy or sealed.note.signed_by(Policy.read(Path(settings.policy)).logs):
        return ""
    lines = ", ".join(f"log {key}" for key in signers(sealed, ledger))
    return f"the policy {settings.policy} lacks the key that signed, and so proves nothing: {lines}"


def signers(sealed: Sealed, ledger: Ledger) -> list[PublicKey]:
    """The keys on record that have signed a checkpoint."""
    return [*sealed.note.signed_by(known_to(ledger))]


def policy_text(settings: Settings) -> str:
    """The file that the settings name, if they name one. Raises ``BadPolicy``."""
    return Policy.read(Path(settings.policy)).text if settings.policy else ""


def suggested(keys: Iterable[PublicKey]) -> str:
    """A policy that names the ledger's own keys, each by its first name, and wants no witness."""
    different: dict[bytes, PublicKey] = {}
    for key in keys:
        different.setdefault(key.key, key)
    return "".join(f"log {key}\n" for key in different.values()) + "quorum none\n"
