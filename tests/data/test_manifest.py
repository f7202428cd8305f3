import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sightline.data.manifest import fingerprint, read_manifest, write_manifest
from sightline.errors import DatasetError
from sightline.values.boxes import Boxes
from sightline.values.dataset import Dataset, Sample, SetAside
from sightline.values.image import Size

SIZE = Size(20, 10)
SAMPLES = (
    Sample("a/1 – 猫.png", "0" * 64, SIZE, ("a",), "train", {"camera": 'A"\n'}),
    Sample("b/2.png", "1" * 64, SIZE, ("b",), "test", boxes=Boxes(np.array([[0.1, 2, 3, 4.5]]), SIZE)),
    Sample("c/3.png", "2" * 64, SIZE, (), "val", boxes=Boxes(np.empty((0, 4)), SIZE)),
)


def dataset(root: Path, samples: tuple[Sample, ...] = SAMPLES) -> Dataset:
    classes = ("b", "a")
    mark = fingerprint("classification", classes, samples)
    return Dataset(root, "classification", classes, samples, (SetAside("x", "why"),), "made", mark)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written = dataset(tmp_path)
    write_manifest(written, tmp_path / "m.json")
    assert read_manifest(tmp_path / "m.json") == written
    assert read_manifest(tmp_path / "m.json", Path("/elsewhere")).root == Path("/elsewhere")


def test_the_bytes_are_the_same_and_one_sample_takes_one_line(tmp_path: Path) -> None:
    write_manifest(dataset(tmp_path), tmp_path / "m.json")
    write_manifest(dataset(tmp_path), tmp_path / "n.json")
    data = (tmp_path / "m.json").read_bytes()
    assert data == (tmp_path / "n.json").read_bytes()
    assert sum(b'"sha256"' in line for line in data.splitlines()) == 3


def test_the_fingerprint_is_pinned() -> None:
    # A change here orphans every release's dataset: raise the schema and say so in the changelog.
    assert dataset(Path()).fingerprint == "0638ff215375c4ffe8da385d002ed31558b3fb74ef2d37b94c08b533fac7252f"


def test_marks_to_ignore_are_written_where_there_are_any(tmp_path: Path) -> None:
    marked = replace(SAMPLES[1], ignored=(True,))
    written = dataset(tmp_path, (marked,))
    write_manifest(written, tmp_path / "m.json")
    assert read_manifest(tmp_path / "m.json") == written
    none = replace(SAMPLES[1], ignored=(False,))
    assert dataset(Path(), (none,)).fingerprint == dataset(Path(), (SAMPLES[1],)).fingerprint
    assert written.fingerprint != dataset(Path(), (SAMPLES[1],)).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"path": "a/other.png"},
        {"sha256": "2" * 64},
        {"size": Size(20, 11)},
        {"labels": ("b",)},
        {"split": "val"},
        {"meta": {"camera": "B"}},
        {"boxes": Boxes(np.array([[0, 0, 1, 1]]), SIZE)},
    ],
)
def test_the_fingerprint_covers_every_field_of_a_sample(change: dict[str, object]) -> None:
    changed = (replace(SAMPLES[0], **change), *SAMPLES[1:])  # type: ignore[arg-type]  # one case, one field
    assert dataset(Path(), changed).fingerprint != dataset(Path()).fingerprint


def test_the_fingerprint_covers_the_order_of_classes() -> None:
    assert fingerprint("classification", ("a", "b"), SAMPLES) != fingerprint(
        "classification", ("b", "a"), SAMPLES
    )


def test_a_manifest_never_changes_but_its_folder_may_move(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    write_manifest(dataset(tmp_path), path)
    write_manifest(dataset(tmp_path / "moved"), path)
    assert read_manifest(path).root == tmp_path / "moved"
    with pytest.raises(DatasetError, match="manifests never change"):
        write_manifest(dataset(tmp_path, SAMPLES[:1]), path)
    assert read_manifest(path) == dataset(tmp_path / "moved")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("classes", ["a", "b"], "was changed"),
        ("schema", 2, "schema"),
        ("task", "magic", "task"),
        ("samples", [{"path": "x"}], "samples.0"),
    ],
)
def test_another_content_is_refused_in_one_line(
    tmp_path: Path, field: str, value: object, words: str
) -> None:
    path = tmp_path / "m.json"
    write_manifest(dataset(tmp_path), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(DatasetError) as caught:
        read_manifest(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("outside", ["/etc/passwd", "../x.png", "a/../../x.png", "", "a\0b"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, outside: str) -> None:
    write_manifest(dataset(tmp_path, (replace(SAMPLES[0], path=outside),)), tmp_path / "m.json")
    with pytest.raises(DatasetError, match="not a path below the root"):
        read_manifest(tmp_path / "m.json")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.json").write_bytes(data)
    with pytest.raises(DatasetError, match="is not a dataset's manifest"):
        read_manifest(tmp_path / "m.json")


def test_a_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_manifest(tmp_path / "gone.json")
