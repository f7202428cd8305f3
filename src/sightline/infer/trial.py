"""A model's first load and first run on this machine, in a process that may die.

A sealed model is what its signer sealed; that its graph is harmless does not follow. A graph can ask for more
memory than there is, compute for hours or end the engine. So each file is first loaded, and run on noise, by
a process with limits, which answers whether it came through. That it did is noted in the user's cache folder,
by the digest of the file and of everything else that decided the trial.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from sightline import __version__
from sightline.errors import BundleError, SightlineError, StorageError
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

_PATIENCE = 30.0
"""Seconds that are waited, for each second of the processor: other processes want it too."""

_START = "from sightline.infer.trial import main; main()"


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
    seconds, room = _limits(len(model), trial)
    told = [trial.runtime, trial.threads, trial.batch, trial.size.width, trial.size.height, seconds, room]
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", f"import sys; sys.path[:] = {sys.path!r}; {_START}", json.dumps(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0,  # Ctrl-C is for the parent
    )
    with process:
        try:
            answer, _ = process.communicate(model, timeout=_PATIENCE * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise BundleError("the model's first run here did not end in time") from None
        except BaseException:
            process.kill()
            raise
    if process.returncode == -signal.SIGPROF:
        raise BundleError(f"the model's first run here took more than {seconds:.0f} s of the processor")
    try:
        refusal = json.loads(answer)["refusal"]
    except (ValueError, TypeError, KeyError):
        code = process.returncode
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        raise BundleError(
            f"the model's first run here ended its process ({name}); it may take {room / 1e9:.1f} GB"
        ) from None
    if refusal:
        raise BundleError(str(refusal)[:600])


def _limits(length: int, trial: Trial) -> tuple[float, int]:
    """Seconds of the processor and bytes of address space for a file of ``length`` bytes."""
    return (
        _SECONDS + length / _BYTES_A_SECOND,
        _BYTES + _COPIES * length + _BYTES_A_THREAD * trial.threads,
    )


def main() -> None:
    """The other process: a file on standard input, on standard output why it is refused, or nothing."""
    runtime, threads, batch, width, height, seconds, room = json.loads(sys.argv[-1])
    # What an engine prints is not the answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    model = sys.stdin.buffer.read()
    load = RUNTIMES.load(runtime).load
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory(room)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    noise = np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
    refusal = ""
    try:
        session = load(model, threads)
        for count in sorted({1, batch}):
            session.run(noise[:count])
    except SightlineError as error:
        refusal = str(error)
    except MemoryError:
        refusal = f"the model's first run here takes more than {room / 1e9:.1f} GB"
    os.write(answer, json.dumps({"refusal": refusal}).encode())
    # Without taking the session apart: whatever that does, the answer is given.
    os._exit(0)


def _limit_memory(room: int) -> None:
    """Linux alone can limit address space, and tells how much is in use."""
    told = Path("/proc/self/statm")
    if told.is_file():
        soft = int(told.read_text().split()[0]) * resource.getpagesize() + room
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(
            resource.RLIMIT_AS, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
        )
