"""信任材料: what the office itself says of the keys that its ledger is signed with.

Whoever checks believes keys only from elsewhere; this tells him which ones to ask about.
"""

from __future__ import annotations

from pathlib import Path

from aggregates.ledger import ITSELF, LedgerItself
from service.ledger.application import Ledger
from service.proofs.bundles import Trust
from service.proofs.policy import Policy
from service.settings import Settings


def trust_of(ledger: Ledger, settings: Settings) -> Trust:
    """The office's policy, or else the keys on record; and those that were retired.

    Raises ``BadPolicy`` and ``OSError``.
    """
    keys = ledger.load(LedgerItself, ITSELF).keys
    retired = "".join(f"{key} {last}\n" for key, last in keys.items() if last is not None)
    return Trust(policy_text(settings) or suggested(keys), retired)


def policy_text(settings: Settings) -> str:
    """The file that the settings name, if they name one. Raises ``BadPolicy`` and ``OSError``."""
    if not settings.policy:
        return ""
    text = Path(settings.policy).read_text("utf-8")
    Policy.parse(text)
    return text


def suggested(keys: dict[str, int | None]) -> str:
    """A policy that names the ledger's own keys, and wants no witness."""
    return "".join(f"log {key}\n" for key in keys) + "quorum none\n"
