"""Ledgers to be tortured, one at a time; what is torn is torn in a database of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.ledger.application import Ledger
from service.ledger.recorder import create_ledger
from tests.conftest import opened
from tests.torture.hands import SLUG, ledger_on, prepare


@pytest.fixture
def torn_url(database_url: str) -> str:
    """A database with a ledger in it, on each kind of server in turn."""
    with opened(database_url) as engine:
        create_ledger(engine, SLUG)
        prepare(Ledger(engine, SLUG))
    return database_url


@pytest.fixture
def torn(torn_url: str) -> Iterator[Ledger]:
    """That ledger, as this process has it."""
    ledger = ledger_on(torn_url)
    yield ledger
    ledger.engine.dispose()
