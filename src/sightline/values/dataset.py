"""Samples, and the immutable, fingerprinted set that they make."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sightline.values.boxes import Boxes
from sightline.values.image import Size

Task = Literal["classification", "detection"]
TASKS: tuple[Task, ...] = ("classification", "detection")
Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture with its truth.

    ``path`` is relative to the dataset's root, with forward slashes; ``size`` is that of the upright
    picture; ``labels`` are class names: in classification exactly one, none when unlabelled; in
    detection one for each of ``boxes``. ``boxes`` are as annotated, in pixels of the upright picture;
    None says nothing about the picture, no boxes say that nothing is there. ``ignored`` marks the boxes
    that count neither for nor against a detector (COCO's crowds, Pascal VOC's difficult objects); empty
    where none is. ``meta`` holds free columns such as camera, site or time, as text.
    """

    path: str
    sha256: str
    size: Size
    labels: tuple[str, ...]
    split: Split
    meta: Mapping[str, str] = field(default_factory=dict)
    boxes: Boxes | None = None
    ignored: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        if self.boxes is not None and len(self.boxes) != len(self.labels):
            raise ValueError(f"{len(self.boxes)} boxes need as many labels, got {len(self.labels)}")
        if self.ignored and len(self.ignored) != len(self.labels):
            raise ValueError(f"{len(self.labels)} boxes need as many marks, got {len(self.ignored)}")


@dataclass(frozen=True, slots=True)
class SetAside:
    """A file that is not part of the dataset, and the reason."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Pictures referenced in place under ``root``, sorted by path.

    ``fingerprint`` (SHA-256, hexadecimal) covers paths, contents, labels, boxes, metadata, splits and
    classes, and not ``root``: the same folder elsewhere has the same fingerprint. ``split_origin``
    says in words where the split comes from.
    """

    root: Path
    task: Task
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    set_aside: tuple[SetAside, ...]
    split_origin: str
    fingerprint: str

    def part(self, split: Split) -> tuple[Sample, ...]:
        """The samples of one split, in order."""
        return tuple(sample for sample in self.samples if sample.split == split)


Severity = Literal["note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an audit found: which check, how grave, in words, and the files it is about.

    ``figures`` are the numbers behind the words (an effect size, a p-value, a count).
    """

    check: str
    severity: Severity
    message: str
    paths: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Everything that the audit of one dataset found, gravest first."""

    fingerprint: str
    findings: tuple[Finding, ...]
    checks: tuple[str, ...]
