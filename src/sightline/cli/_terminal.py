"""Progress bars and lines on a terminal; plain lines elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text


class Terminal:
    """Watches a job: a bar a stage with the time left, and one line for what is said.

    Everything goes to stderr, so that stdout holds only results. Where stderr is no terminal there
    are no bars.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bars = Progress(
            TextColumn("{task.description:<14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(table_column=Column(min_width=7, no_wrap=True)),
            TextColumn("{task.fields[note]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._stage, self._task = "", TaskID(0)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """One line; whatever would break it or colour it is shown escaped."""
        line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
        self._console.print(Text(line.encode("utf-8", "backslashreplace").decode()))

    def progress(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Move the stage's bar, making it at its first call."""
        if stage != self._stage:
            self._stage, self._task = stage, self._bars.add_task(stage, total=total, note=note)
        self._bars.update(self._task, completed=done, total=total, note=note)
