"""``wenxiao witness``: look after other people's ledgers, and vouch that they only grow.

A witness is somebody else than the office that keeps the ledger, on a machine and a database of
his own: an audit office, a university, the bureau one level up.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
from flask import Flask
from sqlalchemy import Engine

from service import logs
from service.cli.common import (
    Failed,
    database_option,
    json_option,
    opened,
    settings,
    tell,
)
from service.cli.serve import HOST, granian, require_free
from service.http.witness import create_witness
from service.ledger.engine import make_engine
from service.proofs import keyfiles
from service.proofs.notes import Kind
from service.proofs.policy import Policy
from service.proofs.witness import Witness
from service.settings import Settings

THREADS = 16

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("witness")
def command() -> None:
    """Be a witness of ledgers: sign what they have grown to."""


@command.command()
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to make.")
@click.option(
    "--passphrase",
    "asks",
    is_flag=True,
    help="Ask for a passphrase; one in WENXIAO_KEY_PASSPHRASE is always used.",
)
@json_option
def new(*, name: str, out: Path, asks: bool, as_json: bool) -> None:
    """Make a witness's key; what others need to know of it goes to standard output.

    NAME is an address without its scheme, such as audit.example/w1.
    """
    if "://" in name:
        raise click.UsageError(f"{name} has a scheme: a witness's name is an address without it")
    passphrase = settings(None).key_passphrase
    if asks and not passphrase:
        passphrase = click.prompt("passphrase", hide_input=True, confirmation_prompt=True, err=True)
    signer = keyfiles.create(out, name, Kind.WITNESS, passphrase)
    tell({"name": name, "key": str(signer.public)}, str(signer.public), as_json=as_json)


@command.command()
@database_option
@click.option("--key", type=FILE, required=True, help="The file of the witness's key.")
@click.option(
    "--policy", type=FILE, required=True, help="The keys of the ledgers: a tlog-policy file."
)
@click.option("--host", default=HOST, show_default=True)
@click.option("--port", default=8001, show_default=True, type=click.IntRange(1, 65_535))
def serve(*, database: str | None, key: Path, policy: Path, host: str, port: int) -> None:
    """Answer the ledgers of a policy until told to stop.

    The database has to be the witness's own: who could change it could have anything signed. The
    policy is read at the start only: after a ledger's key was changed, add its line and start anew.
    """
    chosen = with_passphrase(settings(database), key)
    with opened(database) as engine:
        found = witness(engine, chosen, key, policy)
    require_free(host, port)
    logs.configure(chosen.log_level)
    logs.logger().info("listens", host=host, port=port, witness=str(found.key))
    server = granian("a witness", host, port, workers=1, threads=THREADS)
    begin = partial(application, chosen, key.resolve(), policy.resolve())
    server.serve(target_loader=begin, wrap_loader=False)


def with_passphrase(chosen: Settings, key: Path) -> Settings:
    """These settings, with what reads the key: asked for now, for later nobody may be there."""
    if chosen.key_passphrase or not keyfiles.needs_passphrase(key):
        return chosen
    return replace(chosen, key_passphrase=click.prompt(f"{key}", hide_input=True, err=True))


def application(chosen: Settings, key: Path, policy: Path) -> Flask:
    """What a server's worker begins with, out of the group that a terminal interrupts."""
    os.setpgrp()
    logs.configure(chosen.log_level)
    engine = make_engine(chosen.database_url, pool_size=chosen.pool_size)
    return create_witness(witness(engine, chosen, key, policy))


def witness(engine: Engine, chosen: Settings, key: Path, policy: Path) -> Witness:
    """The witness of these files. Raises ``BadKeyFile`` and ``BadPolicy``."""
    signer = keyfiles.read(key, chosen.key_passphrase, Kind.WITNESS)
    trusted = Policy.read(policy)
    if not trusted.logs:
        raise Failed(f"{policy} names no ledger: log KEY")
    return Witness(engine, signer, trusted)
