"""Databases for read models: migrated, with the table of the read model that only tests have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.conftest import Databases, opened
from tests.readmodels.posts import POSTS


@pytest.fixture(scope="module")
def shelf(databases: Databases) -> Iterator[Engine]:
    """One database for a whole module; whoever uses it brings a ledger of his own."""
    with databases() as url, opened(url) as engine:
        POSTS.METADATA.create_all(engine)
        yield engine


@pytest.fixture
def desk(engine: Engine) -> Engine:
    """A database of one's own."""
    POSTS.METADATA.create_all(engine)
    return engine
