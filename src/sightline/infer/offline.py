"""Answers about whole folders: files are read and decoded in threads while the model works."""

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from threading import Event

from sightline.infer.predictor import Answer, Predictor, Prepared
from sightline.infer.walking import find_pictures
from sightline.pixels.decode import MAX_FILE_BYTES
from sightline.settings import settings
from sightline.values.prediction import Unanswered

Progress = Callable[[int, int | None], None]
"""Called with the pictures done, and all there are (``None`` while they are still being counted)."""

_BATCHES_AHEAD = 3


def predict_paths(
    predictor: Predictor, paths: Iterable[Path], progress: Progress | None = None, after: int = 0
) -> Iterator[Answer]:
    """Answers about every picture among ``paths`` (see ``find_pictures``), in that order.

    A file that is missing, unreadable or no picture is an ``Unanswered`` in its place. The first ``after``
    pictures are passed over. Memory does not grow with the number of pictures: three batches of model inputs
    are held at a time, and one file a thread. Leaving the loop early, or Ctrl-C in it, stops the threads.

    Raises:
        BundleError: the model fails on a batch.
    """
    named = list(paths)
    stop = Event()
    with ThreadPoolExecutor(settings().threads, thread_name_prefix="decode") as pool:
        try:
            total = pool.submit(_count, named, stop) if progress else None
            for done, answer in enumerate(_answers(predictor, named, pool, after), after + 1):
                yield answer
                if progress and total:
                    progress(done, total.result() if total.done() else None)
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _answers(
    predictor: Predictor, named: Sequence[Path], pool: ThreadPoolExecutor, after: int
) -> Iterator[Answer]:
    found = islice(find_pictures(named), after, None)
    ahead: deque[Future[Prepared | Unanswered]] = deque()
    while True:
        for file in islice(found, _BATCHES_AHEAD * predictor.batch_size - len(ahead)):
            ahead.append(pool.submit(_prepare, predictor, file))
        if not ahead:
            return
        size = min(predictor.batch_size, len(ahead))
        yield from predictor.answer([ahead.popleft().result() for _ in range(size)])


def _prepare(predictor: Predictor, file: Path | Unanswered) -> Prepared | Unanswered:
    if isinstance(file, Unanswered):
        return file
    try:
        data = _read(file)
    except OSError as error:
        return Unanswered(str(file), f"cannot be read: {error.strerror or error}")
    return predictor.prepare(str(file), data)


def _read(file: Path) -> bytes:
    # Opening a pipe would wait for ever, and a device may have no end.
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError("it is not a regular file")
    with file.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size > MAX_FILE_BYTES:
            raise OSError(f"it is larger than {MAX_FILE_BYTES // 1024**2} MiB")
        return stream.read()


def _count(named: Sequence[Path], stop: Event) -> int | None:
    count = 0
    for _ in find_pictures(named):
        if stop.is_set():
            return None
        count += 1
    return count
