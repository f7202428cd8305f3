"""Which metrics a task has, and their plain figures."""

from collections.abc import Mapping

import numpy as np

from sightline.evaluate.answers import Answers, task_of
from sightline.evaluate.classified import Classified
from sightline.evaluate.metrics import METRICS
from sightline.evaluate.metrics.base import Metric
from sightline.statistics.bootstrap import RESAMPLES
from sightline.values.dataset import Task

_PRIMARY: Mapping[Task, str] = {"classification": "top1", "detection": "ap"}
_BUDGET: Mapping[Task, float] = {"classification": 2.5e8, "detection": 1e8}
_FEWEST_RESAMPLES = 400


def metric_of(task: Task) -> str:
    """The name of the metric by which a candidate is compared with a release."""
    return _PRIMARY[task]


def metrics_of(task: Task) -> dict[str, Metric]:
    """Every metric plugin of one task, by name."""
    loaded = {name: METRICS.load(name) for name in METRICS.names()}
    return {name: metric for name, metric in loaded.items() if task == metric.TASK}


def measure(metric: str, answers: Answers) -> float:
    """The plain figure of metric plugin ``metric``, without an interval."""
    return float(METRICS.load(metric).values(answers, np.ones((1, answers.pictures)))[0])


def affordable_resamples(answers: Answers) -> int:
    """The usual number, fewer where scores by the million, or boxes by the 100,000, would take minutes."""
    numbers = answers.probabilities.size if isinstance(answers, Classified) else answers.detections
    return int(np.clip(_BUDGET[task_of(answers)] / max(numbers, 1), _FEWEST_RESAMPLES, RESAMPLES))
