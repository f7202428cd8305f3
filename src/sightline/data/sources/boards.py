"""Made-up pictures of bare circuit boards, with the defects that an inspection looks for.

Nothing foreign is in them: traces, pads, holes, pours, defects and the camera are drawn by seed. The
pictures resemble those of DeepPCB (dark copper, bright board, the same six kinds of defect), in grey
levels as a camera gives them, where DeepPCB's are thresholded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from sightline.data.sources._board_annotation import (
    ANNOTATIONS,
    LISTS,
    PICTURES,
    annotation,
    write_lists,
)
from sightline.data.sources._board_camera import CAMERAS, MARGIN, Affine, Camera, photograph
from sightline.data.sources._board_defects import (
    DEFECT_KINDS,
    DefectKind,
    Footprint,
    apply_defect,
    place_defect,
    survey,
)
from sightline.data.sources._board_layout import draw_layout
from sightline.data.sources._board_sheet import SUPERSAMPLING, Mask
from sightline.errors import DatasetError, InputError
from sightline.storage.files import refused
from sightline.values.boxes import Boxes
from sightline.values.dataset import Split
from sightline.values.image import Pixels, Size

__all__ = [
    "CAMERAS",
    "CLASSES",
    "DEFECT_KINDS",
    "Board",
    "Camera",
    "DefectKind",
    "draw_board",
    "draw_defect_folder",
    "draw_detection_folder",
]

_GOOD = "good"
CLASSES: tuple[str, ...] = tuple(sorted((*DEFECT_KINDS, _GOOD)))
"""The classes of ``draw_defect_folder``: the six kinds of defect, and none."""

_PER_BOARD = 2
_LAYOUTS = 25
_SMALLEST = 128
_INSET = 36
"""Pixels from the edges in which no defect is centred, so that all are whole in the picture."""

_FEWEST_DEFECTS, _MOST_DEFECTS = 3, 6
_FLAWLESS = 0.1
"""The share of boards without a defect."""

_ANNOTATED = 10
"""Pixels that DeepPCB's annotators left on every side of a defect (the median over its test pictures)."""

_NEAR_EDGE = 24
_HELD_OUT = 0.15

_SHARES: dict[DefectKind, float] = {
    "open": 0.20,
    "short": 0.15,
    "mousebite": 0.18,
    "spur": 0.16,
    "copper": 0.14,
    "pin-hole": 0.17,
}
"""How often each kind occurs in DeepPCB."""


@dataclass(frozen=True, eq=False)
class Board:
    """A picture of a board and what is wrong on it.

    ``boxes`` are the defects' exact bounds and ``labels`` their kinds, in the order asked for;
    ``sound`` are bounds of places where a defect could be, chosen in the same way, and is not.
    """

    pixels: Pixels
    boxes: Boxes
    labels: tuple[DefectKind, ...]
    sound: Boxes
    camera: Camera


def draw_board(
    rng: np.random.Generator,
    size: Size,
    defects: Sequence[DefectKind],
    *,
    sound: int = 0,
    apart: int = 40,
    inset: int = _INSET,
    camera: Camera | None = None,
) -> Board:
    """Draw one board with exactly these ``defects``.

    Args:
        rng: the dice; the same state gives the same pixels.
        size: of the picture, at least 128 a side; at this scale traces are 7 to 15 pixels wide.
        defects: the kinds to draw, repeats allowed.
        sound: how many places without a defect to return besides.
        apart: how far, in pixels along x or y, the middles of defects and sound places are apart.
        inset: how far, in pixels, they are from the edges; from 36 on all are whole in the picture.
        camera: who takes the picture; ``None`` chooses one of ``CAMERAS``.

    Raises:
        InputError: the board is too small, or too small for so many defects.
    """
    if min(size.width, size.height) < _SMALLEST:
        raise InputError(f"a board needs at least {_SMALLEST} pixels a side, got {size}")
    camera = camera or CAMERAS[rng.integers(len(CAMERAS))]
    canvas = Size(size.width + 2 * MARGIN, size.height + 2 * MARGIN)
    for _ in range(_LAYOUTS):
        copper = draw_layout(rng, canvas)
        footprints = _place_all(rng, copper, defects, sound, apart, inset)
        if footprints is not None:
            pixels, affine = photograph(rng, copper, size, camera)
            boxes = [_bounds(footprint, affine) for footprint in footprints]
            return Board(
                pixels=pixels,
                boxes=Boxes(np.array(boxes[: len(defects)]).reshape(-1, 4), size).clipped(),
                labels=tuple(defects),
                sound=Boxes(np.array(boxes[len(defects) :]).reshape(-1, 4), size).clipped(),
                camera=camera,
            )
    raise InputError(
        f"a board of {size} pixels has no room for {len(defects)} defects and {sound} sound places "
        f"that are {apart} pixels apart; ask for fewer, or for a larger board"
    )


