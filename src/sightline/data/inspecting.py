"""Every file read once: its hash, what it really is, and whether it decodes to the end."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sightline.pixels.decode import MAX_FILE_BYTES
from sightline.pixels.isolated import fingerprint
from sightline.values.dataset import SetAside
from sightline.values.image import Size, Undecodable

_TOGETHER = 32


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What reading a picture's file told.

    ``format`` is what its first bytes say, whatever its name; ``pixels`` a digest of the decoded upright
    picture, equal for files that show exactly the same, such as one with and one without EXIF data.
    """

    sha256: str
    size: Size
    format: str
    pixels: bytes


def inspect_files(
    root: Path, paths: Sequence[str], threads: int, progress: Callable[[int, int], None] | None = None
) -> Iterator[FileFacts | SetAside]:
    """Facts of every file, in the order of ``paths``; a file that is no usable picture gives its reason.

    ``progress`` is told how many files are done and how many there are.
    """
    groups = [paths[start : start + _TOGETHER] for start in range(0, len(paths), _TOGETHER)]
    pool = ThreadPoolExecutor(threads, thread_name_prefix="inspect")
    done = 0
    try:
        for facts in pool.map(partial(_inspect_together, root), groups):
            yield from facts
            done += len(facts)
            if progress is not None:
                progress(done, len(paths))
    finally:
        pool.shutdown(cancel_futures=True)


def _inspect_together(root: Path, paths: Sequence[str]) -> list[FileFacts | SetAside]:
    """Several files in one task: handing a task over costs as much as reading a small picture."""
    return [inspect_file(root, path) for path in paths]


def inspect_file(root: Path, path: str) -> FileFacts | SetAside:
    """Facts of one file."""
    try:
        data = _read(root / path)
    except OSError as error:
        return SetAside(path, f"cannot be read: {error.strerror}")
    if data is None:
        return SetAside(path, f"larger than {MAX_FILE_BYTES >> 20} MiB")
    made = fingerprint(data)
    if isinstance(made, Undecodable):
        return SetAside(path, made.reason)
    return FileFacts(hashlib.sha256(data).hexdigest(), made.header.size, made.header.format, made.pixels)


def _read(path: Path) -> bytes | None:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
            return None
        return file.read(MAX_FILE_BYTES)
