"""What the benchmarks share: where the data lies, a fresh workspace, and the command line."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sightline.workspace import Workspace

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def data(name: str) -> Path:
    """A file or folder of the shared data; leaves with a reason where it is absent."""
    path = SHARED_DATA / name
    if not path.exists():
        print(f"skipped: {path} is absent")
        sys.exit(0)
    return path


@contextmanager
def fresh_workspace() -> Iterator[Workspace]:
    """A workspace, and a signing key, that nobody else sees."""
    with tempfile.TemporaryDirectory(prefix="sightline-benchmark-") as folder:
        os.environ["SIGHTLINE_CONFIG_DIR"] = str(Path(folder) / "config")
        os.environ["SIGHTLINE_CACHE_DIR"] = str(Path(folder) / "cache")
        yield Workspace.init(Path(folder) / "workspace")


def sightline(workspace: Workspace, *arguments: object) -> None:
    """Run a command as a user would, in the workspace's folder."""
    subprocess.run([sys.executable, "-m", "sightline", *map(str, arguments)], check=True, cwd=workspace.root)
