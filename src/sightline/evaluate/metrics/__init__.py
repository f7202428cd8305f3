"""Plugin folder: one figure of a model, one file."""

from typing import TYPE_CHECKING

from sightline.plugins import Folder

if TYPE_CHECKING:
    from sightline.evaluate.metrics.base import Metric

METRICS: Folder["Metric"] = Folder("sightline.evaluate.metrics", "Metric")
