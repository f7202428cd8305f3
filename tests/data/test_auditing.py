from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.data.audit import CHECKS
from sightline.data.auditing import audit
from sightline.data.importing import Imported, ImportOptions, import_folder
from sightline.data.manifest import fingerprint
from sightline.values.dataset import AuditReport, Dataset

Tree = Callable[[dict[str, int]], Path]
Put = Callable[..., Path]


def found(report: AuditReport, check: str) -> list[str]:
    return [f"{finding.severity}: {finding.message}" for finding in report.findings if finding.check == check]


def report(root: Path, options: ImportOptions | None = None) -> AuditReport:
    return audit(import_folder(root, options or ImportOptions()))


def test_a_good_set_has_no_findings(tree: Tree) -> None:
    result = report(tree({"cat": 70, "dog": 70}))
    assert result.findings == ()
    assert result.checks == CHECKS.names()


def test_bad_files_are_counted_by_reason(tree: Tree) -> None:
    root = tree({"cat": 70, "dog": 70})
    for number in range(4):
        (root / f"cat/{number}.jpg").write_text("no picture")
    (root / "dog/x.jpg").touch()
    result = report(root)
    many, one = found(result, "undecodable")
    assert many.startswith("warning: 4 set aside: not a picture of a known format")
    assert many.endswith("('cat/0.jpg', 'cat/1.jpg', 'cat/2.jpg' and 1 more)")
    assert one.startswith("warning: 1 set aside: the file is empty")


def test_wrong_endings(tree: Tree, picture: Put) -> None:
    root = tree({"cat": 70, "dog": 70})
    picture(root / "cat/x.jpg", 999, "PNG")
    picture(root / "cat/y.JPEG", 998, "JPEG")
    assert found(report(root), "wrong_extension") == [
        "warning: 1 PNG files have the ending of another format, used as PNG: 'cat/x.jpg'"
    ]


def test_identical_pictures_and_contradictions(tree: Tree, picture: Put) -> None:
    root = tree({"cat": 70, "dog": 70})
    picture(root / "cat/copy.bmp", 0)
    picture(root / "dog/copy.png", 1)
    result = report(root)
    torn, alike = found(result, "duplicates")
    assert (
        torn == "error: 1 pictures lie in more than one class, the first as 'cat/001.png' and 'dog/copy.png'"
    )
    assert alike.startswith("warning: 2 pictures are there more than once, 2 copies")
    assert found(result, "leakage") == []
    assert result.findings[0].severity == "error"


def test_leakage_in_an_own_split_is_said_for_pictures_and_groups(tree: Tree, picture: Put) -> None:
    root = tree({f"{split}/{label}": 30 for split in ("train", "val", "test") for label in ("cat", "dog")})
    picture(root / "test/cat/leak1.png", 0)
    picture(root / "val/cat/leak2.png", 1)
    options = ImportOptions(meta_from_name=r"(?P<number>\d\d\d)", group_by="number")
    first, second, *groups = found(report(root, options), "leakage")
    assert first.startswith("error: 1 pictures of test (1.6%) are known from train: identical pictures")
    assert second.startswith(
        "error: 60 pictures of test (98.4%) are known from train: pictures of the same number"
    )
    assert any("of val (1.6%) are known from train" in words for words in groups)


def test_few_examples_and_lost_classes(tree: Tree) -> None:
    root = tree({"train/cat": 30, "train/dog": 5, "val/cat": 9, "val/dog": 2, "test/cat": 12, "test/owl": 12})
    (root / "train/empty").mkdir()
    (root / "train/empty/readme.txt").touch()
    words = "\n".join(found(report(root), "few_examples"))
    assert "warning: 'empty': no usable picture in the folder" in words
    assert "error: 1 class has no picture in train: 'owl'" in words
    assert "warning: 1 class has fewer than 20 pictures in train: 'dog' has 5" in words
    assert "warning: 1 class has no picture in test: 'dog'" in words
    assert "note: 1 class has fewer than 5 pictures in val: 'dog' has 2" in words


@pytest.mark.parametrize(("small", "severity"), [(30, ""), (24, "note"), (7, "warning")])
def test_imbalance(tree: Tree, small: int, severity: str) -> None:
    words = found(report(tree({"cat": 80, "dog": small})), "imbalance")
    assert [line.partition(":")[0] for line in words] == ([severity] if severity else [])


def test_a_column_that_goes_with_the_class(tree: Tree, tmp_path: Path) -> None:
    root = tree({"cat": 60, "dog": 60})
    rows = [
        f"{label}/{n:03d}.png,{'A' if (label == 'cat') == (n % 10 > 0) else 'B'},{n % 3},{label}{n}"
        for label in ("cat", "dog")
        for n in range(60)
    ]
    (tmp_path / "meta.csv").write_text("path,camera,site,id\n" + "\n".join(rows))
    [words] = found(report(root, ImportOptions(meta_csv=tmp_path / "meta.csv")), "metadata")
    assert words.startswith("warning: the column 'camera' (2 values) goes with the class: Cramér's V 0.80")
    assert "54 pictures where 30 would be by chance" in words


def test_magnetic_tile_goes_with_exp(shared_data: Path) -> None:
    options = ImportOptions(include="*.jpg", meta_from_name=r"exp(?P<exp>\d+)", stratify_by="exp")
    result = report(shared_data / "magnetic-tile", options)
    [finding] = [finding for finding in result.findings if finding.check == "metadata"]
    assert finding.severity == "warning"
    assert finding.figures["p_value"] < 0.001
    assert finding.figures["cramers_v"] == pytest.approx(0.29, abs=0.01)


def test_notes_of_the_import_come_along(tree: Tree) -> None:
    root = tree({"cat": 70, "dog": 70})
    assert found(report(root, ImportOptions(meta_from_name=r"/0(?P<n>[01])\d")), "import")


@pytest.mark.parametrize("name", CHECKS.names())
class TestEveryCheck:
    """A new check inherits these."""

    def test_it_has_a_title_and_says_nothing_about_nothing(self, name: str) -> None:
        check = CHECKS.load(name)
        assert check.TITLE
        empty = Dataset(
            Path(),
            "classification",
            ("a", "b"),
            (),
            (),
            "none",
            fingerprint("classification", ("a", "b"), ()),
        )
        assert list(check.check(Imported(empty))) == []

    def test_its_findings_are_one_line_and_carry_its_name(self, name: str, tree: Tree, picture: Put) -> None:
        root = tree({"train/cat": 40, "train/dog": 3, "test/cat": 2})
        picture(root / "test/cat/x.jpg", 0, "PNG")
        (root / "train/cat/bad.png").write_text("no picture")
        options = ImportOptions(meta_from_name=r"0(?P<n>\d)\d", group_by="n")
        for finding in CHECKS.load(name).check(import_folder(root, options)):
            assert finding.check == name
            assert "\n" not in finding.message

    def test_one_that_fails_does_not_stop_the_others(
        self, name: str, tree: Tree, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(imported: Imported) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(CHECKS.load(name), "check", fail)
        result = report(tree({"cat": 70, "dog": 70}))
        assert found(result, name) == [
            f"warning: the check {name!r} failed, so it says nothing: ZeroDivisionError"
        ]
        assert f"the check {name!r} failed" in caplog.text
