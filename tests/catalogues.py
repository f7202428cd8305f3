"""Catalogues of both kinds: a test that takes ``address`` runs on SQLite and on a real PostgreSQL."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Gives the address of a new, empty PostgreSQL database at each call."""
    why = "no PostgreSQL here: pip install pgserver pg8000"
    pgserver = pytest.importorskip("pgserver", reason=why)
    pytest.importorskip("pg8000", reason=why)
    folder = tmp_path_factory.mktemp("postgresql")
    server = pgserver.get_server(folder, cleanup_mode="stop")
    (socket,) = Path(parse_qs(urlsplit(server.get_uri()).query)["host"][0]).glob(".s.PGSQL.*[0-9]")

    def fresh() -> str:
        name = f"catalogue_{next(_NUMBERS)}"
        server.psql(f"CREATE DATABASE {name};")
        return f"postgresql://postgres@/{name}?unix_sock={socket}"

    yield fresh
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty catalogue, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    fresh: Callable[[], str] = request.getfixturevalue("postgresql")
    return fresh()
