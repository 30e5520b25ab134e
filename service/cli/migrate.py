"""``wenxiao migrate``: the newest schema, and the ledgers that should be there."""

from __future__ import annotations

from contextlib import suppress

import click

from service.cli.common import SLUG, database_option, json_option, opened, tell
from service.ledger.engine import durability
from service.ledger.errors import LedgerExists
from service.ledger.guards import grant_service_role
from service.ledger.migrations import current_revision, migrate
from service.ledger.recorder import create_ledger, every_ledger


@click.command("migrate")
@database_option
@click.option(
    "--ledger", "ledgers", type=SLUG, multiple=True, help="Open this ledger if it is not there."
)
@click.option("--grant", metavar="ROLE", help="Give a PostgreSQL role what the service needs.")
@json_option
def command(
    *, database: str | None, ledgers: tuple[str, ...], grant: str | None, as_json: bool
) -> None:
    """Bring the database to this release's schema, once however many start together."""
    with opened(database, at_any_schema=True) as engine:
        if grant is not None and engine.dialect.name != "postgresql":
            raise click.UsageError("--grant is for PostgreSQL: SQLite knows no roles")
        migrate(engine)
        for slug in ledgers:
            with suppress(LedgerExists):
                create_ledger(engine, slug)
        if grant is not None:
            grant_service_role(engine, grant)
        revision, names = current_revision(engine), every_ledger(engine)
        answer = {"revision": revision, "ledgers": names, "durability": durability(engine)}
    told = f"schema {revision}, ledgers: {'、'.join(names) or 'none'}"
    tell(answer, told, as_json=as_json)
