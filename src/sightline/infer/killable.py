"""Work on a strange file in a process that may die: it has limits, and answers or is a refusal.

A model's graph can ask for more memory than there is, compute for hours or end the engine that reads it.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from sightline.errors import BundleError, SightlineError

_PATIENCE = 30.0
"""Seconds that are waited, for each second of the processor: other processes want it too."""

_START = "from sightline.infer.killable import main; main()"
_ANSWER, _REFUSAL = b"+", b"-"


@dataclass(frozen=True, slots=True)
class Limits:
    """``seconds`` of the processor, and ``room`` bytes of address space beside those that it begins with."""

    seconds: float
    room: int


Work = Callable[[object, bytes], bytes]
"""What is done: told something that JSON can say, and a file; gives an answer or raises SightlineError."""


def run_killable(work: str, told: object, file: bytes, limits: Limits, what: str) -> bytes:
    """The answer of ``work``, written ``module:function``, to ``file``.

    ``what`` begins the messages: "the model's first run here".

    Raises:
        BundleError: it refused, took more than ``limits``, or ended its process.
    """
    asked = json.dumps([work, told, limits.seconds, limits.room, what])
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", f"import sys; sys.path[:] = {sys.path!r}; {_START}", asked],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0,  # Ctrl-C is for the parent
    )
    with process:
        try:
            answer, _ = process.communicate(file, timeout=_PATIENCE * limits.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise BundleError(f"{what} did not end in time") from None
        except BaseException:
            process.kill()
            raise
    if process.returncode == -signal.SIGPROF:
        raise BundleError(f"{what} took more than {limits.seconds:.0f} s of the processor")
    kind, rest = answer[:1], answer[1:]
    if process.returncode or kind not in (_ANSWER, _REFUSAL):
        code = process.returncode
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        raise BundleError(f"{what} ended its process ({name}); it may take {limits.room / 1e9:.1f} GB")
    if kind == _REFUSAL:
        raise BundleError(rest.decode("utf-8", "replace")[:600])
    return rest


def main() -> None:
    """The other process: a file on standard input, on standard output the answer or why there is none."""
    work, told, seconds, room, what = json.loads(sys.argv[-1])
    # What an engine prints is not the answer.
    out = os.dup(1)
    os.dup2(2, 1)
    file = sys.stdin.buffer.read()
    module, _, name = work.partition(":")
    function: Work = getattr(import_module(module), name)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory(room)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        answer = _ANSWER + function(told, file)
    except SightlineError as error:
        answer = _REFUSAL + str(error).encode("utf-8", "replace")
    except MemoryError:
        answer = _REFUSAL + f"{what} takes more than {room / 1e9:.1f} GB".encode()
    view = memoryview(answer)
    while view:
        view = view[os.write(out, view) :]
    # Without taking the engine apart: whatever that does, the answer is given.
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
