"""Catalogues of both kinds: a test that takes ``address`` runs on SQLite and on a real PostgreSQL."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Gives the address of a new, empty PostgreSQL schema at each call; a database each would take longer."""
    why = "no PostgreSQL here: pip install pgserver 'psycopg[binary]'"
    pgserver = pytest.importorskip("pgserver", reason=why)
    psycopg = pytest.importorskip("psycopg", reason=why)
    server = pgserver.get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="stop")

    def fresh() -> str:
        name = f"catalogue_{next(_NUMBERS)}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{server.get_uri()}&options=-csearch_path%3D{name}"

    yield fresh
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty catalogue, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    fresh: Callable[[], str] = request.getfixturevalue("postgresql")
    return fresh()
