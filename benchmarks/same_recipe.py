"""One recipe, two checkouts in different folders: the same bytes of ``model.onnx``, none of them a path.

Data: circuit boards drawn by ``sightline.data.sources.boards``; nothing foreign.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sightline.bundle.archive import MODEL, unpack
from sightline.data.sources.boards import draw_defect_folder

SOURCE = Path(__file__).resolve().parents[1] / "src"


def build(checkout: Path, workspace: Path, pictures: Path, *options: object) -> bytes:
    """``model.onnx`` of a build by the sources in ``checkout``."""
    workspace.mkdir()
    environment = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "SIGHTLINE_CONFIG_DIR": str(workspace / "config"),
    }
    command = [
        sys.executable,
        "-m",
        "sightline",
        "build",
        str(pictures),
        "--name",
        "board",
        *map(str, options),
    ]
    subprocess.run(command, check=True, cwd=workspace, env=environment, capture_output=True)
    return unpack((workspace / "models" / "board-1.sight").read_bytes())[MODEL]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_defect_folder(folder / "pictures", 24, seed=5, size=64)
        checkouts = [folder / "here", folder / "somewhere" / "else"]
        for checkout in checkouts:
            shutil.copytree(SOURCE, checkout)
        first = build(
            checkouts[0],
            folder / "first",
            folder / "pictures",
            "--arch",
            "small_resnet",
            "--size",
            48,
            "--minutes",
            0.2,
        )
        (recipe,) = folder.glob("first/runs/*/recipe.json")
        again = [
            build(checkout, folder / f"again{number}", folder / "pictures", "--recipe", recipe)
            for number, checkout in enumerate(checkouts)
        ]
    same = again[0] == again[1]
    words = [
        word for word in (b"/tmp", b"/home", b"/root", b"/usr", b".py", b"site-packages") if word in again[0]
    ]
    print(
        f"two checkouts, one recipe: "
        f"{'the same' if same else 'DIFFERENT'} {len(again[0]):,} bytes of model.onnx"
    )
    print(f"the same as the build that made the recipe: {first == again[0]}")
    print(f"paths inside: {words or 'none'}")


if __name__ == "__main__":
    main()
