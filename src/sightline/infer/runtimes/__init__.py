"""Engines that run a model file, one file each."""

from typing import TYPE_CHECKING

from sightline.plugins import Folder

if TYPE_CHECKING:
    from sightline.infer.runtimes.base import Runtime

RUNTIMES: Folder["Runtime"] = Folder("sightline.infer.runtimes", "Runtime")
