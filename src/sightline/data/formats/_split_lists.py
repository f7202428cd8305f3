"""Lists of names that bring a set's split: ``train``, ``val``, ``test``, and ``trainval``."""

from collections.abc import Mapping

from sightline.values.dataset import SPLITS, Split

LISTS = ("train", "val", "trainval", "test")


def splits_by_name(lists: Mapping[str, set[str]]) -> dict[str, tuple[Split, ...]]:
    """Each name with the splits that it is listed in, more than one where lists overlap.

    ``trainval`` beside ``train`` and ``val`` is their union. Beside one of them it says what the other
    is, and alone it is the training list, from which ``val`` is cut later.
    """
    train, val, test, both = (lists.get(name, set()) for name in ("train", "val", "test", "trainval"))
    if not val and train:
        val = both - train
    elif not train:
        train = both - val
    parts: dict[Split, set[str]] = {"train": train, "val": val, "test": test}
    names = train | val | test
    return {name: tuple(split for split in SPLITS if name in parts[split]) for name in names}
