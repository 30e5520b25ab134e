"""``wenxiao recover``: what is missing of a ledger, and how it goes on without."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.common import (
    Failed,
    database_option,
    json_option,
    ledger_option,
    opened,
    settings,
    tell,
)
from service.ledger.application import Ledger
from service.proofs.custody import BadCustody, Custody
from service.proofs.keyfiles import BadKeyFile
from service.proofs.keys import KeyRefused
from service.proofs.recovering import NothingMissing, accept_loss, what_is_missing
from service.proofs.rounds import keys_of


@click.command("recover")
@database_option
@ledger_option
@click.option("--accept-loss", "accepts", is_flag=True, help="Go on without what is missing.")
@click.option("--reason", default="", help="Why it cannot be had back; goes on record.")
@json_option
def command(
    *, database: str | None, ledger: str, accepts: bool, reason: str, as_json: bool
) -> None:
    """Say whether the database holds what was sealed, and lead out where it does not.

    The way out is to restore the database as it was. Only where that cannot be done, --accept-loss
    puts the loss on record, with the last checkpoint of what there was, and begins another log for
    the witnesses, so that nobody takes one for the other.
    """
    if accepts and not reason:
        raise click.UsageError("--accept-loss needs a --reason, which goes on record")
    chosen = settings(database)
    custody = Custody(Path(chosen.custody), ledger)
    with opened(database, is_anchored=False) as engine:
        at = Ledger(engine, ledger)
        try:
            missing = what_is_missing(at, custody)
            if accepts:
                accept_loss(at, custody, keys_of(at, chosen), reason)
        except (BadCustody, BadKeyFile, KeyRefused, NothingMissing) as error:
            raise Failed(str(error)) from error
    if missing and not accepts:
        raise Failed(missing)
    told = missing and f"accepted, and on record: {missing}"
    answer = {"ledger": ledger, "missing": missing, "accepted": accepts}
    tell(answer, told or f"ledger {ledger} holds everything that was sealed", as_json=as_json)
