"""Source rows: without the digest that nothing was ever put into."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.drop_column("observed", "digest")
