"""台账: what the ledger records about itself: refusals, lines, releases, keys, losses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from aggregates.base import MAIN, Aggregate, Breach, Fact, Severity
from aggregates.person import Holder


@dataclass
class Refusals(Aggregate, kind="refusals", collection="refusals"):
    """What was tried on one history and not allowed; the history itself does not move."""


@dataclass
class Imports(Holder, kind="import", collection="imports"):
    """导入批次: one batch of lines taken over from another system, by the name of the batch."""

    CODE = r"[^\x00-\x1f\x7f/]{1,50}"


@dataclass
class LedgerItself(Aggregate, kind="ledger", collection="ledger"):
    """台账自身: the ledger's own history.

    ``release`` is the one that writes it at present, under the catalogue of ``rules``; ``keys`` are
    those its checkpoints are signed with, each with the last size at which it was good, or None;
    ``generation`` counts the logs it has been for its witnesses, one more after every loss.
    """

    release: str = ""
    rules: str = ""
    keys: dict[str, int | None] = field(default_factory=dict)
    generation: int = 1


ITSELF = MAIN

LOG = re.compile(r"[^\n]*/[^\n/.]+\.([1-9][0-9]{0,8})\n")
"""How a checkpoint of a second, third … log begins: its origin ends in the number."""


class ActRefused(Fact[Refusals], topic="act.refused", says="拒绝办理 {title}: {reasons}"):
    """拒绝办理: who tried what, and which rules do not allow it.

    ``sentences`` has the words of each breach, of those also that were only flagged.
    """

    act: str
    title: str
    subject: str
    breaches: tuple[Breach, ...]
    sentences: tuple[str, ...]

    @property
    def reasons(self) -> str:
        """Why it was refused, in the words of that time."""
        told = zip(self.breaches, self.sentences, strict=False)
        return "；".join(words for each, words in told if each.severity == Severity.REFUSE)


class LineUnplaced(
    Fact[Imports],
    topic="import.unplaced",
    says="第 {number} 行未能入账: {problem}",
    personal=("text",),
):
    """未入账行: a line that could not be read or placed, and why.

    Nobody knows whose names stand in it, so its text is kept beside the ledger; ``text`` is the
    digest of that committed value, ``length`` its bytes in the file. ``line`` and ``digest`` are
    empty: earlier releases had the text, and its SHA-256, in the record.
    """

    number: int
    line: str
    digest: str
    problem: str
    text: str = ""
    length: int = 0


class ClockCorrected(Fact[LedgerItself], topic="ledger.clock_corrected", says="确认时钟: {reason}"):
    """确认时钟: the office confirmed the clock after the ledger was found ahead of it.

    ``head_at`` is the last time recorded before, ``clock_at`` what the clock said then.
    """

    head_at: datetime
    clock_at: datetime
    reason: str


class ReleaseStarted(
    Fact[LedgerItself], topic="ledger.release_started", says="启用软件版本 {release}"
):
    """启用版本: from here on records are written by this release, under this catalogue of rules.

    ``rules`` is the SHA-256 of the catalogue, so that a rule which was changed without a rule set
    shows in the ledger as well.
    """

    release: str
    rules: str

    def apply(self, ledger: LedgerItself, /) -> None:
        ledger.release, ledger.rules = self.release, self.rules


class KeyAnnounced(Fact[LedgerItself], topic="ledger.key_announced", says="启用签名公钥 {key}"):
    """启用公钥: from here on checkpoints are signed with this key.

    ``key`` is the public key as C2SP ``signed-note`` writes it.
    """

    key: str

    def apply(self, ledger: LedgerItself, /) -> None:
        ledger.keys[self.key] = None


class KeyRetired(
    Fact[LedgerItself], topic="ledger.key_retired", says="停用签名公钥 {key}: {reason}"
):
    """停用公钥: a checkpoint larger than ``last_size`` is not to be believed by this key."""

    key: str
    last_size: int
    reason: str

    def apply(self, ledger: LedgerItself, /) -> None:
        ledger.keys[self.key] = self.last_size


class LossAccepted(
    Fact[LedgerItself],
    topic="ledger.loss_accepted",
    says="确认记录缺失: 自第 {size} 条之后，原有记录至第 {sealed_size} 条: {reason}",
):
    """确认缺失: sealed records are gone for good, and the ledger goes on without them.

    ``size`` is what was left, ``sealed`` the last checkpoint of what there was, as it was signed.
    For witnesses the ledger is another log from here on.
    """

    size: int
    sealed_size: int
    sealed: str
    reason: str

    @property
    def log(self) -> int:
        """Which log it was; a ledger that was begun anew does not remember those before it."""
        found = LOG.match(self.sealed)
        return int(found[1]) if found else 1

    def apply(self, ledger: LedgerItself, /) -> None:
        ledger.generation = max(ledger.generation, self.log) + 1
