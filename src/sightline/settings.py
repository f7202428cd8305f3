"""The only reader of the environment, and what this machine computes with."""

import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import InputError

_TELLING = (
    *("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"),
    *("asimd", "asimddp", "i8mm"),
)
"""Instructions that make a difference to a network's speed."""


_BACKGROUND = 10
"""The niceness of work that can wait: about a tenth of a processor that others want too."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment decides.

    ``cache_dir`` holds what can be found out again (``SIGHTLINE_CACHE_DIR``, else
    ``$XDG_CACHE_HOME/sightline``, else ``~/.cache/sightline``).
    ``config_dir`` holds the user's private key and trusted keys (``SIGHTLINE_CONFIG_DIR``, else
    ``$XDG_CONFIG_HOME/sightline``, else ``~/.config/sightline``). ``threads`` is the number of
    processors that work may use (``SIGHTLINE_THREADS``, else those this process may run on). ``catalogue``
    is the catalogue's address where a workspace is not to use its own (``SIGHTLINE_CATALOGUE``): an address
    with a password belongs into the environment rather than into a file.
    """

    cache_dir: Path
    config_dir: Path
    threads: int
    catalogue: str


def settings() -> Settings:
    """The settings as the environment has them now."""
    wanted = os.environ.get("SIGHTLINE_THREADS") or str(available_processors())
    if not wanted.isdigit() or int(wanted) < 1:
        raise InputError(f"SIGHTLINE_THREADS must be a whole number from 1, got {wanted!r}")
    catalogue = os.environ.get("SIGHTLINE_CATALOGUE", "")
    return Settings(_folder("CACHE", ".cache"), _folder("CONFIG", ".config"), int(wanted), catalogue)


def _folder(kind: str, usual: str) -> Path:
    """Where the XDG base directory specification puts it, unless sightline's own variable says otherwise."""
    base = os.environ.get(f"XDG_{kind}_HOME") or Path.home() / usual
    return Path(os.environ.get(f"SIGHTLINE_{kind}_DIR") or Path(base) / "sightline").expanduser()


def available_processors() -> int:
    """Processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def work_on(number: int) -> None:
    """Keep this thread on one of the processors that this process may run on, by its place among them.

    Only where as many threads as there are processors do so: fewer would gather on the first.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(os.getpid()))[number]})


def work_in_background() -> None:
    """Let other threads of this process go before this one, and before the processes that it starts."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BACKGROUND)


def instructions() -> frozenset[str]:
    """The names that Linux gives to the processor's instructions; none on other systems."""
    fields = _cpuinfo()
    return frozenset(fields.get("flags", fields.get("Features", "")).split())


def processor() -> str:
    """Its name, and which of the instructions that matter it has."""
    has = instructions()
    flags = " ".join(flag for flag in _TELLING if flag in has)
    return f"{_cpuinfo().get('model name', 'unknown processor')}; {flags or 'instructions unknown'}"


def _cpuinfo() -> dict[str, str]:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.is_file() else []
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
