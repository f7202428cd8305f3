"""Ways in which labelled pictures lie on disk, one file each."""

from typing import TYPE_CHECKING

from sightline.plugins import Folder

if TYPE_CHECKING:
    from sightline.data.formats.base import Format

FORMATS: Folder["Format"] = Folder("sightline.data.formats", "Format")
