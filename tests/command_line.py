"""The command line as a user has it, in this process, and small pictures to use it on."""

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.cli import main

CLASSES = {"dark": 60, "light": 190}
SMALL = ("--arch", "small_resnet/8", "--epochs", "1")
"""Options of a build that takes a second."""


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one line that a refused command ends with."""
        lines = self.err.splitlines()
        assert self.status != 0, self
        assert "Traceback" not in self.err
        assert [line for line in lines if line.startswith("sightline: ")] == lines[-1:], self.err
        return lines[-1].removeprefix("sightline: ")


def run(*arguments: object) -> Done:
    """``sightline ARGUMENTS`` in this process and the current folder."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    status: object = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["sightline", *map(str, arguments)])
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
    assert isinstance(status, int), status
    written = [
        stream.buffer.getvalue().decode() for stream in (out, err) if isinstance(stream.buffer, io.BytesIO)
    ]
    return Done(status, *written)


def draw_pictures(root: Path, per_class: int = 20) -> Path:
    """A folder of dark and light noisy 32 px pictures, all different."""
    dice = np.random.default_rng(7)
    for label, level in CLASSES.items():
        (root / label).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            noise = dice.normal(level, 25, (32, 32, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noise).save(root / label / f"{number:02}.png")
    return root


@dataclass(frozen=True)
class Product:
    """A workspace, ``shop/``, in which the release ``parts@1`` was built from the pictures ``parts/``."""

    folder: Path
    build: Done

    @property
    def workspace(self) -> Path:
        return self.folder / "shop"

    @property
    def pictures(self) -> Path:
        return self.folder / "parts"

    @property
    def sealed(self) -> Path:
        return self.workspace / "models" / "parts-1.sight"


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Built once; tests that change it take a copy."""
    pytest.importorskip("torch", reason="nothing can be built without the extra train")
    folder = tmp_path_factory.mktemp("product")
    draw_pictures(folder / "parts")
    (folder / "shop").mkdir()
    here = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTLINE_CONFIG_DIR", str(folder / "config"))
        os.chdir(folder / "shop")
        try:
            done = run("build", folder / "parts", *SMALL)
        finally:
            os.chdir(here)
    assert done.status == 0, done.err
    return Product(folder, done)
