"""A model's first load and first run on this machine, in a process that may die.

A sealed model is what its signer sealed; that its graph is harmless does not follow. A graph can ask for more
memory than there is, compute for hours or end the engine. So each file is first loaded, and run on noise, by
a process with limits, which answers whether it came through. That it did is noted in the user's cache folder,
by the digest of the file and of everything else that decided the trial.
"""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import cast

import numpy as np

from sightline import __version__
from sightline.errors import StorageError
from sightline.infer.killable import Limits, run_killable
from sightline.infer.runtimes import RUNTIMES
from sightline.settings import settings
from sightline.storage.files import write_atomic
from sightline.values.image import Size

_SECONDS, _BYTES_A_SECOND = 20.0, 5_000_000
"""Seconds of the processor that loading and running may take, and one more for each so many of the file."""

_BYTES, _COPIES = 2_000_000_000, 8
"""Address space that it may take, and as much again as so many copies of the file."""

_BYTES_A_THREAD = 192_000_000
"""Address space that a thread asks for, whether or not it uses it."""

_WORK = "sightline.infer.trial:first_run"


@dataclass(frozen=True, slots=True)
class Trial:
    """What is run: ``runtime`` with ``threads`` threads on ``batch`` pictures of ``size``."""

    runtime: str
    threads: int
    batch: int
    size: Size


def try_out(model: bytes, trial: Trial) -> None:
    """Load and run ``model`` elsewhere, where that has not gone well before.

    Raises:
        BundleError: the engine refuses it, or it takes too much time or memory, or ends the process.
        UnknownPlugin, MissingExtra: the runtime is not there.
    """
    noted = settings().cache_dir / "tried" / _digest(model, trial)
    if noted.is_file():
        return
    _run(model, trial)
    try:
        write_atomic(noted, b"")
    except StorageError:
        return  # a folder that cannot be written: it is tried again next time


def _digest(model: bytes, trial: Trial) -> str:
    conditions = json.dumps(
        [__version__, RUNTIMES.load(trial.runtime).VERSION, asdict(trial)], sort_keys=True
    )
    return sha256(sha256(model).digest() + conditions.encode()).hexdigest()


def _run(model: bytes, trial: Trial) -> None:
    size = trial.size
    told = [trial.runtime, trial.threads, trial.batch, size.width, size.height]
    run_killable(_WORK, told, model, _limits(len(model), trial), "the model's first run here")


def _limits(length: int, trial: Trial) -> Limits:
    """Those for a file of ``length`` bytes."""
    return Limits(
        _SECONDS + length / _BYTES_A_SECOND,
        _BYTES + _COPIES * length + _BYTES_A_THREAD * trial.threads,
    )


def first_run(told: object, model: bytes) -> bytes:
    """What the other process does: load ``model`` and run it as it is ``told``; there is nothing to say."""
    runtime, threads, batch, width, height = cast(tuple[str, int, int, int, int], told)
    session = RUNTIMES.load(runtime).load(model, threads)
    noise = np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
    for count in sorted({1, batch}):
        session.run(noise[:count])
    return b""
