"""What a release costs on this machine: time, throughput and memory of each form of its model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightline.infer.predictor import open_session
from sightline.infer.runtimes.base import Session
from sightline.infer.timing import latencies
from sightline.values.release import Bundle

FULL = "fp32"
"""What the model that all variants were made from is called."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """A form of the model: ``file_bytes`` of its file, ``resident_bytes`` that it adds to the process.

    The memory is what loading it and one run took; None where the system does not tell (other than Linux).
    """

    variant: str
    file_bytes: int
    resident_bytes: int | None


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds that a batch took at the 50th, 95th and 99th percentile of ``runs`` runs."""

    variant: str
    threads: int
    batch: int
    runs: int
    p50: float
    p95: float
    p99: float

    @property
    def pictures_per_second(self) -> float:
        """At the median."""
        return 1000 * self.batch / self.p50


def footprints(bundle: Bundle, runtime: str, threads: int) -> tuple[Footprint, ...]:
    """How large each form of the model is, on disk and in memory."""
    found = []
    for variant in ("", *sorted(bundle.variants)):
        before = _resident()
        session = open_session(bundle, runtime, threads, variant)
        session.run(_noise(bundle, 1))
        after = _resident()
        model = bundle.variants[variant].model if variant else bundle.model
        found.append(Footprint(variant or FULL, len(model), after - before if before and after else None))
        del session
    return tuple(found)


def timings(
    bundle: Bundle, runtime: str, threads: Sequence[int], batches: Sequence[int], seconds: float
) -> Iterator[Timing]:
    """Each form of the model, for each number of threads and each size of a batch.

    The forms take turns on the same noise, so that whatever else the machine does meets all of them alike;
    ``seconds`` is spent on each combination of threads and batch.
    """
    for count in threads:
        sessions: Mapping[str, Session] = {
            variant or FULL: open_session(bundle, runtime, count, variant)
            for variant in ("", *sorted(bundle.variants))
        }
        for batch in batches:
            for name, taken in latencies(sessions, _noise(bundle, batch), seconds).items():
                middle, late, latest = np.percentile(np.array(taken) * 1000, (50, 95, 99)).tolist()
                yield Timing(name, count, batch, len(taken), middle, late, latest)


def _noise(bundle: Bundle, batch: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    size = bundle.manifest.contract.pixels.size
    return np.random.default_rng(0).integers(0, 256, (batch, size.height, size.width, 3), dtype=np.uint8)


def _resident() -> int:
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0
    line = next(each for each in status.read_text().splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) * 1024
