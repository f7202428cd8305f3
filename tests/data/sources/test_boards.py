"""The drawn boards: same seed, same bytes; defects that are what they are called; no way to cheat."""

import hashlib
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sightline.data.formats import voc
from sightline.data.formats.base import RawSample
from sightline.data.sources._board_defects import apply_defect, place_defect, survey
from sightline.data.sources._board_layout import draw_layout
from sightline.data.sources._board_router import STEPS, route
from sightline.data.sources.boards import (
    CAMERAS,
    CLASSES,
    DEFECT_KINDS,
    Board,
    DefectKind,
    draw_board,
    draw_defect_folder,
    draw_detection_folder,
)
from sightline.errors import DatasetError, InputError, StorageError
from sightline.values.dataset import SetAside
from sightline.values.image import Size

SIZE = Size(480, 400)


@pytest.fixture(scope="module")
def board() -> Board:
    return draw_board(np.random.default_rng(3), SIZE, DEFECT_KINDS, sound=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawn") / "boards"
    draw_defect_folder(root, per_class=3, seed=5, size=64)
    return root


def hashes(root: Path) -> dict[str, str]:
    files = sorted(root.rglob("*.jpg"))
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole") / "boards"
    draw_detection_folder(root, pictures=24, seed=5, size=192)
    return root


def annotated(root: Path) -> list[RawSample]:
    """What the reader of this layout makes of it."""
    found = list(voc.read(root, "*"))
    assert not any(isinstance(each, SetAside) for each in found)
    return [each for each in found if isinstance(each, RawSample)]


def regions(mask: npt.NDArray[np.bool_]) -> int:
    return int(cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0]) - 1


def test_kinds_are_those_of_the_type() -> None:
    assert get_args(DefectKind) == DEFECT_KINDS
    assert set(CLASSES) == {*DEFECT_KINDS, "good"}


def test_a_board_is_a_picture_with_a_box_for_each_defect(board: Board) -> None:
    assert board.pixels.shape == (SIZE.height, SIZE.width, 3)
    assert board.pixels.dtype == np.uint8
    assert board.pixels.flags.c_contiguous
    assert board.labels == DEFECT_KINDS
    assert len(board.boxes) == 6
    assert len(board.sound) == 2
    assert board.boxes == board.boxes.clipped()
    sides = board.boxes.xyxy[:, 2:] - board.boxes.xyxy[:, :2]
    assert (sides > 1.5).all()
    assert (sides < 72).all()


def test_same_dice_same_pixels(board: Board) -> None:
    again = draw_board(np.random.default_rng(3), SIZE, DEFECT_KINDS, sound=2)
    assert np.array_equal(again.pixels, board.pixels)
    assert again.boxes == board.boxes
    other = draw_board(np.random.default_rng(4), SIZE, DEFECT_KINDS, sound=2)
    assert not np.array_equal(other.pixels, board.pixels)


