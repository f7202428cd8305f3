"""The catalogue: one database, SQLite by default, PostgreSQL by changing its address."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from sightline.errors import InputError, StorageError
from sightline.plugins import missing_extra

_BUSY_SECONDS = 30
_MIGRATION_LOCK = 0x73696768
"""PostgreSQL's advisory lock while the schema is brought up to date: the letters "sigh"."""


def open_catalogue(address: str) -> Engine:
    """The database at ``address`` (an SQLAlchemy URL), its schema brought up to date.

    SQLite runs in WAL mode with full synchronisation: what is committed survives a kill and a power
    cut. Several processes may open a new catalogue at the same time.

    Raises:
        InputError: an address that cannot be used.
        MissingExtra: PostgreSQL's driver is not installed.
        StorageError: the database refused, or is newer than this sightline.
    """
    try:
        url = make_url(address)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        if url.drivername == "sqlite":
            Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, isolation_level=None if url.drivername != "sqlite" else "AUTOCOMMIT")
    except ModuleNotFoundError as error:
        raise missing_extra("a PostgreSQL catalogue", error.name or "psycopg", "postgres") from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise InputError(
            f"catalogue: {str(error).splitlines()[0]}; wanted sqlite:///FILE or postgresql://…"
        ) from error
    except OSError as error:
        raise StorageError(f"cannot make the catalogue's folder: {error.strerror}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    with transaction(engine) as connection:
        _migrate(connection)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A connection in one writing transaction, committed at the end of the block, else rolled back.

    SQLite takes its write lock at the beginning (``BEGIN IMMEDIATE``), so that two writers wait for each
    other instead of failing in the middle.

    Raises:
        StorageError: the database refused.
    """
    try:
        if engine.dialect.name != "sqlite":
            with engine.begin() as connection:
                yield connection
            return
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                if connection.connection.driver_connection and not connection.invalidated:
                    _roll_back(connection)
                raise
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise StorageError(f"the catalogue refused: {reason}") from error


def _roll_back(connection: Connection) -> None:
    try:
        connection.exec_driver_sql("ROLLBACK")
    except SQLAlchemyError:
        # A failed COMMIT may have ended the transaction already; the first error is the one to show.
        return


def _prepare_sqlite(connection: object, _: object) -> None:
    import sqlite3

    if isinstance(connection, sqlite3.Connection):
        for pragma in (
            f"busy_timeout={_BUSY_SECONDS * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise StorageError(
            f"the catalogue was written by a newer sightline (schema {current}); update sightline"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
