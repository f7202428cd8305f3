"""A task's pictures as its metrics take them: answered, beside the truth."""

from typing import TypeVar

from sightline.evaluate.classified import Classified
from sightline.evaluate.matches import Matches
from sightline.values.dataset import Task

Answers = Classified | Matches

OneTask = TypeVar("OneTask", Classified, Matches)
"""For what takes two models' answers: both are of one task."""


def task_of(answers: Answers) -> Task:
    """The task that was answered."""
    return "classification" if isinstance(answers, Classified) else "detection"
