"""``wenxiao recover``: what is missing of a ledger, and how it goes on without."""

from __future__ import annotations

from contextlib import suppress
from typing import IO

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
from service.ledger.errors import HistoryMissing
from service.proofs.custody import Custody
from service.proofs.keys import Keys
from service.proofs.notes import LONGEST
from service.proofs.recovering import (
    NothingMissing,
    accept_loss,
    as_it_is,
    catch_up,
    heed_no_stranger,
    missing_in,
    take_back,
)
from service.proofs.rounds import Rounds, keys_of, policy_of
from service.settings import Settings


@click.command("recover")
@database_option
@ledger_option
@click.option("--accept-loss", "accepts", is_flag=True, help="Go on without what is missing.")
@click.option("--reason", default="", help="Why it cannot be had back; goes on record.")
@click.option(
    "--checkpoint",
    type=click.File(encoding="utf-8"),
    help="Put this last checkpoint back, which custody has lost.",
)
@json_option
def command(
    *,
    database: str | None,
    ledger: str,
    accepts: bool,
    reason: str,
    checkpoint: IO[str] | None,
    as_json: bool,
) -> None:
    """Say whether the database holds what was sealed, and lead out where it does not.

    The way out is to restore the database as it was. Where custody has lost its last checkpoint,
    --checkpoint puts back a copy, from wherever the newest one is found. Only where records cannot
    be had back, --accept-loss puts the loss on record, with the last checkpoint of what there was,
    and begins another log for the witnesses, so that nobody takes one for the other.

    What a witness has said of more records than there are is heeded no longer once the file that
    WENXIAO_POLICY names does not name that witness.
    """
    if accepts and not reason:
        raise click.UsageError("--accept-loss needs a --reason, which goes on record")
    chosen = settings(database)
    with opened(database, is_anchored=False) as engine:
        at = Ledger(engine, ledger)
        keys = keys_of(at, chosen)
        try:
            ignored = heeded(keys.custody, chosen)
            lagged = brought_up(at, keys, checkpoint)
            with suppress(HistoryMissing):  # what is objected is kept, and told of with the rest
                Rounds(at, chosen).hear()
            missing = missing_in(at, keys.custody)
            if accepts:
                accept_loss(at, keys.custody, keys, reason)
                Rounds(at, chosen).go()
            elif missing:
                raise Failed(str(missing))
            what = missing.what if missing else ""
            log = f"log {keys.signer().public}" if accepts else ""
            told = accepted(what, log, keys) if accepts else as_it_is(at, keys.custody, keys)
        except NothingMissing as error:
            raise Failed(str(error)) from error
    answer = {
        "ledger": ledger,
        "missing": what,
        "accepted": accepts,
        "ignored": ignored,
        "lagged": lagged,
        "log": log,
    }
    tell(answer, told, as_json=as_json)


def heeded(custody: Custody, chosen: Settings) -> str:
    """Heed no witness whom the policy names no longer; what was dropped, and said."""
    if not chosen.policy:
        if custody.objections():
            click.echo("what a witness objects is dropped only under a WENXIAO_POLICY", err=True)
        return ""
    return told_aside(heed_no_stranger(custody, policy_of(chosen)))


def brought_up(ledger: Ledger, keys: Keys, checkpoint: IO[str] | None) -> str:
    """Have custody know what was signed last; what it did not know, and said."""
    if checkpoint:
        return told_aside(take_back(ledger, keys.custody, keys, checkpoint.read(LONGEST)))
    return told_aside(catch_up(ledger, keys.custody))


def told_aside(what: str) -> str:
    """What was done by the way."""
    if what:
        click.echo(what, err=True)
    return what


def accepted(what: str, log: str, keys: Keys) -> str:
    """What is done, and what is left to do elsewhere."""
    return (
        f"accepted, and on record: {what}\n{log}\n"
        f"It is another log from here on, {keys.origin}: its witnesses, the office's own policy"
        " and every auditor need this line, beside the one that they have."
    )