def draw_defect_folder(
    root: Path,
    per_class: int,
    seed: int,
    size: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    r"""Write ``per_class`` pictures of each class of ``CLASSES``: ``root/CLASS/BOARD-CAMERA-NUMBER.jpg``.

    Each shows the part of a board around one defect, or around a place where one could be. Every board
    gives equally many pictures to every class, so that neither board nor camera tells the class;
    pictures of one board belong together and should be grouped by it when the set is split:
    ``(?P<board>board\d+)-(?P<camera>cam\d+)``. The same arguments give the same bytes.

    Args:
        root: the folder to fill; made where it is missing, refused where something is in it.
        per_class: pictures of each class.
        seed: of the dice.
        size: width and height of a picture, 64 to 192 pixels; more shows more of the board.
        progress: called with pictures written and pictures in all, after each board.

    Raises:
        InputError: a number is out of range.
        DatasetError: the folder is not empty.
        StorageError: the disk refuses.
    """
    if per_class < 1 or seed < 0 or not 64 <= size <= 192:
        raise InputError(
            "drawing boards needs per_class of at least 1, seed of at least 0 and size from 64 to 192, "
            f"got {per_class}, {seed} and {size}"
        )
    try:
        _prepare(root, CLASSES)
        written = 0
        for board_number, start in enumerate(range(0, per_class, _PER_BOARD), start=1):
            rng = np.random.default_rng([seed, board_number])
            each = min(_PER_BOARD, per_class - start)
            for name, crop, camera in _crops(rng, each, size, CAMERAS[(board_number - 1) % len(CAMERAS)]):
                written += 1
                file = root / name / f"board{board_number:04d}-{camera.name}-{written:05d}.jpg"
                Image.fromarray(crop).save(file, "JPEG", quality=camera.jpeg_quality)
            if progress:
                progress(written, per_class * len(CLASSES))
    except OSError as error:
        raise refused("write pictures of boards into", root, error) from error


def draw_detection_folder(
    root: Path,
    pictures: int,
    seed: int,
    size: int = 256,
    margin: float = _ANNOTATED,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write ``pictures`` of whole boards with boxes around their defects, in Pascal VOC's layout.

    ``root/JPEGImages/NAME.jpg``, ``root/Annotations/NAME.xml`` and ``root/ImageSets/Main/SPLIT.txt``;
    NAME is ``board0001-cam1``. Every picture shows a board of its own, so no board of val and test (15 %
    each) was ever trained on. Nine boards in ten have three to six defects, their kinds as frequent as in
    DeepPCB, the others none. Boxes may overlap a little. The same arguments give the same bytes.

    Args:
        root: the folder to fill; made where it is missing, refused where something is in it.
        pictures: how many, at least 10.
        seed: of the dice.
        size: width and height of a picture, 192 to 1,024 pixels; more shows more of the board.
        margin: pixels between a defect's exact bounds and its box, on every side; cut to the picture.
        progress: called with pictures written and pictures in all, after each board.

    Raises:
        InputError: a number is out of range.
        DatasetError: the folder is not empty.
        StorageError: the disk refuses.
    """
    if pictures < 10 or seed < 0 or not 192 <= size <= 1024 or not 0 <= margin <= _NEAR_EDGE:
        raise InputError(
            "drawing boards needs at least 10 pictures, seed of at least 0, size from 192 to 1024 and margin "
            f"from 0 to {_NEAR_EDGE}, got {pictures}, {seed}, {size} and {margin}"
        )
    held_out = max(1, round(_HELD_OUT * pictures))
    names: dict[Split, list[str]] = {"train": [], "val": [], "test": []}
    try:
        _prepare(root, (PICTURES, ANNOTATIONS, LISTS))
        for number in range(1, pictures + 1):
            rng = np.random.default_rng([seed, number])
            camera = CAMERAS[(number - 1) % len(CAMERAS)]
            board = draw_board(rng, Size(size, size), _defects_of_one(rng), inset=_NEAR_EDGE, camera=camera)
            name = f"board{number:04d}-{camera.name}"
            left = pictures - number
            names["test" if left < held_out else "val" if left < 2 * held_out else "train"].append(name)
            file = root / PICTURES / f"{name}.jpg"
            Image.fromarray(board.pixels[:, :, 0]).save(file, "JPEG", quality=camera.jpeg_quality)
            around = np.array([-margin, -margin, margin, margin])
            boxes = Boxes(board.boxes.xyxy + around, board.boxes.size).clipped()
            (root / ANNOTATIONS / f"{name}.xml").write_text(annotation(name, boxes, board.labels))
            if progress:
                progress(number, pictures)
        write_lists(root, names)
    except OSError as error:
        raise refused("write pictures of boards into", root, error) from error


def _defects_of_one(rng: np.random.Generator) -> list[DefectKind]:
    if rng.random() < _FLAWLESS:
        return []
    count = int(rng.integers(_FEWEST_DEFECTS, _MOST_DEFECTS + 1))
    drawn: list[DefectKind] = rng.choice(list(_SHARES), size=count, p=list(_SHARES.values())).tolist()
    return drawn


def _prepare(root: Path, folders: Sequence[str]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    if any(root.iterdir()):
        raise DatasetError(f"boards are drawn into an empty folder, and {str(root)!r} is not; choose another")
    for name in folders:
        (root / name).mkdir(parents=True)


def _crops(
    rng: np.random.Generator, each: int, size: int, camera: Camera
) -> list[tuple[str, npt.NDArray[np.uint8], Camera]]:
    """``each`` grey crops of every class from one board, in random order, with their classes."""
    side = size * 20 // 3
    apart = size + 4
    defects = DEFECT_KINDS * each
    board = draw_board(rng, Size(side, side), defects, sound=each, apart=apart, camera=camera)
    named = [*zip(board.labels, board.boxes.xyxy, strict=True), *((_GOOD, box) for box in board.sound.xyxy)]
    crops = []
    for index in rng.permutation(len(named)):
        name, box = named[index]
        x, y = (_crop_start(rng, box[axis], box[axis + 2], size, side) for axis in (0, 1))
        crops.append((name, np.ascontiguousarray(board.pixels[y : y + size, x : x + size, 0]), camera))
    return crops


def _crop_start(rng: np.random.Generator, low: float, high: float, size: int, side: int) -> int:
    """Where a crop begins that holds low..high whole, a little off its middle and inside the picture."""
    slack = min((size - (high - low)) / 2 - 4, size * 0.2)
    start = (low + high - size) / 2 + rng.uniform(-slack, slack)
    return int(np.clip(round(start), 0, side - size))


def _place_all(
    rng: np.random.Generator,
    copper: Mask,
    defects: Sequence[DefectKind],
    sound: int,
    apart: int,
    inset: int,
) -> list[Footprint] | None:
    """Draw all defects into ``copper``; their footprints in the order asked for, then the sound places.

    The order of drawing is random, so that no kind is left with the places that others did not want.
    """
    ground = survey(copper)
    edge = MARGIN + inset
    allowed = np.zeros(ground.depth.shape, np.bool_)
    allowed[edge:-edge, edge:-edge] = True
    wanted: list[DefectKind] = [*defects, *rng.choice(DEFECT_KINDS, size=sound).tolist()]
    footprints: dict[int, Footprint] = {}
    for index in rng.permutation(len(wanted)).tolist():
        kind = wanted[index]
        footprint = place_defect(rng, kind, copper, ground, allowed)
        if footprint is None:
            return None
        if index < len(defects):
            apply_defect(copper, kind, footprint)
        footprints[index] = footprint
        x, y = (round(value) for value in _middle(footprint))
        allowed[max(0, y - apart) : y + apart, max(0, x - apart) : x + apart] = False
    return [footprints[index] for index in range(len(wanted))]


def _middle(footprint: Footprint) -> tuple[float, float]:
    x0, y0, x1, y1 = _bounds(footprint, np.eye(2, 3))
    return (x0 + x1) / 2, (y0 + y1) / 2


def _bounds(footprint: Footprint, affine: Affine) -> tuple[float, float, float, float]:
    """The changed points' bounds in the picture, ``xyxy``."""
    rows, columns = np.nonzero(footprint.changed)
    points = (np.stack([columns, rows]) + np.reshape(footprint.corner, (2, 1)) + 0.5) / SUPERSAMPLING
    x, y = affine[:, :2] @ points + affine[:, 2:]
    half = 0.5 / SUPERSAMPLING
    return float(x.min()) - half, float(y.min()) - half, float(x.max()) + half, float(y.max()) + half
