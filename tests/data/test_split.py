from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.data.split import Card, divide
from sightline.errors import DatasetError
from sightline.values.dataset import SPLITS, Split


def cards(*counts: int, start: int = 0, split: Split | None = None) -> list[Card]:
    """Different pictures of classes 'a', 'b', …"""
    labels = [chr(ord("a") + number) for number, count in enumerate(counts) for _ in range(count)]
    return [Card(f"{start + n:064x}", label, split=split) for n, label in enumerate(labels)]


def counted(deck: Sequence[Card], splits: Sequence[Split]) -> dict[str, tuple[int, ...]]:
    found = Counter((card.label, split) for card, split in zip(deck, splits, strict=True))
    return {
        label: tuple(found[label, split] for split in SPLITS) for label in sorted({c.label for c in deck})
    }


def test_a_made_split_is_70_15_15_of_every_class() -> None:
    deck = cards(100, 40)
    splits, origin = divide(deck)
    assert counted(deck, splits) == {"a": (70, 15, 15), "b": (28, 6, 6)}
    assert origin == "made: stratified by class, seed 0"


def test_order_and_names_do_not_matter_and_the_seed_does() -> None:
    deck = cards(30, 30)
    backwards = divide(deck[::-1]).splits[::-1]
    assert divide(deck).splits == backwards
    assert divide(deck, seed=1).splits != backwards


@pytest.mark.parametrize(
    ("count", "expected"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (4, (2, 1, 1))]
)
def test_a_tiny_class_is_in_train_then_test_then_val(count: int, expected: tuple[int, ...]) -> None:
    deck = cards(50, count)
    assert counted(deck, divide(deck).splits)["b"] == expected


