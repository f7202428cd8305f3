"""A full disk during build, predict and promote: one clear line, a readable workspace, and it works again.

The workspace lies on a tmpfs of 16 MB that is filled up to some rest; and, without that, no file may grow
above a limit, at 50 values. After each job that failed, the workspace's releases and their sealed files are
read; then there is space again and the job must do.

    python benchmarks/full_disk.py [--limits 50] [--rests 10]

Data: pictures of noise made here. The part with the tmpfs is skipped where nothing may be mounted.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from sightline.errors import SightlineError
from sightline.workspace import Workspace

MEGABYTE = 1_000_000
SMALL = ("--arch", "small_resnet/8", "--epochs", "1", "--name", "noise", "--variants", "none")
Limit = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limits", type=int, default=50)
    parser.add_argument("--rests", type=int, default=10)
    arguments = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="sightline-benchmark-") as name:
        folder = Path(name)
        os.environ["SIGHTLINE_CONFIG_DIR"] = f"{name}/config"
        os.environ["SIGHTLINE_CACHE_DIR"] = f"{name}/cache"
        pictures = draw_pictures(folder / "noise")
        with small_disk(folder / "disk") as disk:
            if disk is None:
                print("tmpfs: skipped: nothing may be mounted here")
            else:
                wrong += on_full_disk(disk, pictures, arguments.rests)
        wrong += under_limits(folder, pictures, arguments.limits)
    sys.exit(wrong > 0)


def jobs(pictures: Path) -> dict[str, list[str]]:
    return {
        "build": ["build", str(pictures), *SMALL],
        "predict": ["predict", "noise", str(pictures), "--out", "answers.jsonl", "--format", "jsonl"],
        "promote": ["registry", "promote", "noise@1", "--force", "a benchmark"],
    }


def on_full_disk(disk: Path, pictures: Path, rests: int) -> int:
    """Each job with so much space left, from nothing to what it needs."""
    outcomes: dict[str, Counter[str]] = {}
    wrong = 0
    workspace = Workspace.init(disk / "workspace")
    assert not sightline(workspace.root, jobs(pictures)["build"]).returncode
    filler = disk / "filler"
    for name, command in jobs(pictures).items():
        outcomes[name] = Counter()
        for rest in np.geomspace(1000, 3 * MEGABYTE, rests).astype(int).tolist():
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            filler.write_bytes(b"\0" * max(0, free - rest))
            done = sightline(workspace.root, command)
            filler.unlink()
            wrong += judged(outcomes[name], workspace.root, command, done, f"{rest:,} bytes free")
            free_space(workspace)
    tell("tmpfs of 16 MB", outcomes)
    return wrong


def under_limits(folder: Path, pictures: Path, limits: int) -> int:
    """Each job with no file above so many bytes."""
    outcomes: dict[str, Counter[str]] = {}
    wrong = 0
    workspace = Workspace.init(folder / "limited")
    assert not sightline(workspace.root, jobs(pictures)["build"]).returncode
    for name, command in jobs(pictures).items():
        outcomes[name] = Counter()
        for limit in np.geomspace(100, 3 * MEGABYTE, limits).astype(int).tolist():
            done = sightline(workspace.root, command, limit)
            wrong += judged(outcomes[name], workspace.root, command, done, f"files up to {limit:,} bytes")
            free_space(workspace)
    tell("file-size limits", outcomes)
    return wrong


def judged(
    outcomes: Counter[str],
    root: Path,
    command: list[str],
    done: "subprocess.CompletedProcess[str]",
    when: str,
) -> int:
    """Count what became of a job; 1 where it was wrong."""
    problem = unreadable(root)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("sightline: ")]
        outcomes["one line"] += 1
        if len(lines) != 1 or "Traceback" in done.stderr:
            problem = problem or f"said {done.stderr[-400:]!r}"
        again = sightline(root, command)
        problem = problem or (f"and then: {again.stderr[-300:]!r}" if again.returncode else "")
    else:
        outcomes["went well"] += 1
    if problem:
        print(f"WRONG {command[0]}, {when}: {problem}")
    return bool(problem)


def unreadable(root: Path) -> str:
    """Why the workspace cannot be read; nothing where it can, releases and sealed files with it."""
    try:
        workspace = Workspace.open(root)
        for release in workspace.releases():
            workspace.bundle(str(release))
    except SightlineError as error:
        return f"unreadable: {error}"
    return ""


def free_space(workspace: Workspace) -> None:
    """Keep the first release alone, so that the disk does not fill by itself."""
    (workspace.root / "answers.jsonl").unlink(missing_ok=True)
    for folder in workspace.layout.runs.iterdir():
        subprocess.run(["rm", "-rf", str(folder)], check=True)
    for release in workspace.releases():
        if release.version > 1 and release.stage == "candidate":
            workspace.registry.archive(release.name, release.version)


def sightline(root: Path, command: list[str], limit: int = 0) -> "subprocess.CompletedProcess[str]":
    def limited() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "sightline", *command],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limited,
    )


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A tmpfs of 16 MB, or None where it may not be mounted."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if done.returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def draw_pictures(folder: Path) -> Path:
    dice = np.random.default_rng(0)
    for label, level in (("dark", 60), ("bright", 190)):
        (folder / label).mkdir(parents=True)
        for number in range(24):
            noise = dice.normal(level, 25, (32, 32, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noise).save(folder / label / f"{number:02}.png")
    return folder


def tell(title: str, outcomes: dict[str, Counter[str]]) -> None:
    for name, counts in outcomes.items():
        print(f"{title}: {name}: " + ", ".join(f"{count} {what}" for what, count in counts.most_common()))


if __name__ == "__main__":
    main()
