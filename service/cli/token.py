"""``wenxiao token``: who may knock at the doors. A secret is shown once and never stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_hex, token_urlsafe
from typing import Any

import click

from aggregates.office import OFFICE, Office, Token
from aggregates.roles import Role
from service.cli.common import (
    Failed,
    adding_to,
    database_option,
    json_option,
    ledger_at,
    ledger_option,
    tell,
)
from service.clock import shown
from service.ledger.application import Ledger
from service.release import ask_as_console

ROLES = click.Choice([role.value for role in Role])


@click.group("token")
def command() -> None:
    """Issue, revoke and list tokens."""


@command.command()
@database_option
@ledger_option
@click.option("--id", "id_", metavar="ID", help="The token's name in every record; else made up.")
@click.option("--role", "roles", type=ROLES, multiple=True, required=True)
@click.option("--person", default="", help="The person who alone acts with it.")
@click.option(
    "--system",
    default="",
    help="The system that acts with it, or tells of its rows.",
)
@click.option("--unit", default="", help="Good only for this unit and those below it.")
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 36_500))
@json_option
def issue(
    *,
    database: str | None,
    ledger: str,
    id_: str | None,
    roles: tuple[str, ...],
    days: int,
    as_json: bool,
    **whose: str,
) -> None:
    """Issue a token for a person or a system; its secret goes to standard output, once."""
    secret, token = token_urlsafe(32), id_ or f"token-{token_hex(4)}"
    expires_at = shown(datetime.now(UTC) + timedelta(days=days))
    body = {
        "token": token,
        "digest": sha256(secret.encode()).hexdigest(),
        "roles": list(roles),
        "expires_at": expires_at,
        **whose,
    }
    with adding_to(database, ledger) as at:
        _ask(at, "issue_token", body)
    tell({"token": token, "secret": secret}, secret, as_json=as_json)
    if not as_json:
        click.echo(f"token {token}, good until {expires_at}; shown this once", err=True)


@command.command()
@database_option
@ledger_option
@click.option("--id", "id_", metavar="ID", required=True)
@click.option("--reason", required=True)
@json_option
def revoke(*, database: str | None, ledger: str, id_: str, reason: str, as_json: bool) -> None:
    """Revoke a token; its bearer is nobody from here on."""
    with adding_to(database, ledger) as at:
        _ask(at, "revoke_token", {"token": id_, "reason": reason})
    tell({"token": id_, "revoked": True}, f"{id_} is revoked", as_json=as_json)


@command.command("list")
@database_option
@ledger_option
@json_option
def list_(*, database: str | None, ledger: str, as_json: bool) -> None:
    """List all tokens ever issued."""
    with ledger_at(database, ledger) as at:
        office = at.load(Office, OFFICE)
    now = datetime.now(UTC)
    told = [_told(token, now) for token in office.tokens.values()]
    tell(told, *map(_line, told), as_json=as_json)


def _told(token: Token, now: datetime) -> dict[str, Any]:
    return {
        "token": token.id,
        "bearer": token.person or token.system,
        "unit": token.unit,
        "roles": [role.value for role in token.roles],
        "expires_at": shown(token.expires_at),
        "good": token.is_good(now),
    }


def _line(told: dict[str, Any]) -> str:
    mark, roles = "✓" if told["good"] else "✗", "、".join(told["roles"])
    return f"{mark} {told['token']}  {told['bearer']}  {roles}  until {told['expires_at']}"


def _ask(ledger: Ledger, act: str, body: dict[str, Any]) -> None:
    outcome = ask_as_console(ledger, act, Office, body)
    if not outcome.is_recorded:
        raise Failed(outcome.records[0].fact.sentence())
