"""Runs the migrations on the connection, and in the transaction, that `migrate` hands over."""

from alembic import context

from service.ledger import tables

# A read model's MetaData joins this list, and its tables a further file in versions/.
target_metadata = [tables.metadata]

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=target_metadata,
    transactional_ddl=True,
)
context.run_migrations()
