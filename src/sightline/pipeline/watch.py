"""How a long job tells what it does."""

from typing import Protocol


class Watcher(Protocol):
    """Someone who watches a job."""

    def say(self, text: str) -> None:
        """One line for a person: a decision taken, a number measured, something set aside."""

    def progress(self, stage: str, done: int, total: int, note: str = "") -> None:
        """``done`` of ``total`` of a stage, which begins with its first call and ends with the next's."""


class Unwatched:
    """Nobody watches."""

    def say(self, text: str) -> None:
        """Nothing."""

    def progress(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Nothing."""
