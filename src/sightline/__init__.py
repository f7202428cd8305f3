"""sightline: from a folder of pictures to a vision model that stays right."""

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["Workspace", "__version__"]

if TYPE_CHECKING:
    from sightline.workspace import Workspace


def __getattr__(name: str) -> object:
    if name == "Workspace":
        from sightline.workspace import Workspace

        return Workspace
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
