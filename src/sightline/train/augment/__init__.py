"""Augmentations, one file each: dice first, then one change of coordinates or of colours."""

from typing import TYPE_CHECKING

from sightline.plugins import Folder

if TYPE_CHECKING:
    from sightline.train.augment.base import Augmentation

AUGMENTATIONS: Folder["Augmentation"] = Folder("sightline.train.augment", "Augmentation", extra="train")
