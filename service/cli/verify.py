"""``wenxiao verify``: is every record where it was put, as it was put there, and as was signed?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import sqlalchemy as sa

from service.cli.common import (
    EXPECTED,
    Failed,
    Inconclusive,
    database_option,
    json_option,
    ledgers_option,
    opened,
    progress,
    sentence,
    settings,
    tell,
)
from service.clock import shown, utc_now
from service.ledger.entry import SLUG
from service.ledger.verifications import Verdict, Verification, keep
from service.ledger.verify import every_name
from service.verifying import Account, Inspection

MARKS = {Verdict.TRUE: "✓", Verdict.FAILED: "✗", Verdict.INCONCLUSIVE: "?"}


@click.command("verify")
@database_option
@ledgers_option
@click.option("--full", is_flag=True, help="Begin with the first record; read models, too.")
@click.option("--facts", is_flag=True, help="See whether this release can read each fact, too.")
@click.option(
    "--processes",
    type=click.IntRange(0, 64),
    default=0,
    help="How many work at it; otherwise as many as there are processors.",
)
@json_option
def command(
    *,
    database: str | None,
    ledgers: tuple[str, ...],
    full: bool,
    facts: bool,
    processes: int,
    as_json: bool,
) -> None:
    """Verify ledgers: records and what is kept beside them, checkpoints, custody, read models.

    Goes on from the last checkpoint up to which everything was found true, if custody knows one,
    unless it is to be a full verification. Under each ledger it says what was looked at (+), and
    what was not (-).

    Exit code 1 if anything is not as it was recorded, and only then; the first record concerned is
    named. Exit code 3 if there was nothing to verify, or it could not be read.
    """
    found = []
    with _inconclusive_if_unread(), opened(database) as engine:
        for ledger in ledgers or every_name(engine):
            inspection = Inspection(engine, ledger, settings(database), full=full)
            verified = _verified(engine, inspection, ledger, facts=facts, processes=processes)
            found.append((verified, inspection.account))
    lines = [line for each in found for line in _lines(*each)]
    tell([_told(*each) for each in found], *lines, as_json=as_json)
    _conclude([verified for verified, _ in found])


@contextmanager
def _inconclusive_if_unread() -> Iterator[None]:
    """What cannot be reached, or was not read to its end, is not thereby false."""
    try:
        yield
    except (Failed, *EXPECTED) as error:
        raise Inconclusive(sentence(error)) from error
    except KeyboardInterrupt as interrupted:
        raise Inconclusive("interrupted before the end") from interrupted


def _verified(
    engine: sa.Engine, inspection: Inspection, ledger: str, *, facts: bool, processes: int
) -> Verification:
    if not SLUG.fullmatch(ledger):  # it may be a path, and custody has files by ledgers' names
        reason = "is no name of a ledger, though there are rows of it"
        return Verification(repr(ledger), utc_now(), Verdict.FAILED, 0, reason)
    with progress(f"verify {ledger}") as come:
        found = inspection.verify(facts=facts, processes=processes, told=come)
    try:
        keep(engine, found)
    except sa.exc.SQLAlchemyError as error:
        click.echo(f"the result could not be kept for /readyz: {error.__cause__}", err=True)
    try:
        inspection.remember(found)
    except OSError as error:
        click.echo(f"how far all was true could not be kept for the next one: {error}", err=True)
    return found


def _told(found: Verification, account: Account) -> dict[str, Any]:
    return {
        **vars(found),
        "began_at": shown(found.began_at),
        "from": account.begin,
        "checkpoints": account.checkpoints,
        **account.roots,
        "checked": account.checked,
        "unchecked": account.unchecked,
    }


def _lines(found: Verification, account: Account) -> Iterator[str]:
    said = found.finding or f"{found.size} records"
    yield f"{MARKS[found.verdict]} {found.ledger}: {said}"
    yield from (f"  + {each}" for each in account.checked)
    yield from (f"  - {each}" for each in account.unchecked)


def _conclude(found: list[Verification]) -> None:
    """Nothing verified is not success."""
    verdicts = {each.verdict for each in found}
    if Verdict.FAILED in verdicts:
        raise Failed("the ledger is not as it was recorded")
    if verdicts != {Verdict.TRUE}:
        raise Inconclusive("there was nothing to verify")
