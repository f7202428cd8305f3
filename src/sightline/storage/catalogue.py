"""The catalogue: one database, SQLite by default, PostgreSQL by changing its address.

Rooms keep their own tables; the one history of schema changes is in ``migrations/``. Everything happens in
``transaction`` (which may write) or ``reading``.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from sightline.errors import InputError, StorageError
from sightline.plugins import missing_extra
from sightline.storage.files import make_folder

SCHEMA = "0002"
"""The newest revision in ``migrations/``; revisions are numbers of four digits."""

SCHEMA_TABLE = "sightline_schema"
"""Where the database's own revision stands: not alembic's usual name, which others may use there too."""

_BUSY_SECONDS = 30
_MIGRATION_LOCK = 0x73696768
"""PostgreSQL's advisory lock while the schema is brought up to date: the letters "sigh"."""

_MIGRATING = Lock()
"""Alembic keeps the running migration in module globals, so a process runs one at a time."""

_WANTED = "wanted sqlite:////ABSOLUTE/PATH or postgresql://USER@HOST/DATABASE"


def open_catalogue(address: str) -> Engine:
    """The database at ``address`` (an SQLAlchemy URL), its schema brought up to date.

    SQLite runs in WAL mode with full synchronisation: what is committed survives a kill and a power
    cut. Several processes may open a new catalogue at the same time.

    Raises:
        InputError: an address that cannot be used.
        MissingExtra: PostgreSQL's driver is not installed.
        StorageError: the database refused, or is newer than this sightline.
    """
    engine = _sqlite(address) if address.startswith("sqlite:") else _postgresql(address)
    try:
        with reading(engine) as connection:
            found = _revision(connection)
        if found != SCHEMA:
            with _MIGRATING, transaction(engine) as connection:
                _migrate(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A connection in one writing transaction, committed at the end of the block, else rolled back.

    SQLite takes its write lock at the beginning (``BEGIN IMMEDIATE``), so that two writers wait for each
    other instead of failing in the middle.

    Raises:
        StorageError: the database refused.
    """
    with _reported(), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that only reads and, on SQLite, waits for no writer.

    Raises:
        StorageError: the database refused.
    """
    options = {"sightline_reading": True}
    with _reported(), engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        way = ""
        if "locked" in reason:
            way = f"; another process has held it for {_BUSY_SECONDS} seconds: try again when that is done"
        elif "disk" in reason and "full" in reason:
            way = "; free some space and try again"
        elif "disk I/O" in reason:
            # SQLite says so of a full disk too, where it was about to make a file larger.
            way = "; see that the disk has space and is sound, and try again"
        raise StorageError(f"the catalogue refused: {reason}{way}") from error


def _sqlite(address: str) -> Engine:
    # Not through SQLAlchemy's parser: a folder's name may hold a question mark.
    path = Path(address.removeprefix("sqlite:///"))
    if not address.startswith("sqlite:////"):
        raise InputError(f"catalogue: {address!r} names no file by its absolute path; {_WANTED}")
    make_folder(path.parent)
    # No pool: a connection kept open would be shared by forked processes, which SQLite forbids.
    engine = create_engine(
        URL.create("sqlite", database=str(path)), poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(address: str) -> Engine:
    try:
        url = make_url(address)
        if url.get_backend_name() != "postgresql":
            raise InputError(
                f"catalogue: a database of kind {url.get_backend_name()!r} is not known; {_WANTED}"
            )
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+pg8000")
        return create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise missing_extra("a PostgreSQL catalogue", error.name or "pg8000", "postgres") from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        # The address is not repeated: it may hold a password.
        raise InputError(f"catalogue: the address is not a database's; {_WANTED}") from error


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    if not isinstance(connection, sqlite3.Connection):
        raise TypeError(f"not a connection of sqlite3: {connection!r}")
    # Otherwise the driver begins transactions by itself, and never with IMMEDIATE.
    connection.isolation_level = None
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _use_wal(connection: sqlite3.Connection) -> None:
    """WAL is a property of the file, but changing to it fails at once where another does the same."""
    end = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname not in ("SQLITE_BUSY", "SQLITE_LOCKED") or time.monotonic() > end:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise StorageError(
                f"the catalogue cannot lie on this disk: SQLite's mode there is {mode!r}, not 'wal'"
            )
        return


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN" if options.get("sightline_reading") else "BEGIN IMMEDIATE")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(SCHEMA_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {SCHEMA_TABLE}")).scalar()  # noqa: S608 - a constant
    if found is not None and found > SCHEMA:
        raise StorageError(
            f"the catalogue was written by a newer sightline (schema {found}, known up to {SCHEMA}): "
            "update it with: pip install --upgrade sightline"
        )
    return found


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    if _revision(connection) == SCHEMA:
        return  # another process did it while this one waited
    config = Config(attributes={"connection": connection, "version_table": SCHEMA_TABLE})
    config.set_main_option("script_location", "sightline.storage:migrations")
    command.upgrade(config, SCHEMA)
