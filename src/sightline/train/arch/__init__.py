"""Architectures, one file each: a classifier's network by name, ``NAME`` or ``NAME/VARIANT``."""

from typing import TYPE_CHECKING

from sightline.plugins import Folder

if TYPE_CHECKING:
    from sightline.train.arch.base import Architecture

ARCHITECTURES: Folder["Architecture"] = Folder("sightline.train.arch", "Architecture", extra="train")
