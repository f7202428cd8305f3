"""Tokens that open a server."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "token",
        sa.Column("id", sa.String(8), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("made", sa.String(40), nullable=False),
        sa.Column("made_by", sa.String(128), nullable=False),
        sa.Column("expires", sa.String(40)),
        sa.Column("revoked", sa.String(40)),
        sa.Column("revoked_by", sa.String(128)),
    )
    # Two processes that make a token of one name at the same time cannot both believe that they did.
    still_open = sa.text("revoked IS NULL")
    op.create_index(
        "one_open_token",
        "token",
        ["name"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
