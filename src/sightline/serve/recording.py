"""Answers that are kept before anybody is told."""

from collections.abc import Callable, Sequence
from uuid import uuid4

from sightline.serve.asked import Job, Outcome

Outcomes = Sequence[tuple[Job, Outcome]]


class Recorder:
    """Keeps nothing: answers are told at once."""

    ready = True

    def new_id(self) -> str:
        """A name for an answer."""
        return uuid4().hex

    def record(self, outcomes: Outcomes, then: Callable[[Outcomes], object]) -> None:
        """Call ``then`` with what became of ``outcomes``."""
        then(outcomes)

    def close(self) -> None:
        """There is nothing to finish."""
