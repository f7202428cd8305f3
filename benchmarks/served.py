"""What the benchmarks of the server share: a release to serve, pictures, a server's process and its costs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from batch_prediction import decoded, write_distinct
from setting import data, fresh_workspace, sightline
from sightline.bundle.reference import Reference, write_reference
from sightline.bundle.seal import seal
from sightline.export.compress.int8 import prepare
from sightline.storage.files import sha256_file
from sightline.values.release import Release
from sightline.workspace import Workspace

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Shop:
    """A workspace with ``small`` in production, MobileNetV2 in 8-bit integers, and JPEGs of 500 x 375.

    ``other`` is the same network calibrated on other pictures: as fast, with other scores.
    """

    workspace: Workspace
    pictures: tuple[bytes, ...]
    other: bytes


@contextmanager
def shop(count: int = 1000) -> Iterator[Shop]:
    """Data: the 50 photographs of ``imagenet50``, brought to 500 x 375 and shifted in brightness, which makes
    distinct files, and MobileNetV2 (``weights``), calibrated on the first 48. Answers are not judged.
    """
    sources, weights = sorted(data("imagenet50").glob("*.JPEG")), data("weights/mobilenet_v2_imagenet.pth")
    with fresh_workspace() as workspace:
        classes = workspace.root / "classes.txt"
        classes.write_text("\n".join(f"class {number:04}" for number in range(1000)))
        sightline(
            workspace, "build", sources[0].parent, "--name", "given", "--weights", weights, "--epochs", 0,
            "--classes", classes, "--fit", "crop", "--variants", "none",
        )  # fmt: skip
        bundle = workspace.bundle("given")
        recipe = bundle.manifest.contract.pixels
        inputs = np.stack([decoded(file, recipe) for file in sources[:48]])
        batches = [inputs[start : start + 8] for start in range(0, 48, 8)]
        small, other = (prepare(bundle.model, some).compressed(()) for some in (batches, batches[:2]))
        add(workspace, "small", small)
        workspace.registry.promote("small", 1)
        folder = workspace.root / "many"
        write_distinct(sources, folder)
        files = sorted(folder.iterdir())[:count]
        yield Shop(workspace, tuple(file.read_bytes() for file in files), other)


def add(workspace: Workspace, name: str, model: bytes) -> Release:
    """The next version of ``name``, with the manifest of ``given`` and another model."""
    bundle = workspace.bundle("given")
    manifest = replace(bundle.manifest, name=name, version=workspace.registry.reserve(name))
    path = f"models/{name}-{manifest.version}.sight"
    numbers = np.full((4, 1000), 0.001, dtype=np.float32)
    embeddings = np.zeros((4, 1280), dtype=np.float32)
    reference = write_reference(
        Reference(numbers, embeddings, np.zeros((4, 1), np.float32), np.zeros(4, np.int64), ("brightness",))
    )
    seal(workspace.root / path, manifest, model=model, reference=reference, card=name, key=workspace.key)
    return workspace.registry.add(
        Release(
            name=name,
            version=manifest.version,
            stage="candidate",
            path=path,
            sha256=sha256_file(workspace.root / path),
            dataset_fingerprint="d" * 64,
            recipe_sha256="e" * 64,
            code_version="0",
            parent=None,
            created=manifest.created,
        )
    )


@dataclass(frozen=True)
class Server:
    """A process that serves, with all that it started."""

    process: subprocess.Popen[bytes]
    url: str

    def cpu_seconds(self) -> float:
        """Of the process tree, children that ended included."""
        return sum(_cpu(pid) for pid in tree(self.process.pid))

    def pss(self) -> int:
        """Proportional memory of the process tree, in bytes; it falls while others share its libraries."""
        return sum(_pss(pid) for pid in tree(self.process.pid))

    def own(self) -> int:
        """The part of it that belongs to no file, in bytes: what grows where memory leaks."""
        return sum(_pss(pid, "Pss_Anon") for pid in tree(self.process.pid))


@contextmanager
def serving(folder: Path, *arguments: object) -> Iterator[Server]:
    """``sightline serve`` on a free port, ready; ended with the block."""
    log = folder / f"server-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "sightline", "serve", "--port", "0", *map(str, arguments)]
    with log.open("wb") as writing:
        process = subprocess.Popen(command, cwd=folder, stderr=writing)
    try:
        yield Server(process, _ready(log, process))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(60)


def _ready(log: Path, process: subprocess.Popen[bytes]) -> str:
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if '"event": "ready"' in line:
                return str(json.loads(line)["url"])
        time.sleep(0.005)
    raise SystemExit(f"the server ended: {log.read_text()}")


def open_files(root: int) -> int:
    """How many files and connections a process and all below it have open."""
    count = 0
    for pid in tree(root):
        with suppress(OSError):
            count += sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return count


def tree(root: int) -> list[int]:
    """A process and all below it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for each in found:
        found += parents.get(each, [])
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICK


def _pss(pid: int, kind: str = "Pss") -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{kind}:")), 0)
