"""What a target's file gives."""

from collections.abc import Mapping
from typing import Protocol

from sightline.values.deployment import Deployment


class Target(Protocol):
    """One kind of place where servers run. ``NEXT`` is the command that starts them, in the files' folder.

    ``UNTESTED`` says in words what of it was only checked against schemas.
    """

    NEXT: str
    UNTESTED: str

    def files(self, deployment: Deployment) -> Mapping[str, str]:
        """The texts of all files, by their names. Raises InputError where it cannot run so."""
