"""The whole job on a few pictures: given weights, recipes, interruption, a full disk."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command_line import SMALL, Done, Product, run
from sightline.bundle.archive import MODEL, unpack
from sightline.pipeline.runs import Run
from sightline.storage import files
from sightline.workspace import Workspace

safetensors = pytest.importorskip("safetensors.torch", reason="nothing can be built without the extra train")

CARD = {
    "architecture": "small_resnet/8",
    "input": {"size": [32, 32], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
}
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from sightline.cli import main; main()"
)


@pytest.fixture
def weights(product: Product, shop: Path) -> Path:
    """The product's trained weights as a file with a card."""
    (trained,) = product.workspace.glob("runs/*/best.safetensors")
    prefix = "network.body."
    stored = safetensors.load_file(trained)
    safetensors.save_file(
        {name.removeprefix(prefix): each for name, each in stored.items() if name.startswith(prefix)},
        shop / "start.safetensors",
    )
    (shop / "start.json").write_text(json.dumps(CARD))
    return shop / "start.safetensors"


def model_of(release: str) -> bytes:
    return unpack(Path(f"models/{release.replace('@', '-')}.sight").read_bytes())[MODEL]


def test_given_weights_are_released_with_or_without_pictures(product: Product, weights: Path) -> None:
    Path("names.txt").write_text("dark\nlight\n")
    given = ("build", "--weights", weights, "--epochs", 0, "--classes", "names.txt", "--name", "given")
    without = run(*given)
    assert without.status == 0, without.err
    assert "given@1 is in production" in without.err
    assert "weights: small_resnet/8 from file start.safetensors\n" in without.err
    assert "of 16 drawn pictures get the same class" in without.err
    assert "test top1" not in without.err
    judged = run("build", product.pictures, *given[1:])
    assert judged.status == 0, judged.err
    assert "(0 train, 0 val, 40 test; nothing is trained here)" in judged.err
    assert "test top1: " in judged.err
    assert "not compared: given@2" not in judged.err
    assert model_of("given@1") == model_of("given@2")


def test_weights_that_do_not_fit_are_refused(product: Product, weights: Path) -> None:
    runs = sorted(Path("runs").iterdir())
    wide = run("build", product.pictures, "--weights", weights, "--arch", "small_resnet/16")
    assert "'start.safetensors' does not fit small_resnet/16: " in wide.refusal
    Path("names.txt").write_text("dark\nlight\nother\n")
    more = run("build", "--weights", weights, "--epochs", 0, "--classes", "names.txt", "--name", "given")
    assert "does not fit small_resnet/8 with 3 classes: " in more.refusal
    weights.with_suffix(".json").unlink()
    assert "--normalise" in run("build", product.pictures, "--weights", weights).refusal
    weights.write_bytes(b"no weights")
    assert "is not a safetensors file" in run("build", product.pictures, "--weights", weights).refusal
    assert sorted(Path("runs").iterdir()) == runs


def test_a_recipe_makes_the_same_model_again(product: Product, shop: Path) -> None:
    (recipe,) = shop.glob("runs/*/recipe.json")
    again = run("build", product.pictures, "--recipe", recipe)
    assert again.status == 0, again.err
    assert model_of("parts@1") == model_of("parts@2")
    assert (
        "leave out --arch"
        in run("build", product.pictures, "--recipe", recipe, "--arch", "timm/resnet18").refusal
    )
    changed = json.loads(recipe.read_text()) | {"batch_size": 0}
    recipe.write_text(json.dumps(changed))
    assert "batch_size is a number from 2 on" in run("build", product.pictures, "--recipe", recipe).refusal


def test_a_recipe_is_refused_for_other_pictures(product: Product, shop: Path) -> None:
    (recipe,) = shop.glob("runs/*/recipe.json")
    seeded = run("build", product.pictures, "--recipe", recipe, "--seed", 5)
    assert "leave out --seed" in seeded.refusal
    other = run(
        "build",
        product.pictures,
        "--recipe",
        recipe,
        "--stratify-by",
        "n",
        "--meta-from-name",
        r"(?P<n>\d)\.",
    )
    assert "the recipe was made for dataset" in other.refusal


