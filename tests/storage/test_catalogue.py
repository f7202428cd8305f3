import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

import sightline.storage
from sightline.errors import InputError, MissingExtra, StorageError
from sightline.storage.catalogue import SCHEMA, SCHEMA_TABLE, open_catalogue, reading, transaction


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    opened = open_catalogue(address)
    yield opened
    opened.dispose()


def names(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(text("SELECT name FROM model ORDER BY name")).scalars())


def add(engine: Engine, name: str) -> None:
    with transaction(engine) as connection:
        connection.execute(text("INSERT INTO model (name, last_version) VALUES (:n, 1)"), {"n": name})


def test_opening_makes_the_schema_and_opening_again_keeps_what_is_there(engine: Engine, address: str) -> None:
    add(engine, "boards")
    again = open_catalogue(address)
    assert names(again) == ["boards"]
    with reading(again) as connection:
        assert {"model", "release", "release_event", SCHEMA_TABLE} <= set(
            inspect(connection).get_table_names()
        )
    again.dispose()


def test_a_transaction_is_whole_or_not_at_all(engine: Engine) -> None:
    def stop_half_way() -> None:
        with transaction(engine) as connection:
            connection.execute(text("INSERT INTO model (name, last_version) VALUES ('half', 1)"))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop_half_way()
    add(engine, "whole")
    with pytest.raises(StorageError, match="the catalogue refused: ") as caught:
        add(engine, "whole")
    assert "\n" not in str(caught.value)
    assert names(engine) == ["whole"]


def test_foreign_keys_hold(engine: Engine) -> None:
    with pytest.raises(StorageError), transaction(engine) as connection:
        connection.execute(
            text(
                "INSERT INTO release_event (name, version, action, at, who, why) "
                "VALUES ('nobody', 1, 'added', '', '', '')"
            )
        )


def test_readers_wait_for_no_writer(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(text("INSERT INTO model (name, last_version) VALUES ('late', 1)"))
        assert names(engine) == []
    assert names(engine) == ["late"]


def test_threads_may_open_a_fresh_catalogue_at_once(address: str) -> None:
    engines: list[Engine] = []
    threads = [threading.Thread(target=lambda: engines.append(open_catalogue(address))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [names(engine) for engine in engines] == [[]] * 4
    for engine in engines:
        engine.dispose()


def test_processes_may_open_a_fresh_catalogue_at_once(address: str) -> None:
    program = (
        "import sys; from sightline.storage.catalogue import open_catalogue; "
        "sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.readline(); open_catalogue(sys.argv[1])"
    )
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen([sys.executable, "-c", program, address], stdin=pipe, stdout=pipe, stderr=pipe)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"."
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=30)[1] for process in processes]
    assert errors == [b""] * 3
    assert [process.returncode for process in processes] == [0] * 3


def test_a_newer_schema_is_refused(engine: Engine, address: str) -> None:
    with transaction(engine) as connection:
        connection.execute(text("UPDATE sightline_schema SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"a newer sightline \(schema 9999"):
        open_catalogue(address)


def test_the_code_knows_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(sightline.storage.__path__[0]) / "migrations"))
    assert scripts.get_heads() == [SCHEMA]
    assert all(len(s.revision) == 4 and s.revision.isdigit() for s in scripts.walk_revisions())


def test_sqlite_is_set_to_lose_nothing(tmp_path: Path) -> None:
    engine = open_catalogue(f"sqlite:///{tmp_path}/deep/er/catalogue.sqlite")
    with reading(engine) as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        values = [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() for pragma in pragmas]
    assert values == ["wal", 2, 1, 30_000]


@pytest.mark.parametrize("folder", ["what?mode=ro", "50%20", "a b", "é#1", "two\nlines"])
def test_a_folder_may_have_any_name(tmp_path: Path, folder: str) -> None:
    open_catalogue(f"sqlite:///{tmp_path / folder}/catalogue.sqlite")
    assert (tmp_path / folder / "catalogue.sqlite").is_file()


def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    (tmp_path / "catalogue.sqlite").write_bytes(b"holiday pictures" * 1000)
    with pytest.raises(StorageError, match="not a database"):
        open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite")
    with pytest.raises(StorageError, match=r"cannot make the folder"):
        open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite/inside/catalogue.sqlite")


@pytest.mark.parametrize(
    "address",
    ["", "sqlite://", "sqlite:///relative.db", "mysql://u:secret@host/db", "no address: secret",
     "postgresql://u:secret@host:port/db", "oracle9://u:secret@host/x"],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(InputError, match="wanted sqlite:////ABSOLUTE/PATH or postgresql://") as caught:
        open_catalogue(address)
    assert "secret" not in str(caught.value)


def test_a_missing_driver_is_answered_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pg8000", None)
    with pytest.raises(MissingExtra, match=r"pip install 'sightline\[postgres\]'"):
        open_catalogue("postgresql://somebody@localhost/catalogue")


def test_a_server_that_does_not_answer_is_one_line(postgresql: Callable[[], str]) -> None:
    with pytest.raises(StorageError, match="the catalogue refused: ") as caught:
        open_catalogue("postgresql://u:secret@127.0.0.1:9/none")
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_alembic_is_loaded_only_where_there_is_something_to_migrate(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/catalogue.sqlite"
    open_catalogue(address)
    program = (
        "import sys; import sightline.storage.files, sightline.storage.layout; "
        "assert 'sqlalchemy' not in sys.modules; from sightline.storage.catalogue import open_catalogue; "
        "open_catalogue(sys.argv[1]); assert 'alembic' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program, address], capture_output=True, check=False)
    assert done.stderr == b""
