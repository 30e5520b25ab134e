"""台账: what an office does about the ledger itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from aggregates.ledger import (
    ClockCorrected,
    KeyAnnounced,
    KeyRetired,
    LedgerItself,
    LossAccepted,
    ReleaseStarted,
)
from aggregates.roles import Role
from commands.base import Case, Command, Rule, act
from commands.office import ADMINISTRATION
from commands.vocabulary import Digest, Name, Reason, Size, Text

CLOCK_WAS_BEHIND = Rule(
    "ledger.clock_was_behind",
    "时钟落后于台账的，方须确认",
    basis="GB/T 22239-2019",
)
STARTED_ONCE = Rule(
    "ledger.started_once", "启用的版本或其规则目录须与现行的不同", basis="档案法实施条例 第39条"
)
KEY_IS_NEW = Rule("ledger.key_is_new", "启用的公钥须从未启用过", basis="GB/T 39786-2021")
KEY_IN_USE = Rule("ledger.key_in_use", "停用的须为在用公钥", basis="GB/T 39786-2021")
SOMETHING_WAS_SEALED = Rule(
    "ledger.something_was_sealed",
    "确认缺失须以已经签署的检查点为据",
    basis="档案法实施条例 第39条",
)


@act("ledger/clock", by=ADMINISTRATION, basis="GB/T 22239-2019")
class ConfirmClock(Command[LedgerItself]):
    """确认时钟: the clock is right although the ledger is ahead of it; recording may go on."""

    head_at: Annotated[datetime, "台账末条记录的时间"]
    clock_at: Annotated[datetime, "时钟所示时间"]
    reason: Reason

    def decide(self, ledger: LedgerItself, case: Case, /) -> ClockCorrected:
        case.require(self.clock_at < self.head_at, CLOCK_WAS_BEHIND, 台账时间=self.head_at)
        return ClockCorrected(self.head_at, self.clock_at, self.reason)


@act(
    "ledger/release",
    by={Role.OPERATOR},
    basis="档案法实施条例 第39条; GB/T 22239-2019",
    at_console=True,
)
class StartRelease(Command[LedgerItself]):
    """启用版本: the service starts under another release or another catalogue of rules."""

    release: Name
    rules: Digest

    def decide(self, ledger: LedgerItself, case: Case, /) -> ReleaseStarted:
        is_other = (ledger.release, ledger.rules) != (self.release, self.rules)
        case.require(is_other, STARTED_ONCE, 版本=self.release)
        return ReleaseStarted(self.release, self.rules)


@act(
    "ledger/keys",
    by={Role.OPERATOR},
    basis="GB/T 39786-2021",
    at_console=True,
)
class AnnounceKey(Command[LedgerItself]):
    """启用公钥: checkpoints will be signed with another key."""

    key: Name

    def decide(self, ledger: LedgerItself, case: Case, /) -> KeyAnnounced:
        case.require(self.key not in ledger.keys, KEY_IS_NEW, 公钥=self.key)
        return KeyAnnounced(self.key)


@act(
    "ledger/keys/retirement",
    by={Role.OPERATOR},
    basis="GB/T 39786-2021",
    at_console=True,
)
class RetireKey(Command[LedgerItself]):
    """停用公钥: nothing that is signed with this key from here on is to be believed."""

    key: Name
    last_size: Size
    reason: Reason

    def decide(self, ledger: LedgerItself, case: Case, /) -> KeyRetired:
        is_in_use = self.key in ledger.keys and ledger.keys[self.key] is None
        case.require(is_in_use, KEY_IN_USE, 公钥=self.key)
        return KeyRetired(self.key, self.last_size, self.reason)


@act(
    "ledger/loss",
    by={Role.OPERATOR},
    basis="档案法实施条例 第39条",
    at_console=True,
)
class AcceptLoss(Command[LedgerItself]):
    """确认缺失: records that were sealed cannot be had back; the ledger goes on without them."""

    size: Size
    sealed_size: Size
    sealed: Text
    reason: Reason

    def decide(self, ledger: LedgerItself, case: Case, /) -> LossAccepted:
        case.require(self.sealed_size, SOMETHING_WAS_SEALED, 已签署=self.sealed_size)
        return LossAccepted(self.size, self.sealed_size, self.sealed, self.reason)
