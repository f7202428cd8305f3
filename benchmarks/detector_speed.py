"""From JPEG bytes to boxes: the released detector against ``yolo11n``, on the same pictures in the same run.

Data: the test pictures of ``deeppcb`` of the shared data; the sealed file that ``deeppcb.py --keep`` left,
or without one a network of the same kind with weights drawn by the seed, which takes about as long. The peer
 (``yolo11n.py``) is exported by itself with its suppression inside (``nms=True``). Both decode with the
same decoder, run in ONNX Runtime with the same number of threads, and give boxes with a score of at least
0.25. The two take turns picture by picture; the medians and their ratio are printed. Wanted: faster.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from setting import data
from sightline.bundle.archive import MODEL, unpack
from sightline.infer.runtimes import RUNTIMES
from sightline.pixels.model_input import model_input
from sightline.values.contract import Normalise, PixelRecipe, Suppression
from sightline.values.image import Size, Undecodable
from yolo11n import peer, throw_away

SIZE = Size(640, 640)
LEAST = 0.25


def fresh_file() -> bytes:
    """The default detector's file with weights drawn by the seed."""
    import torch

    from sightline.export.detector import PixelsToCandidates, detector_file
    from sightline.train.arch import ARCHITECTURES

    torch.manual_seed(0)
    network = ARCHITECTURES.load("anchor_free").build("mobilenet_v2", 6)
    model = PixelsToCandidates(network, Normalise((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), SIZE)
    return detector_file(model, PixelRecipe(SIZE, "letterbox"), 6, Suppression())


def pixels(jpeg: bytes) -> np.ndarray:
    made = model_input(jpeg, PixelRecipe(SIZE, "letterbox"))
    if isinstance(made, Undecodable):
        raise TypeError(made.reason)
    return made.pixels[None]


def ours(model: bytes, threads: int) -> Callable[[bytes], int]:
    """How many boxes a picture has."""
    session = RUNTIMES.load("onnxruntime").load(model, threads)

    def answer(jpeg: bytes) -> int:
        outputs = session.run(pixels(jpeg))
        return int((outputs["scores"].astype(np.float32) >= LEAST).sum())

    return answer


def theirs(model: Path, threads: int) -> Callable[[bytes], int]:
    """The same of the peer, whose rows are x0, y0, x1, y1, score, class.

    In the very same engine: one whose threads spin after their work would slow the other's turn.
    """
    session = RUNTIMES.load("onnxruntime").load(model.read_bytes(), threads)

    def answer(jpeg: bytes) -> int:
        planes = np.ascontiguousarray(pixels(jpeg).transpose(0, 3, 1, 2), np.float32) / 255
        (rows,) = session.run(planes).values()  # type: ignore[arg-type]  # it takes floats
        return int((rows[0, :, 4].astype(np.float32) >= LEAST).sum())

    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sealed", type=Path, nargs="?", help="a .sight file")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    boards = data("deeppcb")
    names = [line.split()[0] for line in (boards / "test.txt").read_text().splitlines() if line.strip()]
    pictures = [(boards / name.replace(".jpg", "_test.jpg")).read_bytes() for name in names]
    model = bytes(unpack(arguments.sealed.read_bytes())[MODEL]) if arguments.sealed else fresh_file()
    with throw_away() as folder:
        peer(folder, "export", folder / "yolo11n.onnx")
        ways = {
            "ours": ours(model, arguments.threads),
            "yolo11n": theirs(folder / "yolo11n.onnx", arguments.threads),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for number, jpeg in enumerate([*pictures[:5], *pictures]):
            for name, answer in ways.items():
                started = time.perf_counter()
                answer(jpeg)
                if number >= 5:
                    seconds[name].append(time.perf_counter() - started)
    one, other = (median(seconds[name]) for name in ways)
    print(
        f"median of {len(pictures)} pictures, {arguments.threads} threads: ours {one * 1e3:.1f} ms, "
        f"yolo11n {other * 1e3:.1f} ms; ratio {other / one:.2f}, wanted above 1"
    )


if __name__ == "__main__":
    main()
