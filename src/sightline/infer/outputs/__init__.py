"""From a model's arrays to answers: one file a task, named after the task."""

from typing import TYPE_CHECKING

from sightline.plugins import Folder

if TYPE_CHECKING:
    from sightline.infer.outputs.base import Output

OUTPUTS: Folder["Output"] = Folder("sightline.infer.outputs", "Output")
