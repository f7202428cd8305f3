"""How alembic runs the migrations: on the connection, and in the transaction, that it is given."""

from alembic import context

_given = context.config.attributes
context.configure(
    connection=_given["connection"], version_table=_given["version_table"], transactional_ddl=True
)
context.run_migrations()
