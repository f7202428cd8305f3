"""Workspaces with something to serve, and a server that many tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from colours import release, release_boxes
from servers import Running, serving
from sightline.workspace import Workspace

for module in ("starlette", "uvicorn", "httptools", "uvloop", "prometheus_client", "python_multipart"):
    pytest.importorskip(module, reason="no server without the extra serve: pip install 'sightline[serve]'")


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    """A workspace with a classifier in production, ``colours@1``, which has a variant."""
    workspace = Workspace.init(tmp_path / "shop")
    release(workspace.registry, small=True)
    workspace.registry.promote("colours", 1)
    return workspace


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server without tokens, of ``colours@1`` and the detector ``boxes@1``."""
    folder = tmp_path_factory.mktemp("open")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTLINE_CONFIG_DIR", str(folder / "config"))
        workspace = Workspace.init(folder / "shop")
        release(workspace.registry)
        release_boxes(workspace.registry)
        for name in ("colours", "boxes"):
            workspace.registry.promote(name, 1)
        with serving(workspace.root) as running:
            yield running
