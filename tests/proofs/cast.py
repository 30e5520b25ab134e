"""A ledger with a key, in an office that keeps it where it should."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from sqlalchemy import Engine

from aggregates.base import Actor, Envelope, Record
from aggregates.ledger import ITSELF, KeyAnnounced, LedgerItself
from aggregates.roles import Role
from service.ledger.application import Ledger
from service.ledger.recorder import create_ledger
from service.proofs.anchor import anchor
from service.proofs.rounds import Rounds, keys_of
from service.settings import Settings
from tests.ledger.cast import PROJECT, events

SLUG = "shizong"
ORIGIN = f"wenxiao.local/{SLUG}"


def settings_in(folder: Path) -> Settings:
    """An office that keeps its custody there."""
    return replace(Settings(), custody=str(folder / "custody"))


def sealed_office(engine: Engine, settings: Settings, records: int = 300) -> Ledger:
    """A ledger with a key, so many records beside the key's own, and the first checkpoint."""
    create_ledger(engine, SLUG)
    ledger = Ledger(engine, SLUG)
    keys_of(ledger, settings).new()
    add(ledger, records)
    Rounds(ledger, settings).go()
    anchor(engine, Path(settings.custody))
    return Ledger(engine, SLUG)


def add(ledger: Ledger, number: int, stream: str = PROJECT) -> None:
    """So many more records of a stream."""
    first = ledger.records_in.version_of(stream) + 1
    ledger.records_in.append(events(stream, number, first=first))


def announce(ledger: Ledger, *keys: str) -> None:
    """Have these on record as keys, whatever they are: a ledger once took any words for one."""
    said = Envelope("announce_key", Actor("p1", Role.OPERATOR), date(2021, 3, 1), "r1")
    stream = LedgerItself.stream(ITSELF)
    ledger.append([Record(stream, 0, said, KeyAnnounced(key)) for key in keys])
