"""What an audit looks for, one check a file."""

from typing import TYPE_CHECKING

from sightline.plugins import Folder

if TYPE_CHECKING:
    from sightline.data.audit.base import Check

CHECKS: Folder["Check"] = Folder("sightline.data.audit", "Check")
