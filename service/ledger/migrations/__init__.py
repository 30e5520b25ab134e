"""迁移: every change of the schema, in order, made once however many processes start together."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.ledger.engine import writing

ADVISORY_LOCK = int.from_bytes(b"wenxiao")
"""Under this number PostgreSQL keeps all but one migration waiting."""

_one_at_a_time = Lock()  # alembic keeps its context in the module, one for all threads


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the database to the newest schema, or to an earlier one, in one transaction."""
    with _one_at_a_time, writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def current_revision(engine: sa.Engine) -> str | None:
    """The revision that the database is at; None where nothing was ever migrated.

    Where somebody has written several, it is all of them, and so none that there is.
    """
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_heads()
    return ", ".join(sorted(map(str, found))) or None


def newest_revision() -> str | None:
    """The revision that this release works on."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def is_migrated(engine: sa.Engine) -> bool:
    """Is the database at the revision that this release works on?"""
    return current_revision(engine) == newest_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