@pytest.mark.parametrize("seed", range(4))
def test_boxes_bound_what_the_defect_changed(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn twice with the same dice, once without its defects, a board differs inside the boxes only."""
    flawed = draw_board(np.random.default_rng(seed), SIZE, DEFECT_KINDS)
    monkeypatch.setattr("sightline.data.sources.boards.apply_defect", lambda *_: None)
    clean = draw_board(np.random.default_rng(seed), SIZE, DEFECT_KINDS)
    assert clean.boxes == flawed.boxes
    differs = np.abs(flawed.pixels[:, :, 0].astype(int) - clean.pixels[:, :, 0])
    outside = differs.copy()
    for x0, y0, x1, y1 in flawed.boxes.xyxy:
        blur = 5  # pixels: what the etching and the lens smear over the edge of the change
        patch = np.s_[int(y0 - blur) : int(y1 + blur + 1), int(x0 - blur) : int(x1 + blur + 1)]
        assert differs[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1].max() > 25
        outside[patch] = 0
    assert outside.max() <= 3


@pytest.mark.parametrize("kind", DEFECT_KINDS)
def test_a_defect_does_to_the_copper_what_its_kind_means(kind: DefectKind) -> None:
    rng = np.random.default_rng(11)
    before = draw_layout(rng, Size(420, 420))
    allowed = np.zeros((420, 420), np.bool_)
    allowed[50:-50, 50:-50] = True
    footprint = place_defect(rng, kind, before, survey(before), allowed)
    assert footprint is not None
    after = before.copy()
    apply_defect(after, kind, footprint)
    (x, y), changed = footprint
    window = np.s_[y : y + changed.shape[0], x : x + changed.shape[1]]
    assert np.array_equal(after[window] != before[window], changed)
    assert np.count_nonzero(after != before) == np.count_nonzero(changed) > 0
    islands = regions(after[window] > 0) - regions(before[window] > 0)
    holes = regions(after[window] == 0) - regions(before[window] == 0)
    adds = int(after.astype(int).sum() > before.astype(int).sum())
    assert adds == (kind in ("short", "spur", "copper"))
    match kind:
        case "open":
            assert islands >= 1
        case "short":
            assert islands <= -1
        case "copper":
            assert (islands, holes) == (1, 0)
        case "pin-hole":
            assert (islands, holes) == (0, 1)
        case _:
            assert (islands, holes) == (0, 0)


def test_a_drilled_hole_is_not_bitten() -> None:
    """A bite out of a small hole's edge would look like a pin-hole."""
    before = np.zeros((3 * 200, 3 * 200), np.uint8)
    cv2.rectangle(before, (150, 150), (450, 450), 255, cv2.FILLED)
    cv2.circle(before, (300, 300), 12, 0, cv2.FILLED)
    allowed = np.zeros((200, 200), np.bool_)
    allowed[80:120, 80:120] = True
    assert place_defect(np.random.default_rng(0), "mousebite", before, survey(before), allowed) is None


def test_a_defect_may_be_nearer_to_the_edge_when_asked() -> None:
    rng = np.random.default_rng(2)
    boards = [draw_board(rng, Size(192, 192), ["copper"] * 3, inset=12) for _ in range(8)]
    middles = np.vstack([(b.boxes.xyxy[:, :2] + b.boxes.xyxy[:, 2:]) / 2 for b in boards])
    assert (np.minimum(middles, 192 - middles).min(axis=1) < 30).any()
    assert all(board.boxes == board.boxes.clipped() for board in boards)


def test_copper_is_dark_and_board_bright() -> None:
    for camera in CAMERAS:
        board = draw_board(np.random.default_rng(0), Size(256, 256), (), camera=camera)
        low, high = np.percentile(board.pixels, [5, 95])
        assert 10 < low < 110
        assert 140 < high < 250
        assert high - low > 60


def test_a_board_too_small_is_refused() -> None:
    with pytest.raises(InputError, match="at least 128 pixels a side, got 96x256"):
        draw_board(np.random.default_rng(0), Size(96, 256), ())
    with pytest.raises(InputError, match="no room for 60 defects"):
        draw_board(np.random.default_rng(0), Size(128, 128), DEFECT_KINDS * 10)


def test_routes_bend_by_at_most_45_degrees_and_go_around() -> None:
    is_open = np.ones((12, 12), np.bool_)
    is_open[5, 2:] = False
    path = route(is_open, ((9, 1), 4), ((9, 9), 0))
    assert path is not None
    assert (path[0], path[-1]) == ((9, 1), (9, 9))
    legs = [np.sign(np.subtract(after, cell)) for cell, after in pairwise(path)]
    headings = [STEPS.index((int(x), int(y))) for x, y in legs]
    turns = [(after - heading) % 8 for heading, after in pairwise(headings)]
    assert set(turns) <= {1, 7}
    is_open[5] = False
    assert route(is_open, ((9, 1), 4), ((9, 9), 0)) is None
    assert route(is_open, ((9, 1), 4), ((9, 40), 0)) is None


def test_the_folder_has_every_class_with_as_many_pictures(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(CLASSES)
    for name in CLASSES:
        files = list((folder / name).iterdir())
        assert len(files) == 3
        with Image.open(files[0]) as picture:
            assert (picture.format, picture.mode, picture.size) == ("JPEG", "L", (64, 64))


def test_neither_board_nor_camera_tells_the_class(folder: Path) -> None:
    pattern = re.compile(r"(?P<board>board\d+)-(?P<camera>cam\d+)-\d+\.jpg")
    per_class: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in CLASSES}
    names = []
    for file in folder.rglob("*.jpg"):
        match = pattern.fullmatch(file.name)
        assert match
        per_class[file.parent.name][match["board"], match["camera"]] += 1
        names.append(file.name)
    assert len(set(names)) == len(names)
    assert all(counts == per_class["good"] for counts in per_class.values())
    cameras = {camera for counts in per_class.values() for _, camera in counts}
    assert cameras == {"cam1", "cam2"}, "two boards, one camera each"


def test_same_seed_same_bytes_and_another_seed_others(folder: Path, tmp_path: Path) -> None:
    draw_defect_folder(tmp_path / "again", per_class=3, seed=5, size=64)
    assert hashes(tmp_path / "again") == hashes(folder)
    draw_defect_folder(tmp_path / "other", per_class=3, seed=6, size=64)
    assert not set(hashes(tmp_path / "other").values()) & set(hashes(folder).values())


def test_progress_counts_pictures(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    draw_defect_folder(tmp_path / "new", 3, 0, 64, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(14, 21), (21, 21)]


def test_bad_arguments_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    for pictures, seed, size, margin in ((9, 0, 256, 0), (10, -1, 256, 0), (10, 0, 64, 0), (10, 0, 256, 99)):
        with pytest.raises(InputError, match="drawing boards needs"):
            draw_detection_folder(tmp_path / "new", pictures, seed, size, margin)
    for per_class, seed, size in ((0, 0, 96), (1, -1, 96), (1, 0, 8), (1, 0, 4096)):
        with pytest.raises(InputError, match="drawing boards needs"):
            draw_defect_folder(tmp_path / "new", per_class, seed, size)
    assert not (tmp_path / "new").exists()


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(DatasetError, match="empty folder"):
        draw_defect_folder(tmp_path, per_class=1, seed=0)
    with pytest.raises(DatasetError, match="empty folder"):
        draw_detection_folder(tmp_path, pictures=10, seed=0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unusable_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write pictures of boards") as caught:
        draw_defect_folder(tmp_path / "file" / "new", per_class=1, seed=0)
    assert "\n" not in str(caught.value)
    with pytest.raises(StorageError, match="cannot write pictures of boards"):
        draw_detection_folder(tmp_path / "file" / "new", pictures=10, seed=0)


def test_whole_boards_are_a_set_that_the_reader_takes_without_a_complaint(whole: Path) -> None:
    samples = annotated(whole)
    assert Counter(sample.split for sample in samples) == {"train": 16, "val": 4, "test": 4}
    assert len({sample.path for sample in samples}) == 24
    counts = Counter(len(sample.labels) for sample in samples)
    assert set(counts) <= {0, 3, 4, 5, 6}
    assert counts[0] >= 1
    assert {label for sample in samples for label in sample.labels} == set(DEFECT_KINDS)
    with Image.open(whole / samples[0].path) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "L", (192, 192))


def test_boxes_of_whole_boards_leave_the_margin_that_was_asked_for(tmp_path: Path) -> None:
    draw_detection_folder(tmp_path / "wide", pictures=10, seed=3, size=192)
    draw_detection_folder(tmp_path / "exact", pictures=10, seed=3, size=192, margin=0)
    for wide, exact in zip(annotated(tmp_path / "wide"), annotated(tmp_path / "exact"), strict=True):
        assert wide.boxes is not None
        assert exact.boxes is not None
        assert (wide.labels, wide.boxes.form) == (exact.labels, "xyxy")
        bounds = np.array(exact.boxes.rows).reshape(-1, 4)
        grown = np.clip(bounds + np.array([-10, -10, 10, 10]), 0, 192)
        assert np.allclose(np.array(wide.boxes.rows).reshape(-1, 4), grown, atol=0.011)


def test_whole_boards_are_the_same_bytes_for_the_same_seed(whole: Path, tmp_path: Path) -> None:
    def contents(root: Path) -> dict[str, bytes]:
        return {str(f.relative_to(root)): f.read_bytes() for f in sorted(root.rglob("*")) if f.is_file()}

    draw_detection_folder(tmp_path / "again", pictures=24, seed=5, size=192)
    assert contents(tmp_path / "again") == contents(whole)
    draw_detection_folder(tmp_path / "other", pictures=10, seed=6, size=192)
    assert not set(hashes(tmp_path / "other").values()) & set(hashes(whole).values())


def test_progress_counts_whole_boards(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    draw_detection_folder(tmp_path / "new", 10, 0, 192, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(number, 10) for number in range(1, 11)]
