"""台账: the office confirms the clock; the service says which release writes."""

from __future__ import annotations

from datetime import UTC, datetime

from aggregates.ledger import ITSELF, ClockCorrected, LedgerItself, ReleaseStarted
from aggregates.roles import Role
from commands import ledger
from commands.ledger import ConfirmClock, StartRelease
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
