"""The peer: Ultralytics' ``yolo11n`` from its description file, in a process of its own.

It is under the AGPL and never a dependency: ``throw_away`` installs it into a folder that is deleted
afterwards, beside the torch that is here, and only this process imports it. Its missing torchvision operators
are filled in before the import, as everywhere here.

    python yolo11n.py FOLDER export OUT.onnx
    python yolo11n.py FOLDER train DATA.yaml CPU_SECONDS OUT_FOLDER
    python yolo11n.py FOLDER answer WEIGHTS.pt PICTURES.json OUT.json
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_DISTRIBUTIONS = (
    *("ultralytics", "ultralytics-thop", "psutil", "py-cpuinfo", "matplotlib", "contourpy", "cycler"),
    *("fonttools", "kiwisolver", "pyparsing", "python-dateutil", "six", "requests", "urllib3", "idna"),
    *(
        "certifi",
        "charset-normalizer",
        "scipy",
        "tqdm",
        "polars",
        "polars-runtime-32",
        "onnxslim",
        "colorama",
    ),
)


@contextmanager
def throw_away() -> Iterator[Path]:
    """A folder in which Ultralytics is installed, without anything that is here already."""
    with tempfile.TemporaryDirectory(prefix="peer-") as name:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", name]
        done = subprocess.run([*command, *_DISTRIBUTIONS], check=False)
        if done.returncode:
            print("skipped: the peer cannot be installed here")
            sys.exit(0)
        yield Path(name)


def peer(folder: Path, *arguments: object) -> None:
    """Run this file in a process of its own."""
    environment = {**os.environ, "YOLO_CONFIG_DIR": str(folder / "settings"), "YOLO_OFFLINE": "1"}
    subprocess.run(
        [sys.executable, __file__, str(folder), *map(str, arguments)], check=True, env=environment, cwd=folder
    )


def _model(folder: Path, source: str = "yolo11n.yaml") -> Any:
    from sightline.train.torchvision_ops import import_torchvision

    import_torchvision()
    sys.path.append(str(folder))
    from ultralytics import YOLO  # type: ignore[import-not-found]  # installed for this process alone

    return YOLO(source)


def _export(folder: Path, out: str) -> None:
    made = _model(folder).export(format="onnx", imgsz=640, nms=True, simplify=False, opset=17)
    shutil.move(made, out)


def _train(folder: Path, description: str, seconds: str, out: str) -> None:
    """Train until the process tree has used the CPU seconds: its own early end, at the end of an epoch."""
    model = _model(folder)
    # Its clock is that of the wall, so the budget is checked in CPU seconds after every epoch.
    limit = float(seconds)

    def stop(trainer: Any) -> None:
        used = os.times()
        spent = used.user + used.system + used.children_user + used.children_system
        trainer.stop = spent >= limit
        print(f"epoch {trainer.epoch + 1}, {spent:.0f} CPU seconds", flush=True)

    model.add_callback("on_fit_epoch_end", stop)
    started = time.monotonic()
    wall = {"time": limit / 3600 / max(1, len(os.sched_getaffinity(0)))}
    model.train(
        data=description, imgsz=640, device="cpu", workers=0, project=out, name="run", plots=False, **wall
    )
    print(f"trained for {time.monotonic() - started:.0f} s")


def _answer(folder: Path, weights: str, pictures: str, out: str) -> None:
    """Its detections as its own validation takes them, as JSON: a list of rows a picture."""
    model = _model(folder, weights)
    answers = []
    for picture in json.loads(Path(pictures).read_bytes()):
        (result,) = model.predict(
            picture, imgsz=640, conf=0.001, iou=0.7, max_det=300, device="cpu", verbose=False
        )
        names = [result.names[number] for number in result.boxes.cls.int().tolist()]
        boxes, scores = result.boxes.xyxy.tolist(), result.boxes.conf.tolist()
        answers.append([[*box, score, name] for box, score, name in zip(boxes, scores, names, strict=True)])
    Path(out).write_text(json.dumps(answers))


if __name__ == "__main__":
    place, action, *rest = sys.argv[1:]
    actions: dict[str, Callable[..., None]] = {"export": _export, "train": _train, "answer": _answer}
    actions[action](Path(place), *rest)
