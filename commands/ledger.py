"""台账: what an office does about the ledger itself."""

from __future__ import annotations

from datetime import datetime

from aggregates.ledger import ClockCorrected, LedgerItself, ReleaseStarted
from aggregates.roles import Role
from commands.base import Case, Command, Rule, act
from commands.office import ADMINISTRATION
from commands.vocabulary import Digest, Name, Text

CLOCK_WAS_BEHIND = Rule(
    "ledger.clock_was_behind",
    "时钟落后于台账的，方须确认",
    basis="GB/T 22239-2019",
)
STARTED_ONCE = Rule(
    "ledger.started_once", "启用的版本或其规则目录须与现行的不同", basis="档案法实施条例 第39条"
)


@act("ledger/clock", by=ADMINISTRATION, basis="GB/T 22239-2019")
class ConfirmClock(Command[LedgerItself]):
    """确认时钟: the clock is right although the ledger is ahead of it; recording may go on."""

    head_at: datetime
    clock_at: datetime
    reason: Text

    def decide(self, ledger: LedgerItself, case: Case, /) -> ClockCorrected:
        case.require(self.clock_at < self.head_at, CLOCK_WAS_BEHIND, 台账时间=self.head_at)
        return ClockCorrected(self.head_at, self.clock_at, self.reason)


@act("ledger/release", by={Role.OPERATOR}, basis="档案法实施条例 第39条; GB/T 22239-2019")
class StartRelease(Command[LedgerItself]):
    """启用版本: the service starts under another release or another catalogue of rules."""

    release: Name
    rules: Digest

    def decide(self, ledger: LedgerItself, case: Case, /) -> ReleaseStarted:
        is_other = (ledger.release, ledger.rules) != (self.release, self.rules)
        case.require(is_other, STARTED_ONCE, 版本=self.release)
        return ReleaseStarted(self.release, self.rules)
