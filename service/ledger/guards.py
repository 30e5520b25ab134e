"""What the database itself refuses, whoever asks: history is added to and nothing else.

Triggers hold for everybody who does not take them away; on PostgreSQL the service's role lacks the
right as well. Whoever goes round both is found by the proofs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

APPEND_ONLY = ("record", "request", "observed")

RIGHTS: Mapping[str, str] = {
    "ledger_head": "SELECT, INSERT, UPDATE",
    "record": "SELECT, INSERT",
    "request": "SELECT, INSERT",
    "observed": "SELECT, INSERT",
    "committed_value": "SELECT, INSERT, UPDATE",
    "alembic_version": "SELECT",
}
"""What the role of the running service may do, where it does not own the tables."""


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
    if dialect == "postgresql":
        yield """
            CREATE TRIGGER ledger_head_stays BEFORE DELETE OR TRUNCATE ON ledger_head
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"""
        yield """
            CREATE TRIGGER ledger_head_grows BEFORE UPDATE ON ledger_head FOR EACH ROW
            WHEN (NEW.size <= OLD.size OR NEW.ledger <> OLD.ledger
                  OR NEW.recorded_at < OLD.recorded_at OR NEW.recorded_at IS NULL)
            EXECUTE FUNCTION refuse_change()"""
    else:
        yield """
            CREATE TRIGGER ledger_head_stays BEFORE DELETE ON ledger_head
            BEGIN SELECT RAISE(ABORT, 'ledger_head is never deleted'); END"""
        yield """
            CREATE TRIGGER ledger_head_grows BEFORE UPDATE ON ledger_head
            WHEN NEW.size <= OLD.size OR NEW.ledger <> OLD.ledger
                 OR NEW.recorded_at < OLD.recorded_at OR NEW.recorded_at IS NULL
            BEGIN SELECT RAISE(ABORT, 'ledger_head only grows'); END"""


REFUSE_CHANGE = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% only grows: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
    END $$"""


def grant_service_role(engine: sa.Engine, role: str, rights: Mapping[str, str] = RIGHTS) -> None:
    """Give a PostgreSQL role what the running service needs, and take all else away."""
    quoted = engine.dialect.identifier_preparer.quote(role)
    with engine.begin() as connection:
        for table, allowed in rights.items():
            connection.exec_driver_sql(f"REVOKE ALL ON {table} FROM {quoted}")
            connection.exec_driver_sql(f"GRANT {allowed} ON {table} TO {quoted}")
