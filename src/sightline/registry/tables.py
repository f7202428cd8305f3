"""The registry's tables, as the catalogue's migrations make them."""

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, Text

METADATA = MetaData()

MODEL = Table(
    "model",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("last_version", Integer, nullable=False),
)
"""A name and the last number given out under it; its row is the lock under which its releases change."""

RELEASE = Table(
    "release",
    METADATA,
    Column("name", String(64), ForeignKey("model.name"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("stage", String(16), nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("dataset_fingerprint", String(64), nullable=False),
    Column("recipe_sha256", String(64), nullable=False),
    Column("code_version", String(64), nullable=False),
    Column("parent", String(96)),
    Column("created", String(40), nullable=False),
)
"""One row a release; the index ``one_in_production`` lets one of a name be in production."""

EVENT = Table(
    "release_event",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(64), ForeignKey("model.name"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("action", String(16), nullable=False),
    Column("at", String(40), nullable=False),
    Column("who", String(128), nullable=False),
    Column("why", Text, nullable=False),
    Column("displaced", Integer),
    Column("comparison", Text),
)
"""One row for each thing that happened to a release; rows are only ever added."""

TOKEN = Table(
    "token",
    METADATA,
    Column("id", String(8), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("made", String(40), nullable=False),
    Column("made_by", String(128), nullable=False),
    Column("expires", String(40)),
    Column("revoked", String(40)),
    Column("revoked_by", String(128)),
)
"""One row a token; the index ``one_open_token`` lets one of a name be open. Rows are never removed."""
