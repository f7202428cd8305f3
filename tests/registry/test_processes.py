"""Several processes at one catalogue at once, and processes that are killed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from sightline.registry.events import Event
from sightline.registry.releases import Registry
from sightline.storage.catalogue import open_catalogue, reading
from sightline.storage.layout import Layout

_WRITER = Path(__file__).with_name("release_writer.py")
_PROCESSES = 3


class Writer:
    def __init__(self, address: str, root: Path, rounds: int) -> None:
        command = [sys.executable, str(_WRITER), address, str(root), "boards", str(rounds)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        assert self.out.readline() == "ready 0\n"

    @property
    def out(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def rest(self) -> tuple[list[str], str]:
        """What it said that was not read yet, once it has ended, and its errors."""
        out, err = self.process.communicate(timeout=60)
        return out.splitlines(), err


@contextmanager
def writers(address: str, root: Path, rounds: int) -> Iterator[list[Writer]]:
    """Processes that have imported everything and begin together."""
    started = [Writer(address, root, rounds) for _ in range(_PROCESSES)]
    try:
        for writer in started:
            writer.go()
        yield started
    finally:
        for writer in started:
            writer.process.kill()
            writer.process.communicate()


@contextmanager
def opened(address: str, root: Path) -> Iterator[Registry]:
    engine = open_catalogue(address)
    try:
        yield Registry(engine, Layout(root))
    finally:
        engine.dispose()


def versions(lines: list[str], what: str) -> list[int]:
    said = [line.split(" ") for line in lines]
    return [int(words[1]) for words in said if words[0] == what]


def assert_promotions_form_one_line(history: tuple[Event, ...]) -> None:
    """Each promotion displaced exactly the one before it: none was lost, none happened on an old state."""
    promoted = [event for event in history if event.action == "promoted"]
    before = [None, *(event.version for event in promoted)]
    assert [event.displaced for event in promoted] == before[:-1]


def test_processes_that_share_a_fresh_catalogue_never_get_the_same_number(
    address: str, tmp_path: Path
) -> None:
    rounds = 5
    with writers(address, tmp_path / "shared", rounds) as started:
        ends = [writer.rest() for writer in started]
    assert [error for _, error in ends] == [""] * _PROCESSES
    numbers = [number for lines, _ in ends for number in versions(lines, "reserved")]
    assert sorted(numbers) == list(range(1, rounds * _PROCESSES + 1))
    with opened(address, tmp_path / "shared") as registry:
        there, history = registry.all("boards"), registry.history("boards")
    assert [release.version for release in there] == sorted(numbers)
    assert [release.stage for release in there].count("production") == 1
    assert_promotions_form_one_line(history)


@pytest.mark.parametrize("lines_before_the_kill", [2, 9])
def test_what_was_acknowledged_survives_kill_9(
    address: str, tmp_path: Path, lines_before_the_kill: int
) -> None:
    root = tmp_path / "killed"
    with writers(address, root, 10_000) as started:
        said = [writer.out.readline().strip() for _ in range(lines_before_the_kill) for writer in started]
        for writer in started:
            writer.process.kill()
        ends = [writer.rest() for writer in started]
    assert [error for _, error in ends] == [""] * _PROCESSES
    # A line cut by the kill was not acknowledged.
    said += [line for lines, _ in ends for line in lines if line.count(" ") == 1]
    with opened(address, root) as registry:
        there, history, next_number = (
            registry.all("boards"),
            registry.history("boards"),
            registry.reserve("boards"),
        )
        if registry.engine.dialect.name == "sqlite":
            with reading(registry.engine) as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    promoted = {event.version for event in history if event.action == "promoted"}
    assert set(versions(said, "added")) <= {release.version for release in there}
    assert set(versions(said, "promoted")) <= promoted
    assert len(versions(said, "reserved")) == len(set(versions(said, "reserved")))
    assert next_number > max(versions(said, "reserved"))
    assert [release.stage for release in there].count("production") <= 1
    assert_promotions_form_one_line(history)
    for release in there:
        assert (root / release.path).read_bytes() == f"boards {release.version}".encode()
