"""``wenxiao keys``: the key that signs a ledger's checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from service.cli.common import (
    adding_to,
    database_option,
    json_option,
    ledger_at,
    ledger_option,
    settings,
    tell,
)
from service.proofs.keys import Keys
from service.proofs.notes import PublicKey
from service.proofs.rounds import Rounds, keys_of


@click.group("keys")
def command() -> None:
    """Make, change and list the keys that checkpoints are signed with."""


@command.command()
@database_option
@ledger_option
@click.option("--lost", is_flag=True, help="The key's file is lost: retire it, make another.")
@click.option("--reason", default="", help="How it was lost; goes on record.")
@json_option
def new(*, database: str | None, ledger: str, lost: bool, reason: str, as_json: bool) -> None:
    """Make a ledger's first key, and sign with it; the private part stays in the custody folder.

    Where a key is in use whose file is not there, put its file back. If it is lost, --lost retires
    it: what it signed is good up to the last checkpoint that is known, and no further.
    """
    if lost != bool(reason):
        raise click.UsageError("--lost and --reason go together")
    with keys_at(database, ledger, adds=True) as keys:
        with keys.custody.alone():
            key = keys.new_for_lost(reason) if lost else keys.new()
        hand_out(key, as_json=as_json)
        Rounds(keys.ledger, settings(database)).go()


@command.command()
@database_option
@ledger_option
@click.option("--reason", required=True)
@json_option
def rotate(*, database: str | None, ledger: str, reason: str, as_json: bool) -> None:
    """Sign a last checkpoint with the present key, retire it, and go on with another."""
    with keys_at(database, ledger, adds=True) as keys:
        if not keys.is_broken_off():
            Rounds(keys.ledger, settings(database)).go()
        with keys.custody.alone():
            key = keys.rotate(reason)
    hand_out(key, as_json=as_json)


@command.command("list")
@database_option
@ledger_option
@json_option
def list_(*, database: str | None, ledger: str, as_json: bool) -> None:
    """List every key that the ledger has ever signed with, and how far each is good."""
    with keys_at(database, ledger) as keys:
        known = dict(keys.known.keys)
    told = [{"key": key, "last_size": last} for key, last in known.items()]
    lines = [
        f"✓ {key}" if last is None else f"✗ {key}  good up to size {last}"
        for key, last in known.items()
    ]
    tell(told, *(lines or [f"ledger {ledger} has no key yet: wenxiao keys new"]), as_json=as_json)


def hand_out(key: PublicKey, *, as_json: bool) -> None:
    """Tell a new key, and who has to know of it before what it signs is believed."""
    tell({"key": str(key)}, str(key), as_json=as_json)
    click.echo(
        f"log {key}\nThis line belongs into the file that WENXIAO_POLICY names, into that of every"
        " witness, who reads it only when he starts, and into that of every auditor.",
        err=True,
    )


@contextmanager
def keys_at(database: str | None, ledger: str, *, adds: bool = False) -> Iterator[Keys]:
    """The keys of a ledger."""
    with (adding_to if adds else ledger_at)(database, ledger) as at:
        yield keys_of(at, settings(database))
