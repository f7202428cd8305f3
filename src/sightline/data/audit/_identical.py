"""Which pictures show exactly the same."""

from collections import defaultdict

from sightline.data.importing import Imported
from sightline.values.dataset import Sample


def identical(imported: Imported) -> list[list[Sample]]:
    """Sets of at least two samples with the same pixels, in order of path."""
    sets: defaultdict[bytes, list[Sample]] = defaultdict(list)
    for sample, facts in zip(imported.dataset.samples, imported.facts, strict=True):
        sets[facts.pixels].append(sample)
    return [samples for samples in sets.values() if len(samples) > 1]
