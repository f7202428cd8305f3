"""Curves for TensorBoard, one event file a run.

TensorBoard's own writer works in a thread, where a full disk cannot be caught; this one writes at once.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from sightline.storage.files import make_folder, refused


class EventFile:
    """A new event file in ``folder``, which is made.

    Raises:
        StorageError: from every method, where the disk refused.
    """

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        # TensorBoard knows its files by this beginning and reads them in order of their names.
        self._path = folder / f"events.out.tfevents.{time.time_ns()}"
        try:
            self._file = self._path.open("xb", buffering=0)
        except OSError as error:
            raise refused("write", self._path, error) from error
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """One point of each figure's curve."""
        values = [Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def _write(self, event: Event) -> None:
        try:
            RecordWriter(self._file).write(event.SerializeToString())
        except OSError as error:
            raise refused("write", self._path, error) from error
