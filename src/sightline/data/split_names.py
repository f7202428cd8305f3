"""The names under which sets bring their own split."""

import re

from sightline.values.dataset import Split

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def split_of(name: str) -> Split | None:
    """The split that a folder or a table's cell means, whatever its case."""
    return SPLIT_NAMES.get(name.strip().lower())


def split_in(name: str) -> Split | None:
    """The one split that a word of a file's name means, such as ``instances_val2017``; else None.

    ``trainval`` is what there is to learn from, so it means ``train``.
    """
    words = re.findall("[a-z]+", name.lower())
    found = {SPLIT_NAMES["train"] if word == "trainval" else split_of(word) for word in words} - {None}
    return found.pop() if len(found) == 1 else None
