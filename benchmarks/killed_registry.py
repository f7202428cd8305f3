"""Three processes write releases at once and are killed (``kill -9``) at random moments.

Half of the kills are on SQLite, half on PostgreSQL.

After each kill the catalogue must open, hold everything that was acknowledged, with the bytes that each
release says, at most one release in production, and promotions that each displace the one before. Numbers are
never given twice. One workspace lives through all kills of its kind.

    python benchmarks/killed_registry.py [--kills 500] [--seed 0]

Data: none. PostgreSQL is a real one, started here by ``pgserver``; without it that half is skipped.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np

from sightline.registry.releases import Registry
from sightline.storage.catalogue import open_catalogue, reading
from sightline.storage.files import sha256_bytes, write_atomic
from sightline.storage.layout import Layout, init_workspace
from sightline.values.release import Release

WRITERS = 3
LONGEST = {"sqlite": 0.25, "postgresql": 1.0}
"""Seconds until the kill, at most: a few releases' time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    dice, wrong = np.random.default_rng(arguments.seed), 0
    with (
        tempfile.TemporaryDirectory(prefix="sightline-benchmark-") as folder,
        postgresql(Path(folder)) as server,
    ):
        addresses = {"sqlite": f"sqlite:///{folder}/catalogue.sqlite", "postgresql": server}
        for kind, address in addresses.items():
            if not address:
                print(f"{kind}: skipped: no PostgreSQL here: pip install pgserver pg8000")
                continue
            layout = init_workspace(Path(folder) / kind)
            found = killed_often(address, layout, arguments.kills // 2, LONGEST[kind], dice)
            print(f"{kind}: {arguments.kills // 2} kills of {WRITERS} writers, {found}")
            wrong += "WRONG" in found
    sys.exit(wrong)


def killed_often(address: str, layout: Layout, kills: int, longest: float, dice: np.random.Generator) -> str:
    said: dict[str, set[int]] = {"reserved": set(), "added": set(), "promoted": set()}
    checked: set[int] = set()
    quiet = 0
    for number in range(kills):
        lines = killed(address, layout, dice.uniform(0, longest))
        quiet += not lines
        for what, version in lines:
            if what == "reserved" and version in said["reserved"]:
                return f"WRONG after {number + 1}: {version} was given twice"
            said[what].add(version)
        if fault := amiss(address, layout, said, checked):
            return f"WRONG after {number + 1}: {fault}"
    counts = ", ".join(f"{len(versions):,} {what}" for what, versions in said.items())
    return f"acknowledged: {counts}; nothing lost, nothing half done ({quiet} came before anything was said)"


def killed(address: str, layout: Layout, seconds: float) -> list[tuple[str, int]]:
    """What the writers acknowledged before they were killed."""
    ends = [os.pipe() for _ in range(WRITERS)]
    children = []
    for index in range(WRITERS):
        child = os.fork()
        if not child:
            try:
                write_releases(address, layout, ends[index][1])
            except Exception:  # noqa: BLE001 - whatever it is, the parent is told
                os.write(ends[index][1], f"failed {traceback.format_exc()!r}\n".encode())
            finally:
                os._exit(1)
        children.append(child)
    for _, writing in ends:
        os.close(writing)
    time.sleep(seconds)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    lines = []
    for reading_end, _ in ends:
        with os.fdopen(reading_end) as file:
            # A line cut by the kill was not acknowledged.
            lines += [line.split(" ", 1) for line in file.read().split("\n")[:-1]]
    for what, rest in lines:
        if what == "failed":
            raise SystemExit(f"a writer failed by itself: {rest}")
    return [(what, int(version)) for what, version in lines]


def write_releases(address: str, layout: Layout, out: int) -> None:
    """Reserve, write, add and promote, and say so, for ever."""
    registry = Registry(open_catalogue(address), layout)
    while True:
        version = registry.reserve("boards")
        os.write(out, f"reserved {version}\n".encode())
        path, data = f"models/boards-{version}.sight", f"boards {version}".encode()
        write_atomic(layout.root / path, data)
        digest = sha256_bytes(data)
        registry.add(
            Release("boards", version, "candidate", path, digest, "d" * 64, "e" * 64, "0", None, "2026-01-01")
        )
        os.write(out, f"added {version}\n".encode())
        registry.promote("boards", version, force_reason="a benchmark")
        os.write(out, f"promoted {version}\n".encode())


def amiss(address: str, layout: Layout, said: dict[str, set[int]], checked: set[int]) -> str:
    """What is wrong with the state after a kill; nothing where it is right."""
    engine = open_catalogue(address)
    try:
        registry = Registry(engine, layout)
        there, history = registry.all("boards"), registry.history("boards")
        if engine.dialect.name == "sqlite":
            with reading(engine) as connection:
                if connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
                    return "SQLite finds its file damaged"
    finally:
        engine.dispose()
    promoted = [event for event in history if event.action == "promoted"]
    if lost := said["added"] - {release.version for release in there}:
        return f"added, acknowledged and lost: {sorted(lost)}"
    if lost := said["promoted"] - {event.version for event in promoted}:
        return f"promoted, acknowledged and lost: {sorted(lost)}"
    if [event.displaced for event in promoted] != [None, *(event.version for event in promoted)][
        : len(promoted)
    ]:
        return "a promotion did not displace the one before"
    stages = [release.version for release in there if release.stage == "production"]
    if stages != [event.version for event in promoted][-1:]:
        return f"in production are {stages}"
    for release in there:
        if release.version not in checked:
            checked.add(release.version)
            if (layout.root / release.path).read_bytes() != f"boards {release.version}".encode():
                return f"{release} has other bytes"
    return ""


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of an empty database, or nothing where there is no PostgreSQL."""
    if find_spec("pg8000") is None:
        yield ""
        return
    try:
        import pgserver
    except ImportError:
        yield ""
        return
    server = pgserver.get_server(  # type: ignore[attr-defined]  # it re-exports by a star
        folder / "server", cleanup_mode="stop"
    )
    (socket,) = Path(parse_qs(urlsplit(server.get_uri()).query)["host"][0]).glob(".s.PGSQL.*[0-9]")
    server.psql("CREATE DATABASE benchmark;")
    yield f"postgresql://postgres@/benchmark?unix_sock={socket}"
    server.cleanup()


if __name__ == "__main__":
    main()
