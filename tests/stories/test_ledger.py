"""台账: the office confirms the clock; the service says which release writes."""

from __future__ import annotations

from datetime import UTC, datetime

from aggregates.ledger import (
    ITSELF,
    ClockCorrected,
    KeyAnnounced,
    KeyRetired,
    LedgerItself,
    LossAccepted,
    ReleaseStarted,
)
from aggregates.roles import Role
from commands import ledger
from commands.ledger import AcceptLoss, AnnounceKey, ConfirmClock, RetireKey, StartRelease
from tests.scenario import Scenario, given
from tests.stories.cast import EVIDENCE, PAPER

NOON, AN_HOUR_LATER = datetime(2021, 3, 1, 4, tzinfo=UTC), datetime(2021, 3, 1, 5, tzinfo=UTC)


def at_the_office() -> Scenario:
    return given(LedgerItself, code=ITSELF).by("admin", Role.OFFICE_ADMINISTRATOR)


def test_a_clock_behind_the_ledger_is_confirmed() -> None:
    told = at_the_office().when(ConfirmClock(AN_HOUR_LATER, NOON, "时钟曾被误调快一小时"))
    told.then(ClockCorrected(AN_HOUR_LATER, NOON, "时钟曾被误调快一小时"))


def test_a_clock_that_is_not_behind_needs_no_confirmation() -> None:
    for clock_at in (AN_HOUR_LATER, NOON):
        told = at_the_office().when(ConfirmClock(NOON, clock_at, "例行检查"))
        told.refused(ledger.CLOCK_WAS_BEHIND)


def test_another_release_or_other_rules_are_put_on_record() -> None:
    started = ReleaseStarted("0.1.0", PAPER)
    given(LedgerItself, code=ITSELF).when(StartRelease("0.1.0", PAPER)).then(started)
    later, ruled_otherwise = ReleaseStarted("0.2.0", PAPER), ReleaseStarted("0.1.0", EVIDENCE)
    told = given(LedgerItself, started, code=ITSELF)
    told.when(StartRelease("0.2.0", PAPER)).then(later)
    told.when(StartRelease("0.1.0", EVIDENCE)).then(ruled_otherwise)


def test_the_same_release_starts_once() -> None:
    told = given(LedgerItself, ReleaseStarted("0.1.0", PAPER), code=ITSELF)
    told.when(StartRelease("0.1.0", PAPER)).refused(ledger.STARTED_ONCE)


KEY = "wenxiao.local/shizong+5b2f0c1e+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
announced = KeyAnnounced(KEY)


def test_a_key_is_put_on_record_before_it_signs() -> None:
    given(LedgerItself, code=ITSELF).when(AnnounceKey(KEY)).then(announced)


def test_a_key_is_announced_once() -> None:
    retired = KeyRetired(KEY, 300, "每年更换")
    for known in ([announced], [announced, retired]):
        told = given(LedgerItself, *known, code=ITSELF)
        told.when(AnnounceKey(KEY)).refused(ledger.KEY_IS_NEW)


def test_a_key_in_use_is_retired_with_the_last_size_that_it_signed() -> None:
    told = given(LedgerItself, announced, code=ITSELF).when(RetireKey(KEY, 300, "每年更换"))
    told.then(KeyRetired(KEY, 300, "每年更换"))


def test_no_other_key_is_retired() -> None:
    retired = KeyRetired(KEY, 300, "每年更换")
    for known in ([], [announced, retired]):
        told = given(LedgerItself, *known, code=ITSELF)
        told.when(RetireKey(KEY, 400, "再次更换")).refused(ledger.KEY_IN_USE)


def test_a_loss_of_what_was_sealed_is_accepted() -> None:
    told = given(LedgerItself, code=ITSELF).when(AcceptLoss(300, 350, "检查点", "机房失火"))
    told.then(LossAccepted(300, 350, "检查点", "机房失火"))


def test_where_nothing_was_sealed_nothing_is_lost() -> None:
    told = given(LedgerItself, code=ITSELF).when(AcceptLoss(300, 0, "检查点", "误操作"))
    told.refused(ledger.SOMETHING_WAS_SEALED)
