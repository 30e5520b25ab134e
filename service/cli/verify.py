"""``wenxiao verify``: is every record where it was put, as it was put there?"""

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
    tell,
)
from service.clock import shown
from service.ledger.verifications import Verdict, Verification, keep
from service.ledger.verify import every_name, verify

MARKS = {Verdict.TRUE: "✓", Verdict.FAILED: "✗", Verdict.INCONCLUSIVE: "?"}


@click.command("verify")
@database_option
@ledgers_option
@click.option("--facts", is_flag=True, help="See whether this release can read each fact, too.")
@click.option(
    "--processes",
    type=click.IntRange(0, 64),
    default=0,
    help="How many work at it; otherwise as many as there are processors.",
)
@json_option
def command(
    *, database: str | None, ledgers: tuple[str, ...], facts: bool, processes: int, as_json: bool
) -> None:
    """Verify records, requests, source rows, committed values and heads of ledgers.

    Exit code 1 if anything is not as it was recorded, and only then; the first record concerned is
    named. Exit code 3 if there was nothing to verify, or it could not be read.
    """
    with _inconclusive_if_unread(), opened(database) as engine:
        found = [
            _verified(engine, ledger, facts=facts, processes=processes)
            for ledger in ledgers or every_name(engine)
        ]
    tell([_told(each) for each in found], *map(_line, found), as_json=as_json)
    _conclude(found)


@contextmanager
def _inconclusive_if_unread() -> Iterator[None]:
    """What cannot be reached, or was not read to its end, is not thereby false."""
    try:
        yield
    except (Failed, *EXPECTED) as error:
        raise Inconclusive(sentence(error)) from error
    except KeyboardInterrupt as interrupted:
        raise Inconclusive("interrupted before the end") from interrupted


def _verified(engine: sa.Engine, ledger: str, *, facts: bool, processes: int) -> Verification:
    with progress(f"verify {ledger}") as come:
        found = verify(engine, ledger, facts=facts, processes=processes, told=come)
    try:
        keep(engine, found)
    except sa.exc.SQLAlchemyError as error:
        click.echo(f"the result could not be kept for /readyz: {error.__cause__}", err=True)
    return found


def _told(found: Verification) -> dict[str, Any]:
    return {**vars(found), "began_at": shown(found.began_at)}


def _line(found: Verification) -> str:
    said = found.finding or f"{found.size} records"
    return f"{MARKS[found.verdict]} {found.ledger}: {said}"


def _conclude(found: list[Verification]) -> None:
    """Nothing verified is not success."""
    verdicts = {each.verdict for each in found}
    if Verdict.FAILED in verdicts:
        raise Failed("the ledger is not as it was recorded")
    if verdicts != {Verdict.TRUE}:
        raise Inconclusive("there was nothing to verify")
