"""What the database itself refuses, whoever asks: history is added to and nothing else.

Triggers hold for everybody who does not take them away; on PostgreSQL the service's role lacks the
right as well. Whoever goes round both is found by the proofs; so is who says ``REPLACE`` to SQLite
on a connection of his own, where it deletes without a trigger unless ``recursive_triggers`` is on:
to look for each key before each insert would cost every append a tenth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

APPEND_ONLY = ("record", "subtree", "request", "observed", "checkpoint", "cosignature")

RIGHTS: Mapping[str, str] = {
    "ledger_head": "SELECT, INSERT, UPDATE",
    "record": "SELECT, INSERT",
    "subtree": "SELECT, INSERT",
    "checkpoint": "SELECT, INSERT",
    "cosignature": "SELECT, INSERT",
    "witnessed": "SELECT, INSERT, UPDATE",
    "request": "SELECT, INSERT",
    "observed": "SELECT, INSERT",
    "committed_value": "SELECT, INSERT, UPDATE",
    "alembic_version": "SELECT",
}
"""What the role of the running service may do to the ledger, whose tables it does not own."""

REBUILDABLE = "SELECT, INSERT, UPDATE, DELETE"
"""What it may do to every other table: they can all be made again from the ledger."""


def append_only(dialect: str, table: str) -> Iterator[str]:
    """The triggers by which a table is added to, and nothing else."""
    if dialect == "postgresql":
        yield f"""
            CREATE TRIGGER {table}_is_append_only
            BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"""
    else:
        for change in ("UPDATE", "DELETE"):
            yield f"""
                CREATE TRIGGER {table}_refuses_{change.lower()} BEFORE {change} ON {table}
                BEGIN SELECT RAISE(ABORT, '{table} is append-only: {change} refused'); END"""


def grows_only(dialect: str) -> Iterator[str]:
    """The triggers by which a head is never deleted and its ledger never shrinks."""
    change = """
            NEW.size <= OLD.size OR NEW.ledger <> OLD.ledger
            OR NEW.recorded_at < OLD.recorded_at OR NEW.recorded_at IS NULL"""
    return _stays(dialect, "ledger_head", "grows", change)


def empties_only(dialect: str) -> Iterator[str]:
    """The triggers by which a committed value is emptied by an order, and never changed."""
    change = """
            NEW.value IS NOT NULL OR NEW.salt IS NOT NULL
            OR NEW.withheld_by IS NULL OR OLD.withheld_by IS NOT NULL
            OR NEW.digest <> OLD.digest OR NEW.ledger <> OLD.ledger"""
    return _stays(dialect, "committed_value", "is_only_emptied", change)


def moves_on_only(dialect: str) -> Iterator[str]:
    """The triggers by which a witness forgets no ledger, and sees none smaller or forked."""
    change = """
            NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.sha256 <> OLD.sha256)
            OR NEW.origin <> OLD.origin"""
    return _stays(dialect, "witnessed", "moves_on", change)


def _stays(dialect: str, table: str, law: str, change: str) -> Iterator[str]:
    """The triggers by which no row is deleted, and none changed against the law so called."""
    if dialect == "postgresql":
        yield f"""
            CREATE TRIGGER {table}_stays BEFORE DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"""
        yield f"""
            CREATE TRIGGER {table}_{law} BEFORE UPDATE ON {table}
            FOR EACH ROW WHEN ({change}) EXECUTE FUNCTION refuse_change()"""
    else:
        yield f"""
            CREATE TRIGGER {table}_stays BEFORE DELETE ON {table}
            BEGIN SELECT RAISE(ABORT, '{table} is never deleted'); END"""
        yield f"""
            CREATE TRIGGER {table}_{law} BEFORE UPDATE ON {table}
            WHEN {change} BEGIN SELECT RAISE(ABORT, '{table}: {law} refuses this'); END"""


REFUSE_CHANGE = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% only grows: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
    END $$"""


def grant_service_role(engine: sa.Engine, role: str) -> None:
    """Give a PostgreSQL role what the running service needs, and take all else away.

    To be called by the owner of the tables, after every migration.
    """
    to = engine.dialect.identifier_preparer.quote(role)
    with engine.begin() as connection:
        for table in sa.inspect(connection).get_table_names():
            rights = RIGHTS.get(table, REBUILDABLE)
            connection.exec_driver_sql(f"REVOKE ALL ON {table} FROM {to}")
            connection.exec_driver_sql(f"GRANT {rights} ON {table} TO {to}")
