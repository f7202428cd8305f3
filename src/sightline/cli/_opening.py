"""The workspace that a command works in."""

from pathlib import Path
from typing import TYPE_CHECKING

from sightline.errors import WorkspaceError

if TYPE_CHECKING:
    from sightline.pipeline.watch import Watcher
    from sightline.workspace import Workspace


def open_or_make(watch: "Watcher") -> "Workspace":
    """The workspace around the current folder; where there is none, one is made here, and that is said."""
    from sightline.workspace import Workspace

    try:
        workspace = Workspace.open()
        if workspace.root != Path.cwd():
            watch.say(f"workspace: {workspace.root}, which this folder lies in")
        return workspace
    except WorkspaceError:
        if (Path.cwd() / "sightline.toml").exists():
            raise
    workspace = Workspace.init(Path.cwd())
    watch.say(f"workspace: made in {workspace.root}")
    return workspace
