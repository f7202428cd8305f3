"""The names under which sets bring their own split."""

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
