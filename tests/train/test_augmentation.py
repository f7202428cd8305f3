"""The contract of every augmentation, and how they work together."""

import pytest
import torch

from sightline.errors import InputError, UnknownPlugin
from sightline.train.augment import AUGMENTATIONS
from sightline.train.augmentation import Augmenter, Drawn, apply_changes, parse_amounts
from sightline.values.image import Size

SIZE = Size(12, 8)


def pictures(count: int = 4) -> torch.Tensor:
    return torch.rand(count, 3, SIZE.height, SIZE.width, generator=torch.Generator().manual_seed(3))


def draw(amounts: dict[str, float], seed: int = 0, count: int = 4) -> Drawn:
    return Augmenter.of(amounts).draw(count, SIZE, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_the_seed_decides_and_the_amount_matters(name: str) -> None:
    amounts = {name: AUGMENTATIONS.load(name).DEFAULT}
    once, again, other = (apply_changes(pictures(16), draw(amounts, seed, 16)) for seed in (1, 1, 2))
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
    assert torch.allclose(apply_changes(square, Drawn(turn, None)), square.rot90(1, (2, 3)), atol=1e-5)


def test_colours_change_as_their_matrix_says() -> None:
    drawn = draw({"colour": 0.5})
    assert drawn.colour is not None
    changed = apply_changes(pictures(), drawn)
    ones = torch.cat([pictures().flatten(2), torch.ones(4, 1, SIZE.area)], dim=1)
    assert torch.allclose(changed.flatten(2), drawn.colour @ ones, atol=1e-5)


def test_several_changes_of_place_multiply_to_one() -> None:
    dice = torch.Generator().manual_seed(7)
    parts = [AUGMENTATIONS.load(name).draw(0.5, 2, SIZE, dice).space for name in ("crop", "flip", "rotate")]
    drawn = Augmenter.of({"flip": 0.5, "crop": 0.5, "rotate": 0.5}).draw(
        2, SIZE, torch.Generator().manual_seed(7)
    )
    first, second, third = (part for part in parts if part is not None)
    assert drawn.space is not None
    assert torch.allclose(drawn.space, first @ second @ third)


def test_amounts_are_read_from_text() -> None:
    assert parse_amounts("none") == {}
    assert parse_amounts("flip=0.25, rotate") == {
        "flip": 0.25,
        "rotate": AUGMENTATIONS.load("rotate").DEFAULT,
    }
    assert parse_amounts("basic").keys() == set(AUGMENTATIONS.names())


@pytest.mark.parametrize("text", ["flip=x", "flip=-1", "flip=inf", "flip=nan"])
def test_impossible_amounts_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_amounts(text)


def test_an_unknown_augmentation_is_refused() -> None:
    with pytest.raises(UnknownPlugin, match="colour"):
        parse_amounts("color=1")
