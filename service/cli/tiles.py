"""``wenxiao tiles``: a ledger as a folder of files, for whoever keeps a copy of it."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.bundle import proving
from service.cli.common import (
    Failed,
    counted,
    database_option,
    json_option,
    ledger_at,
    ledger_option,
    progress,
    settings,
    tell,
)
from service.proofs.mirror import Mirror, OtherHistory
from service.proofs.prover import Prover


@click.command("tiles")
@database_option
@ledger_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder: a new one, or one that was written before and is brought up to date.",
)
@json_option
def command(*, database: str | None, ledger: str, out: Path, as_json: bool) -> None:
    """Write the last checkpoint, all hashes and all records as C2SP tlog-tiles has them.

    Exit code 1 where the folder holds something else than the beginning of this ledger: every file
    that is there is compared, and none but the checkpoint is written over.
    """
    with ledger_at(database, ledger) as at, proving(), progress(f"tiles of {ledger}") as come:
        try:
            sealed = Mirror(out, Prover(at, settings(database))).update(come)
        except OtherHistory as error:
            raise Failed(str(error)) from error
    told = sealed.checkpoint
    answer = {"folder": str(out), "origin": told.origin, "size": told.size}
    tell(answer, f"{out}: {counted(told.size)} of {told.origin}", as_json=as_json)
