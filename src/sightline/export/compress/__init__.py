"""Ways to make a sealed model smaller and faster, one file each; the file's name is the variant's."""

from typing import TYPE_CHECKING

from sightline.plugins import Folder

if TYPE_CHECKING:
    from sightline.export.compress.base import Compressor

COMPRESSORS: Folder["Compressor"] = Folder("sightline.export.compress", "Compressor")