def test_cells_are_spread_too() -> None:
    deck = [Card(f"{n:064x}", "ab"[n % 2], cell=(str(n % 10 // 2),)) for n in range(400)]
    splits, origin = divide(deck)
    for cell in "01234":
        for label in "ab":
            found = Counter(
                s for c, s in zip(deck, splits, strict=True) if (c.cell, c.label) == ((cell,), label)
            )
            assert found["train"] == pytest.approx(28, abs=1)
            assert found["val"] == pytest.approx(6, abs=1)
    assert origin == "made: stratified by class and columns, seed 0"


def test_fractions_can_be_given() -> None:
    deck = cards(100)
    wanted: dict[Split, float] = {"train": 0.5, "val": 0.2, "test": 0.3}
    assert counted(deck, divide(deck, wanted).splits) == {"a": (50, 20, 30)}


def test_a_large_set_keeps_what_val_and_test_do_not_need() -> None:
    deck = cards(10_000, 10_000)
    found = Counter(divide(deck).splits)
    assert found["val"] == 2_000
    assert found["test"] == 3_000


def test_an_own_split_is_kept() -> None:
    deck = [
        *cards(5, 5, split="train"),
        *cards(2, 2, start=50, split="val"),
        *cards(2, 2, start=90, split="test"),
    ]
    splits, origin = divide(deck)
    assert splits == tuple(card.split for card in deck)
    assert origin == "the set's own train, val, test"


def test_a_missing_val_is_cut_from_train_and_never_from_test() -> None:
    deck = [*cards(85, 85, split="train"), *cards(15, 15, start=500, split="test")]
    splits, origin = divide(deck)
    assert splits[170:] == ("test",) * 30
    assert counted(deck[:170], splits[:170]) == {"a": (70, 15, 0), "b": (70, 15, 0)}
    assert origin == "the set's own train, test; val cut from train, stratified by class, seed 0"


def test_a_missing_test_is_cut_from_train_and_val_is_kept() -> None:
    deck = [*cards(85, 85, split="train"), *cards(15, 15, start=500, split="val")]
    splits, _ = divide(deck)
    assert splits[170:] == ("val",) * 30
    assert counted(deck[:170], splits[:170]) == {"a": (70, 0, 15), "b": (70, 0, 15)}


def test_what_the_sets_own_val_shows_never_becomes_test() -> None:
    deck = [*cards(60, 60, split="train"), *cards(30, 30, split="val")]  # val repeats some of train
    splits, _ = divide(deck)
    test = {card.content for card, split in zip(deck, splits, strict=True) if split == "test"}
    assert test
    assert test.isdisjoint(card.content for card in deck[120:])
    same = [replace(card, pixels=card.content.encode()) for card in deck]
    other = [replace(card, content=f"file {number}") for number, card in enumerate(same)]
    splits, _ = divide(other)
    seen = {card.pixels for card in other[120:]}
    assert not any(s == "test" and c.pixels in seen for c, s in zip(other, splits, strict=True))
    with pytest.raises(DatasetError, match="in its val too, so no test can be cut"):
        divide([*cards(30, 30, split="train"), *cards(30, 30, split="val")])


def test_an_own_split_without_train_is_refused() -> None:
    with pytest.raises(DatasetError, match="no training pictures, only test"):
        divide(cards(5, 5, split="test"))


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_pictures_to_fill_every_part_are_refused(count: int) -> None:
    with pytest.raises(DatasetError, match=f"{count} different pictures of 1 classes leave"):
        divide(cards(count))


def test_classes_that_all_must_be_in_train_leave_a_part_empty_which_is_refused() -> None:
    with pytest.raises(DatasetError, match="3 different pictures of 2 classes leave val empty"):
        divide(cards(2, 1))


def test_too_few_groups_are_refused() -> None:
    deck = [Card(f"{n:064x}", "ab"[n % 2], group=(str(n % 2),)) for n in range(40)]
    with pytest.raises(
        DatasetError,
        match="2 groups of pictures that must stay together, of 2 classes leave val and test empty",
    ):
        divide(deck)


def own_train(groups: int) -> list[Card]:
    """Training pictures in so many groups, and a test part that has its own."""
    train = [
        Card(f"{n:064x}", "ab"[n // groups % 2], group=(str(n % groups),), split="train") for n in range(60)
    ]
    return train + [Card(f"{n:064x}", "ab"[n % 2], group=("t",), split="test") for n in range(60, 80)]


def test_groups_that_nobody_asked_for_bind_where_there_are_enough() -> None:
    deck = own_train(4)
    splits, origin = divide(deck, least_groups=4)
    sides = {(card.group, split) for card, split in zip(deck[:60], splits, strict=False)}
    assert sorted(split for _, split in sides) == ["train", "train", "train", "val"]
    assert "groups kept together" in origin


def test_with_fewer_the_pictures_are_divided_one_by_one() -> None:
    deck = own_train(3)
    splits, origin = divide(deck, least_groups=4)
    assert {(card.group, split) for card, split in zip(deck[:60], splits, strict=False)} == {
        ((str(group),), split) for group in range(3) for split in ("train", "val")
    }
    assert "groups" not in origin


def test_where_they_would_leave_a_part_empty_they_do_not_bind() -> None:
    deck = [Card(f"{n:064x}", "abcd"[n % 4], group=(str(n % 4),), split="train") for n in range(40)]
    deck.append(Card("f" * 64, "a", split="test"))
    with pytest.raises(DatasetError, match="leave val empty"):
        divide(deck)
    assert Counter(divide(deck, least_groups=4).splits)["val"] > 0


def test_three_groups_fill_three_parts() -> None:
    deck = [Card(f"{n:064x}", "ab"[n % 2], group=(str(n % 3),)) for n in range(60)]
    assert set(divide(deck).splits) == set(SPLITS)


def test_many_groups_come_near_the_shares() -> None:
    deck = [Card(f"{n:064x}", "ab"[n % 2], group=(str(n // 10),)) for n in range(1_000)]
    found = Counter(divide(deck).splits)
    assert found["train"] == pytest.approx(700, abs=20)
    assert found["test"] == pytest.approx(150, abs=20)


picture = st.builds(
    Card,
    content=st.integers(0, 50).map(lambda n: f"{n:064x}"),
    pixels=st.none() | st.integers(0, 30).map(lambda n: n.to_bytes(16, "big")),
    label=st.sampled_from("abc"),
    group=st.none() | st.tuples(st.sampled_from("123456789")),
    cell=st.tuples(st.sampled_from("xy")),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(picture, min_size=1, max_size=60), st.integers(0, 3))
def test_groups_and_identical_pictures_are_never_separated(deck: list[Card], seed: int) -> None:
    try:
        splits = divide(deck, seed=seed).splits
    except DatasetError:
        return
    assert set(splits) == set(SPLITS)
    for key in ("content", "pixels", "group"):
        seen: dict[object, Split] = {}
        for card, split in zip(deck, splits, strict=True):
            value = getattr(card, key)
            if value is not None:
                assert seen.setdefault(value, split) == split
