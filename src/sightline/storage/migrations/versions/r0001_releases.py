"""Releases and what happened to them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "model",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("last_version", sa.Integer, nullable=False),
    )
    op.create_table(
        "release",
        sa.Column("name", sa.String(64), sa.ForeignKey("model.name"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("dataset_fingerprint", sa.String(64), nullable=False),
        sa.Column("recipe_sha256", sa.String(64), nullable=False),
        sa.Column("code_version", sa.String(64), nullable=False),
        sa.Column("parent", sa.String(96)),
        sa.Column("created", sa.String(40), nullable=False),
    )
    # At most one release of a name is in production, whatever a program believes.
    production = sa.text("stage = 'production'")
    op.create_index(
        "one_in_production",
        "release",
        ["name"],
        unique=True,
        sqlite_where=production,
        postgresql_where=production,
    )
    op.create_table(
        "release_event",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(64), sa.ForeignKey("model.name"), nullable=False, index=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("displaced", sa.Integer),
        sa.Column("comparison", sa.Text),
    )
