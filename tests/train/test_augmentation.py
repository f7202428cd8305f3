"""The contract of every augmentation, and how they work together."""

import pytest
import torch

from sightline.errors import InputError, UnknownPlugin
from sightline.train.arch.base import Target
from sightline.train.augment import AUGMENTATIONS
from sightline.train.augmentation import Augmenter, Drawn, apply_changes, move_objects, parse_amounts
from sightline.values.dataset import TASKS, Task
from sightline.values.image import Size

SIZE = Size(12, 8)


def pictures(count: int = 4) -> torch.Tensor:
    return torch.rand(count, 3, SIZE.height, SIZE.width, generator=torch.Generator().manual_seed(3))


def draw(
    amounts: dict[str, float], seed: int = 0, count: int = 4, task: Task = "classification", size: Size = SIZE
) -> Drawn:
    return Augmenter.of(amounts, task).draw(count, size, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_the_seed_decides_and_the_amount_matters(name: str) -> None:
    # An amount that every augmentation takes, for a task that can use it.
    task = next(iter(AUGMENTATIONS.load(name).DEFAULT))
    amounts = {name: 0.5}
    once, again, other = (apply_changes(pictures(16), draw(amounts, seed, 16, task)) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert once.shape == (16, 3, SIZE.height, SIZE.width)
    assert torch.isfinite(once).all()


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_no_amount_is_no_change(name: str) -> None:
    assert torch.equal(apply_changes(pictures(), draw({name: 0.0})), pictures())


def test_a_certain_flip_is_an_exact_mirror() -> None:
    assert torch.allclose(apply_changes(pictures(), draw({"flip": 1.0})), pictures().flip(3), atol=1e-6)


def test_a_shift_moves_whole_pixels() -> None:
    drawn = draw({"crop": 0.25}, seed=5, count=1)
    assert drawn.space is not None
    moved = apply_changes(pictures(1), drawn)
    right, down = int(drawn.space[0, 0, 2]), int(drawn.space[0, 1, 2])
    inner = moved[
        :, :, max(0, -down) : SIZE.height - max(0, down), max(0, -right) : SIZE.width - max(0, right)
    ]
    wanted = pictures(1)[
        :, :, max(0, down) : SIZE.height + min(0, down), max(0, right) : SIZE.width + min(0, right)
    ]
    assert torch.allclose(inner, wanted, atol=1e-5)


def test_a_quarter_turn_of_a_square_is_exact() -> None:
    square = torch.rand(1, 3, 9, 9)
    turn = torch.tensor([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    assert torch.allclose(apply_changes(square, Drawn(turn, None, None)), square.rot90(1, (2, 3)), atol=1e-5)


def test_colours_change_as_their_matrix_says() -> None:
    drawn = draw({"colour": 0.5})
    assert drawn.colour is not None
    changed = apply_changes(pictures(), drawn)
    ones = torch.cat([pictures().flatten(2), torch.ones(4, 1, SIZE.area)], dim=1)
    assert torch.allclose(changed.flatten(2), drawn.colour @ ones, atol=1e-5)


def test_several_changes_of_place_multiply_to_one() -> None:
    dice = torch.Generator().manual_seed(7)
    parts = [AUGMENTATIONS.load(name).draw(0.5, 2, SIZE, dice).space for name in ("crop", "flip", "rotate")]
    drawn = Augmenter.of({"flip": 0.5, "crop": 0.5, "rotate": 0.5}, "classification").draw(
        2, SIZE, torch.Generator().manual_seed(7)
    )
    first, second, third = (part for part in parts if part is not None)
    assert drawn.space is not None
    assert torch.allclose(drawn.space, first @ second @ third)


def test_amounts_are_read_from_text() -> None:
    assert parse_amounts("none", "classification") == {}
    assert parse_amounts("flip=0.25, rotate", "classification") == {
        "flip": 0.25,
        "rotate": AUGMENTATIONS.load("rotate").DEFAULT["classification"],
    }


@pytest.mark.parametrize("task", TASKS)
def test_basic_is_what_is_usual_for_the_task(task: Task) -> None:
    usual = {name: AUGMENTATIONS.load(name).DEFAULT.get(task) for name in AUGMENTATIONS.names()}
    assert parse_amounts("basic", task) == {name: amount for name, amount in usual.items() if amount}
    assert "flip" in parse_amounts("basic", task)


def test_an_augmentation_of_another_task_is_refused() -> None:
    assert parse_amounts("mosaic=0.5", "detection") == {"mosaic": 0.5}
    with pytest.raises(InputError, match="'mosaic' cannot be used for classification"):
        parse_amounts("mosaic=0.5", "classification")


@pytest.mark.parametrize("text", ["flip=x", "flip=-1", "flip=5", "flip=inf", "flip=nan", "rotate=360"])
def test_impossible_amounts_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_amounts(text, "classification")


def test_an_unknown_augmentation_is_refused() -> None:
    with pytest.raises(UnknownPlugin, match="colour"):
        parse_amounts("color=1", "classification")


BOARD = Size(96, 64)


def marked(boxes: list[tuple[int, int, int, int]], level: float = 1.0) -> tuple[torch.Tensor, Target]:
    """A dark picture with bright rectangles, and the rectangles as objects."""
    picture = torch.zeros(3, BOARD.height, BOARD.width)
    for x0, y0, x1, y1 in boxes:
        picture[:, y0:y1, x0:x1] = level
    count = len(boxes)
    target = Target(
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        torch.arange(count),
        torch.zeros(count, dtype=torch.bool),
    )
    return picture, target


def bright(picture: torch.Tensor) -> tuple[float, float, float, float]:
    """The bounds of what is bright, ``xyxy``."""
    rows, columns = (picture[0] > 0.75).nonzero().unbind(dim=1)
    return float(columns.min()), float(rows.min()), float(columns.max()) + 1, float(rows.max()) + 1


@pytest.mark.parametrize("name", ["crop", "flip", "rotate", "scale"])
@pytest.mark.parametrize("seed", range(6))
def test_boxes_follow_their_pixels(name: str, seed: int) -> None:
    picture, target = marked([(30, 20, 62, 44)])
    amount = {"rotate": 90.0, "flip": 1.0}.get(name, 0.2)
    drawn = draw({name: amount}, seed, 1, "detection", BOARD)
    (moved,) = move_objects([target], drawn, BOARD)
    seen = bright(apply_changes(picture[None], drawn, fill=0.4)[0])
    # Resampling blurs an edge over a pixel, and a turned corner is cut.
    assert moved.boxes[0].tolist() == pytest.approx(seen, abs=2.5 if name == "rotate" else 1.01)


def test_a_quarter_turn_takes_boxes_along_exactly() -> None:
    square = Size(40, 40)
    turn = torch.tensor([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    target = Target(torch.tensor([[2.0, 4, 12, 10]]), torch.tensor([3]), torch.tensor([False]))
    picture = torch.zeros(1, 3, 40, 40)
    picture[:, :, 4:10, 2:12] = 1.0
    (moved,) = move_objects([target], Drawn(turn, None, None), square)
    seen = bright(apply_changes(picture, Drawn(turn, None, None))[0])
    assert moved.boxes[0].tolist() == pytest.approx(seen, abs=1e-4)


def test_an_object_of_which_little_is_left_is_gone() -> None:
    _, target = marked([(0, 20, 20, 40), (30, 20, 50, 40)])
    shift = torch.eye(3)[None].clone()
    shift[0, 0, 2] = 15.0  # 15 pixels to the left: a quarter of the first is left
    (moved,) = move_objects([target], Drawn(shift, None, None), BOARD)
    assert moved.classes.tolist() == [1]
    assert moved.boxes.tolist() == [[15.0, 20.0, 35.0, 40.0]]
    shift[0, 0, 2] = 13.0
    (kept,) = move_objects([target], Drawn(shift, None, None), BOARD)
    assert kept.boxes[0].tolist() == [0.0, 20.0, 7.0, 40.0]


@pytest.mark.parametrize("seed", range(8))
def test_a_mosaic_keeps_every_object_on_its_pixels(seed: int) -> None:
    pictures, targets = zip(
        *(marked([(10 * n, 8 * n, 10 * n + 12, 8 * n + 10)], 0.8 + 0.05 * n) for n in range(4)), strict=True
    )
    drawn = draw({"mosaic": 1.0}, seed, 4, "detection", BOARD)
    changed = apply_changes(torch.stack(pictures), drawn, fill=0.4)
    for picture, target in zip(changed, move_objects(targets, drawn, BOARD), strict=True):
        for (x0, y0, x1, y1), number in zip(
            target.boxes.int().tolist(), target.classes.tolist(), strict=True
        ):
            assert number == 0
            assert (picture[:, y0:y1, x0:x1] > 0.75).all()
        covered = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in target.boxes.int().tolist())
        # What is bright beyond is the rest of objects that were cut to less than they may be.
        assert covered <= int((picture[0] > 0.75).sum()) <= covered + 4 * 0.3 * 120
