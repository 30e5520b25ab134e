"""台账: the office says that the clock is right although the ledger is ahead of it."""

from __future__ import annotations

from datetime import UTC, datetime

from aggregates.ledger import ITSELF, ClockCorrected, LedgerItself
from aggregates.roles import Role
from commands import ledger
from commands.ledger import ConfirmClock
from tests.scenario import Scenario, given

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
