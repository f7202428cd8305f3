"""The registry's tables, as the catalogue's migrations make them."""

from sqlalchemy import Column, Integer, MetaData, String, Table, Text

METADATA = MetaData()

RELEASE = Table(
    "release",
    METADATA,
    Column("name", String(64), primary_key=True),
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

RESERVED = Table(
    "version_reserved",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", String(40), nullable=False),
)

EVENT = Table(
    "release_event",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("action", String(16), nullable=False),
    Column("at", String(40), nullable=False),
    Column("who", String(128), nullable=False),
    Column("why", Text, nullable=False),
    Column("displaced", Integer),
)