@pytest.mark.parametrize(
    ("epochs", "within", "said"),
    [
        (("--epochs", "12"), ".", "trained: 12 of 12 epochs"),
        (("--epochs", "2", "--refit", "6"), "refit", "refitted: 12 epochs with the"),
    ],
)
def test_ctrl_c_in_training_keeps_what_was_done_and_resume_goes_on(
    epochs: tuple[str, ...], within: str, said: str, product: Product, shop: Path
) -> None:
    words = ("build", str(product.pictures), *SMALL, *epochs, "--patience", "0", "--name", "long")
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, *words], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(shop.glob(f"runs/*-long/{within}/last.safetensors")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    stopped = Done(process.wait(120), "", process.communicate()[1])
    assert stopped.status == 130
    assert "of 12 epochs; the same command with --resume goes on" in stopped.refusal
    assert run("registry", "list", "long").out == ""
    (folder,) = shop.glob("runs/*-long")
    resumed = run(*words, "--resume")
    assert resumed.status == 0, resumed.err
    assert f"resume: {folder.name}\n" in resumed.err
    assert said in resumed.err
    assert "long@1 is in production" in resumed.err
    again = run("build", product.pictures, "--recipe", folder / "recipe.json", "--name", "whole")
    assert again.status == 0, again.err
    assert model_of("whole@1") == model_of("long@1")
    assert json.loads((folder / "run.json").read_text())["stage"] == "released"
    assert "no unfinished run of 'long'" in run(*words, "--resume").refusal


def test_a_file_that_may_not_grow_ends_a_real_process_in_one_line(product: Product, shop: Path) -> None:
    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    done = subprocess.run(
        [sys.executable, "-m", "sightline", "build", str(product.pictures), *SMALL],
        preexec_fn=no_large_files,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "best.safetensors': File too large" in Done(done.returncode, done.stdout, done.stderr).refusal
    assert done.stdout == ""
    whole_after(shop, product)


@pytest.mark.parametrize(
    "name", ["*.json", "recipe.json", "last.safetensors", "parts-2.sight", "report.html"]
)
def test_a_disk_that_fills_up_ends_in_one_line_and_leaves_nothing_half_written(
    name: str, product: Product, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files._Reporting.write

    def full(self: files._Reporting, data: bytes) -> int:
        if self._path.match(name):
            with files.reported(self._path):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, data)

    monkeypatch.setattr(files._Reporting, "write", full)
    done = run("build", product.pictures, *SMALL, "--seed", 2)
    assert done.refusal.endswith(": No space left on device; free some space and try again")
    assert (done.status, done.out) == (1, "")
    assert not list(shop.rglob("*.part"))
    monkeypatch.undo()
    monkeypatch.chdir(shop)
    whole_after(shop, product)


def whole_after(shop: Path, product: Product) -> None:
    """The workspace can be read, and what was in production still is."""
    assert "parts@1                          production" in run("registry", "list").out
    assert run("predict", "parts", product.pictures / "dark" / "00.png").status == 0


def test_a_build_goes_on_after_a_full_disk(
    product: Product, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("sightline.train.trainer.save_checkpoint", full)
        refused = run("build", product.pictures, *SMALL, "--seed", 3)
    assert refused.refusal == "cannot go on: No space left on device; free some space and try again"
    again = run("build", product.pictures, *SMALL, "--seed", 3, "--resume")
    assert again.out.startswith("release: parts@2 ")


@pytest.mark.parametrize(
    ("stage", "stands"),
    [("offer", "candidate"), ("write_page", "production"), ("Run.at", "production")],
)
def test_a_build_that_ends_between_its_release_and_saying_so_makes_no_second_one(
    stage: str, stands: str, product: Product, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = Run.at

    def full(run: object, *told: object, **further: object) -> None:
        if isinstance(run, Run) and stage == "Run.at" and told != ("released",):
            return at(run, *told, **further)  # type: ignore[arg-type,return-value]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(f"sightline.pipeline.build.{stage}", full)
        refused = run("build", product.pictures, *SMALL, "--name", "once")
    assert refused.refusal == "cannot go on: No space left on device; free some space and try again"
    assert [each.stage for each in Workspace.open().registry.all("once")] == [stands]
    again = run("build", product.pictures, *SMALL, "--name", "once", "--resume")
    assert again.out.startswith("release: once@1 ")
    assert "sealed:" not in again.err
    assert "once@1 is in production" in again.err
    assert [str(each) for each in Workspace.open().registry.all("once")] == ["once@1"]
