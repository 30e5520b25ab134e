"""``wenxiao seal``: sign how far ledgers have come, and have witnesses sign it too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from service.cli.common import (
    Inconclusive,
    database_option,
    json_option,
    ledger_at,
    ledger_option,
    require_folder_of,
    settings,
    tell,
)
from service.proofs.hearing import TooFewHeard
from service.proofs.pages import checkpoint_page
from service.proofs.prover import Prover
from service.proofs.rounds import Round, Rounds
from service.proofs.trust import signer_unknown, signers


@click.command("seal")
@database_option
@ledger_option
@click.option(
    "--page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the checkpoint as a page to be printed.",
)
@json_option
def command(*, database: str | None, ledger: str, page: Path | None, as_json: bool) -> None:
    """Sign the ledger's size and roots as they are now; ask the witnesses that the policy names.

    Exit code 3 where fewer of them signed than the policy wants, or it lacks the key that signed:
    the checkpoint is kept, but convinces nobody who goes by this policy. Nothing new is signed
    where so few of them can even be asked whether they have seen more than is here.
    """
    chosen = settings(database)
    if page:
        require_folder_of(page)
    with ledger_at(database, ledger) as at:
        try:
            made = Rounds(at, chosen).go()
        except TooFewHeard as error:
            raise Inconclusive(str(error)) from error
        if made.sealed is None:
            raise Inconclusive(f"ledger {ledger} has no record yet: there is nothing to sign")
        unknown = signer_unknown(made.sealed, at, chosen)
        if page:
            kept = Prover(at, chosen).exactly(made.sealed.checkpoint.size)
            said = replace(kept, sealed=made.sealed), signers(made.sealed, at)
            page.write_text(checkpoint_page(*said), "utf-8")
    note = str(made.sealed.note)
    tell(told(made, note), note.rstrip("\n"), as_json=as_json)
    if unknown:
        click.echo(f"✗ {unknown}", err=True)
    for each in made.silent:
        click.echo(f"✗ {each}", err=True)
    if not made.is_enough:
        raise Inconclusive("too few witnesses have signed this checkpoint")
    if unknown:
        raise Inconclusive("this checkpoint is kept, but under that policy it convinces nobody")


def told(made: Round, note: str) -> dict[str, object]:
    """What was signed, and who did not."""
    return {
        "size": made.sealed.checkpoint.size if made.sealed else 0,
        "note": note,
        "silent": made.silent,
        "is_enough": made.is_enough,
    }
