"""台账: what the ledger records about itself: refusals, unreadable lines, a clock set right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregates.base import MAIN, Aggregate, Breach, Fact, Severity


@dataclass
class Refusals(Aggregate, kind="refusals", collection="refusals"):
    """What was tried on one history and not allowed; the history itself does not move."""


@dataclass
class Imports(Aggregate, kind="import", collection="imports"):
    """One batch of lines taken over from another system."""


@dataclass
class LedgerItself(Aggregate, kind="ledger", collection="ledger"):
    """台账自身: the ledger's own history, and the release that writes it at present."""

    release: str = ""
    rules: str = ""


ITSELF = MAIN


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
    Fact[Imports], topic="import.unplaced", says="第 {number} 行未能入账: {problem}"
):
    """未入账行: a line that could not be read or placed, kept word for word.

    A line longer than ``line`` may hold is kept in its beginning, with the SHA-256 of the whole. Of
    a line with personal data neither is kept: names could be tried out against a digest.
    """

    number: int
    line: str
    digest: str
    problem: str


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
