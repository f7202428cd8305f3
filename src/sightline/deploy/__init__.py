"""What runs a server elsewhere, one file each: values in, text out."""

from typing import TYPE_CHECKING

from sightline.plugins import Folder

if TYPE_CHECKING:
    from sightline.deploy.base import Target

TARGETS: Folder["Target"] = Folder("sightline.deploy", "Target")
