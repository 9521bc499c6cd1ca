"""How alembic runs here: on the connection and in the transaction that `schema` hands over."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,  # SQLite can, and half an upgrade would be worse than none
)
with context.begin_transaction():
    context.run_migrations()
