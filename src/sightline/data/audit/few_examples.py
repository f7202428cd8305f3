"""Classes with too few pictures to learn from or to be judged by."""

from collections import Counter
from collections.abc import Iterable

from sightline.data.importing import Imported
from sightline.values.dataset import SPLITS, Finding, Severity, Split

TITLE = "classes with too few pictures"

LEAST: dict[Split, int] = {"train": 20, "val": 5, "test": 10}
"""Below 20 training pictures fine-tuning learns the pictures rather than the class; with 10 test
pictures the interval of a class's recall is still 0.6 wide at worst."""


def check(imported: Imported) -> list[Finding]:
    """Classes without a usable picture, then those with too few, part by part.

    Pictures that show a class count, not its boxes: thirty cells on one photograph are one example of
    its light and its microscope.
    """
    dataset = imported.dataset
    counts: Counter[tuple[Split, str]] = Counter(
        (s.split, label) for s in dataset.samples for label in set(s.labels)
    )
    present = {label for _, label in counts}
    findings = []
    lost = sorted(label for label in imported.found if label not in present)
    if lost:
        where = "in the folder" if dataset.task == "classification" else "shows it"
        words = f"{_listed(repr(label) for label in lost)}: no usable picture {where}, so no class"
        findings.append(Finding("few_examples", "warning", words, figures={"classes": len(lost)}))
    trained = {split for split, _ in counts} if "train" in {split for split, _ in counts} else set()
    for split in (split for split in SPLITS if split in trained):
        none = [label for label in dataset.classes if not counts[split, label]]
        few = [label for label in dataset.classes if 0 < counts[split, label] < LEAST[split]]
        if none:
            findings.append(_finding("error" if split == "train" else "warning", split, none, counts))
        if few:
            findings.append(_finding("note" if split == "val" else "warning", split, few, counts))
    return findings


def _finding(
    severity: Severity, split: Split, labels: list[str], counts: Counter[tuple[Split, str]]
) -> Finding:
    least = min(counts[split, label] for label in labels)
    listed = _listed(f"{label!r} has {counts[split, label] or 'none'}" for label in labels)
    subject = "1 class has" if len(labels) == 1 else f"{len(labels)} classes have"
    words = f"{subject} fewer than {LEAST[split]} pictures in {split}: {listed}"
    if not least:
        words = f"{subject} no picture in {split}: {_listed(repr(label) for label in labels)}"
    return Finding("few_examples", severity, words, figures={"classes": len(labels), "least": least})


def _listed(texts: Iterable[str]) -> str:
    listed = list(texts)
    return ", ".join(listed[:8]) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "")
