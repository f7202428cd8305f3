"""Each write, fsync and rename of a job fails in turn, by system call: ENOSPC and EIO.

Debian's strace makes the Nth call of a kind fail (``-e inject``). Jobs: make a workspace; write, add and
promote a release; the same with the catalogue on PostgreSQL, whose own files are left alone. After each the
job must have ended well, or with one line that says why; the workspace must open and hold the state before
the job or after it; and the job must work again.

    python benchmarks/failing_disk.py [--error ENOSPC EIO]

Data: none. Skipped where strace may not trace.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from killed_registry import postgresql
from sightline.registry.releases import Registry
from sightline.storage.catalogue import open_catalogue, reading
from sightline.storage.layout import Layout, init_workspace

CALLS = (
    "write",
    "pwrite64",
    "writev",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "ftruncate",
    "fallocate",
    "mkdir",
    "mkdirat",
    "unlink",
    "unlinkat",
)

RELEASE = """
import sys
from sightline.errors import SightlineError
from sightline.registry.releases import Registry
from sightline.storage.catalogue import open_catalogue
from sightline.storage.files import sha256_bytes, write_atomic
from sightline.storage.layout import Layout, init_workspace
from sightline.values.release import Release
from pathlib import Path
try:
    layout = init_workspace(Path(sys.argv[1]))
    registry = Registry(open_catalogue(sys.argv[2]), layout)
    version = registry.reserve("boards")
    path, data = f"models/boards-{version}.sight", f"boards {version}".encode()
    write_atomic(layout.root / path, data)
    digest = sha256_bytes(data)
    registry.add(
        Release("boards", version, "candidate", path, digest, "d" * 64, "e" * 64, "0", None, "2026-01-01")
    )
    registry.promote("boards", version, force_reason="a benchmark")
except SightlineError as error:
    sys.exit(f"sightline: {error}")
"""


@dataclass(frozen=True)
class Job:
    """A command in a workspace, and whether the state is one of before and after."""

    name: str
    command: list[str]
    workspace: Path
    check: Callable[[], str]
    from_nothing: bool = False

    def prepare(self) -> None:
        """Where the job makes the workspace, there is none before."""
        if self.from_nothing:
            shutil.rmtree(self.workspace, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--error", nargs="+", default=["ENOSPC", "EIO"])
    arguments = parser.parse_args()
    if reason := untraceable():
        print(f"skipped: {reason}")
        return
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="sightline-benchmark-") as name, postgresql(Path(name)) as server:
        os.environ["SIGHTLINE_CONFIG_DIR"] = f"{name}/config"
        os.environ["SIGHTLINE_CACHE_DIR"] = f"{name}/cache"
        folder = Path(name)
        for job in jobs(folder, server):
            wrong += failed_in_turn(job, arguments.error)
    sys.exit(wrong > 0)


def untraceable() -> str:
    if shutil.which("strace") is None:
        return "there is no strace: apt-get install strace"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()}"


def jobs(folder: Path, server: str) -> list[Job]:
    local = folder / "sqlite"
    found = [release_job("release, SQLite", local, f"sqlite:///{local}/.sightline/catalogue.sqlite")]
    if server:
        found.append(release_job("release, PostgreSQL", folder / "postgresql", server))
    fresh = folder / "fresh"
    command = [sys.executable, "-m", "sightline", "init", str(fresh)]
    return [*found, Job("init", command, fresh, lambda: checked_init(fresh), from_nothing=True)]


def release_job(name: str, root: Path, address: str) -> Job:
    init_workspace(root)
    return Job(
        name,
        [sys.executable, "-c", RELEASE, str(root), address],
        root,
        lambda: checked_registry(root, address),
    )


def checked_init(root: Path) -> str:
    """A workspace or none; never one that does not open."""
    toml = root / "sightline.toml"
    return "the settings file is empty" if toml.exists() and not toml.stat().st_size else ""


def checked_registry(root: Path, address: str) -> str:
    engine = open_catalogue(address)
    try:
        registry = Registry(engine, Layout(root))
        there, history = registry.all("boards"), registry.history("boards")
        if engine.dialect.name == "sqlite":
            with reading(engine) as connection:
                if connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
                    return "SQLite finds its file damaged"
    finally:
        engine.dispose()
    promoted = [event.version for event in history if event.action == "promoted"]
    if [each.version for each in there if each.stage == "production"] != promoted[-1:]:
        return "what is in production is not what was promoted last"
    if [each.displaced for each in history if each.action == "promoted"] != [None, *promoted][
        : len(promoted)
    ]:
        return "a promotion did not displace the one before"
    for release in there:
        if (root / release.path).read_bytes() != f"boards {release.version}".encode():
            return f"{release} has other bytes"
    return ""


def failed_in_turn(job: Job, errors: list[str]) -> int:
    """How many faults ended wrongly; prints a row."""
    outcomes: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    wrong: list[str] = []
    for call, number in calls_of(job):
        for error in errors:
            log = job.workspace.parent / "strace.log"
            job.prepare()
            inject = f"inject={call}:error={error}:when={number}"
            done = subprocess.run(
                [
                    "strace",
                    "-f",
                    "--seccomp-bpf",
                    "-o",
                    str(log),
                    "-e",
                    f"trace={call}",
                    "-e",
                    inject,
                    *job.command,
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            said = done.stderr.strip()
            if "(INJECTED)" not in log.read_text(errors="replace"):
                outcomes["not reached"] += 1
                continue
            outcomes["went well all the same" if done.returncode == 0 else "one line"] += 1
            if done.returncode and (not said.startswith("sightline: ") or "\n" in said):
                wrong.append(f"{inject}: {said[-300:]!r}")
            elif done.returncode:
                lines[re.sub(r"'[^']*'", "…", said)] += 1
            if state := job.check():
                wrong.append(f"{inject}: {state}")
            again = subprocess.run(job.command, capture_output=True, text=True, check=False)
            if again.returncode:
                wrong.append(f"{inject}: and then: {again.stderr.strip()[-300:]!r}")
            elif state := job.check():
                wrong.append(f"{inject}: and then: {state}")
    told = ", ".join(f"{count} {what}" for what, count in outcomes.most_common())
    print(f"{job.name}: {told}; wrong: {len(wrong)}")
    for line, count in lines.most_common(12):
        print(f"    {count:>4}  {line[:160]}")
    for each in wrong:
        print(f"    WRONG {each}")
    return len(wrong)


def calls_of(job: Job) -> list[tuple[str, int]]:
    """Each call that concerns a file of the workspace: its kind, and which of its kind it is."""
    job.prepare()
    log = job.workspace.parent / "strace.log"
    subprocess.run(
        [
            "strace",
            "-f",
            "-y",
            "--seccomp-bpf",
            "-o",
            str(log),
            "-e",
            f"trace={','.join(CALLS)}",
            *job.command,
        ],
        check=True,
        capture_output=True,
    )
    counts: Counter[str] = Counter()
    found = []
    for line in log.read_text(errors="replace").splitlines():
        called = re.match(r"\d+\s+(\w+)\((.*)", line)
        if called:
            counts[called[1]] += 1
            if str(job.workspace.parent) in called[2]:
                found.append((called[1], counts[called[1]]))
    return found


if __name__ == "__main__":
    main()
