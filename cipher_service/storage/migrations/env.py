"""Alembic's entry: it runs on the connection that `migrations.upgrade` hands over."""

from alembic import context

from cipher_service.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # The caller's unit of work is the transaction, and its only commit.
    transactional_ddl=False,
)
context.run_migrations()
