"""``kill -9`` at 50 random moments of a build given by a recipe: the same model, bit for bit, each time.

A build is started, killed at a moment drawn evenly from the time that a whole one takes, and repeated with
``--resume``. Where the kill came before there was a run to go on with, the same command begins anew. The
model in the sealed file must be that of the build that nobody killed, and one release must have come of it.

Data: the first 50 training and 10 test files a class of CIFAR-10 (``cifar10.tar`` of the shared data). What
is learned does not matter here; the recipe has epochs at half size, at full size, and with validation.
"""

import argparse
import hashlib
import signal
import subprocess
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from setting import data, fresh_workspace, sightline
from sightline.workspace import Workspace

PER_CLASS = {"train": 50, "test": 10}
RECIPE = ("--epochs", 6, "--half-size", 0.34, "--refit", 0.34, "--variants", "none", "--seed", 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    archive, dice = data("cifar10.tar"), np.random.default_rng(arguments.seed)
    with fresh_workspace() as workspace:
        pictures = workspace.root.parent / "cifar10"
        unpack_some(archive, pictures.parent)
        sightline(workspace, "build", pictures, "--name", "whole", *RECIPE)
        (recipe,) = workspace.root.glob("runs/*-whole/recipe.json")
        expected = digest(workspace, "whole")
        started = time.monotonic()
        sightline(workspace, "build", pictures, "--name", "again", "--recipe", recipe)
        seconds = time.monotonic() - started
        assert digest(workspace, "again") == expected, "two builds that nobody killed are the same"
        where, wrong = Counter[str](), 0
        for number in range(arguments.kills):
            name = f"killed-{number}"
            build = ("build", pictures, "--name", name, "--recipe", recipe, "--seed", 3)
            where[kill_after(workspace, float(dice.uniform(0, seconds)), build)] += 1
            if released(workspace, name) == 0 and not goes_on(workspace, build):
                sightline(workspace, *build)
            wrong += digest(workspace, name) != expected or released(workspace, name) != 1
            print(f"{number + 1} of {arguments.kills}: {wrong} wrong", end="\r", flush=True)
        moments = ", ".join(f"{count} {stage}" for stage, count in where.items())
        print(
            f"killed {arguments.kills} times in {seconds:.1f} s of work ({moments}): {wrong} wrong; wanted: 0"
        )


def kill_after(workspace: Workspace, seconds: float, command: tuple[object, ...]) -> str:
    """Start the command and kill it; says in which stage its run was."""
    before = set(workspace.root.glob("runs/*"))
    words = [sys.executable, "-m", "sightline", *map(str, command)]
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(words, cwd=workspace.root, stdout=nowhere, stderr=nowhere) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        else:
            return "done"
    new = set(workspace.root.glob("runs/*")) - before
    if not new:
        return "before the run"
    (run,) = new
    if not (run / "last.safetensors").is_file():
        return "before the first epoch"
    return "in refitting or later" if (run / "refit").is_dir() else "in training"


def goes_on(workspace: Workspace, command: tuple[object, ...]) -> bool:
    words = [sys.executable, "-m", "sightline", *map(str, command), "--resume"]
    done = subprocess.run(words, cwd=workspace.root, capture_output=True, text=True, check=False)
    if done.returncode and "no unfinished run" not in done.stderr:
        raise SystemExit(f"--resume failed: {done.stderr}")
    return done.returncode == 0


def released(workspace: Workspace, name: str) -> int:
    return len(workspace.registry.all(name))


def digest(workspace: Workspace, name: str) -> str:
    return hashlib.sha256(workspace.bundle(f"{name}@1").model).hexdigest()


def unpack_some(archive: Path, folder: Path) -> None:
    """Some of ``folder/cifar10/train/CLASS/…`` and ``folder/cifar10/test/CLASS/…``."""
    taken = Counter[str]()
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda each: each.name):
            place = Path(member.name).parts[1:-1]  # ("train", "bird") of cifar10/train/bird/0001.jpg
            if not member.isfile() or len(place) != 2 or place[0] not in PER_CLASS:
                continue
            key = "/".join(place)
            taken[key] += 1
            if taken[key] <= PER_CLASS[place[0]]:
                tar.extract(member, folder, filter="data")


if __name__ == "__main__":
    main()
