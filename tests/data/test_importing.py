import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.data.importing import Imported, ImportOptions, import_folder
from sightline.data.manifest import fingerprint
from sightline.errors import DatasetError

Tree = Callable[[dict[str, int]], Path]
Put = Callable[..., Path]


def splits(imported: Imported) -> dict[str, str]:
    return {sample.path: sample.split for sample in imported.dataset.samples}


def refusal(root: Path | None, options: ImportOptions | None = None) -> str:
    with pytest.raises(DatasetError) as caught:
        import_folder(root, options or ImportOptions())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_class_is_the_first_folder_and_deeper_ones_are_walked(tree: Tree) -> None:
    dataset = import_folder(tree({"cat": 6, "dog/Imgs/deep": 6}), ImportOptions()).dataset
    assert dataset.classes == ("cat", "dog")
    assert Counter(sample.labels for sample in dataset.samples) == {("cat",): 6, ("dog",): 6}
    assert [sample.path for sample in dataset.samples] == sorted(sample.path for sample in dataset.samples)
    assert dataset.fingerprint == fingerprint("classification", dataset.classes, dataset.samples)


def test_the_same_folder_elsewhere_has_the_same_fingerprint(tree: Tree, tmp_path: Path) -> None:
    root = tree({"cat": 6, "dog": 6})
    elsewhere = tmp_path / "else" / "where"
    shutil.copytree(root, elsewhere)
    one, other = (import_folder(each, ImportOptions()).dataset for each in (root, elsewhere))
    assert one.fingerprint == other.fingerprint
    assert one.samples == other.samples
    assert import_folder(root, ImportOptions(seed=1)).dataset.fingerprint != one.fingerprint


def test_relative_roots_become_absolute(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({"cat": 6, "dog": 6})
    monkeypatch.chdir(root.parent)
    assert import_folder(Path(root.name), ImportOptions()).dataset.root == root


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "validation", "testing"), ("TRAIN", "Valid", "Test")]
)
def test_an_own_split_in_folders_is_kept(tree: Tree, names: tuple[str, str, str]) -> None:
    root = tree({f"{split}/{label}/deep": 2 for split in names for label in ("cat", "dog")})
    imported = import_folder(root, ImportOptions())
    assert imported.dataset.classes == ("cat", "dog")
    assert imported.dataset.split_origin == "the set's own train, val, test"
    expected = dict(zip(names, ("train", "val", "test"), strict=True))
    assert all(split == expected[path.partition("/")[0]] for path, split in splits(imported).items())


def test_a_missing_val_comes_out_of_train(tree: Tree) -> None:
    imported = import_folder(tree({"train/a": 10, "train/b": 10, "test/a": 3, "test/b": 3}), ImportOptions())
    found = splits(imported)
    assert all((split == "test") == path.startswith("test/") for path, split in found.items())
    assert Counter(found.values())["val"] >= 2


def test_a_class_may_be_called_train(tree: Tree) -> None:
    assert import_folder(tree({"train": 5, "car": 5}), ImportOptions()).dataset.classes == ("car", "train")


def test_folders_beside_an_own_split_are_unlabelled(tree: Tree) -> None:
    root = tree({"train/a": 5, "train/b": 5, "test/a": 2, "test/b": 2, "extra/c": 3})
    assert "3 of 17 pictures" in refusal(root)
    imported = import_folder(root, ImportOptions(unlabelled="ignore"))
    assert imported.dataset.classes == ("a", "b")
    assert len(imported.dataset.set_aside) == 3


def test_unlabelled_pictures_are_refused_with_counts_or_set_aside(tree: Tree) -> None:
    root = tree({"": 2, "cat": 5, "dog": 5})
    words = refusal(root)
    assert "2 of 12 pictures" in words
    assert "--unlabelled ignore" in words
    dataset = import_folder(root, ImportOptions(unlabelled="ignore")).dataset
    assert len(dataset.samples) == 10
    assert [gone.reason for gone in dataset.set_aside] == ["in no class folder, ignored as asked"] * 2
    assert "none of 2 pictures" in refusal(tree_of_none(root), ImportOptions(unlabelled="ignore"))


def tree_of_none(root: Path) -> Path:
    for name in ("cat", "dog"):
        shutil.rmtree(root / name)
    return root


def test_bad_files_are_set_aside_and_the_rest_goes_on(tree: Tree) -> None:
    root = tree({"cat": 6, "dog": 6})
    (root / "cat/text.jpg").write_text("not a picture")
    (root / "dog/short.png").write_bytes((root / "dog/000.png").read_bytes()[:300])
    os.mkfifo(root / "dog/pipe.png")
    (root / "dog/line\nbreak.png").write_bytes((root / "dog/000.png").read_bytes())
    dataset = import_folder(root, ImportOptions()).dataset
    assert len(dataset.samples) == 12
    assert [gone.path for gone in dataset.set_aside] == [
        "cat/text.jpg",
        "dog/line\\nbreak.png",
        "dog/pipe.png",
        "dog/short.png",
    ]


def test_include_takes_what_it_names_and_counts_the_rest(tree: Tree, picture: Put) -> None:
    root = tree({"cat": 6, "dog": 6})
    for number, label in enumerate(("cat", "dog") * 3):
        picture(root / label / f"{number}.JPG", 100 + number, "JPEG")
    imported = import_folder(root, ImportOptions(include="*.jpg"))
    assert len(imported.dataset.samples) == 6
    assert imported.beside == {".png": 12}
    assert "no files that match '*.gif'" in refusal(root, ImportOptions(include="*.gif"))


def test_one_class_only(tree: Tree) -> None:
    assert "only one class, 'cat'" in refusal(tree({"cat": 6}))


def test_a_wrapping_folder_is_pointed_out(tree: Tree) -> None:
    words = refusal(tree({"photos/cat": 3, "photos/dog": 3}))
    assert "if the classes are the folders inside 'photos', give that folder" in words


def test_a_class_of_damaged_files_only_leaves_one_class(tree: Tree) -> None:
    root = tree({"cat": 6})
    (root / "dog").mkdir()
    (root / "dog/x.png").write_bytes(b"nothing")
    assert "only one class, 'cat'" in refusal(root)


def test_folders_without_pictures(tree: Tree, tmp_path: Path) -> None:
    root = tree({})
    assert refusal(root) == f"no pictures in {str(root)!r}, which is empty"
    (root / "notes.txt").touch()
    assert "but 1 other files (1 .txt)" in refusal(root)
    (root / "a").symlink_to(tmp_path)
    assert "1 were set aside" in refusal(root)
    assert "there is no folder" in refusal(tmp_path / "gone")
    assert "is not a folder" in refusal(root / "notes.txt")


def test_nothing_but_damaged_files(tree: Tree) -> None:
    root = tree({})
    for path in ("a/1.png", "b/2.png"):
        (root / path).parent.mkdir()
        (root / path).write_bytes(b"nothing")
    assert "none of 2 files" in refusal(root)


def test_metadata_from_a_table_and_from_names(tree: Tree, tmp_path: Path) -> None:
    root = tree({"cat": 6, "dog": 6})
    meta = tmp_path / "meta.csv"
    meta.write_text("path,camera\n" + "".join(f"cat/{n:03d}.png,A\n" for n in range(6)) + "gone.png,B\n")
    imported = import_folder(root, ImportOptions(meta_csv=meta, meta_from_name=r"(?P<number>\d+)"))
    assert imported.columns == ("camera", "number")
    first, last = imported.dataset.samples[0], imported.dataset.samples[-1]
    assert first.meta == {"camera": "A", "number": "000"}
    assert last.meta == {"camera": "", "number": "005"}
    assert [note.message for note in imported.notes] == [
        "--meta says nothing about 6 of 12 pictures, the first 'dog/000.png'",
        "--meta: 1 rows name no picture of the folder, the first 'gone.png'",
    ]


def test_tables_that_cannot_be_meant(tree: Tree, tmp_path: Path) -> None:
    root = tree({"cat": 6, "dog": 6})
    meta = tmp_path / "meta.csv"
    meta.write_text("path,camera\nelsewhere/1.png,A\n")
    assert "knows none of 12 pictures" in refusal(root, ImportOptions(meta_csv=meta))
    meta.write_text("path\ncat/000.png\n")
    assert "no column beside 'path'" in refusal(root, ImportOptions(meta_csv=meta))
    meta.write_text("path,n\ncat/000.png,1\n")
    both = ImportOptions(meta_csv=meta, meta_from_name=r"(?P<n>\d+)")
    assert "both give the column 'n'" in refusal(root, both)


def test_groups_stay_together(tree: Tree) -> None:
    root = tree({f"{label}/board{board}": 4 for label in ("cat", "dog") for board in range(8)})
    options = ImportOptions(meta_from_name=r"/board(?P<board>\d)/", group_by="board")
    imported = import_folder(root, options)
    sides: dict[str, set[str]] = {}
    for sample in imported.dataset.samples:
        sides.setdefault(sample.meta["board"], set()).add(sample.split)
    assert all(len(found) == 1 for found in sides.values())
    assert imported.group_by == ("board",)
    assert imported.dataset.split_origin == "made: stratified by class, groups kept together, seed 0"


def test_pictures_of_no_known_group_are_no_group(tree: Tree, tmp_path: Path) -> None:
    root = tree({"cat": 20, "dog": 20})
    meta = tmp_path / "meta.csv"
    meta.write_text("path,board\ncat/000.png,1\ncat/001.png,1\n")
    imported = import_folder(root, ImportOptions(meta_csv=meta, group_by="board"))
    assert set(splits(imported).values()) == {"train", "val", "test"}


def test_an_unknown_column_is_refused_with_those_there_are(tree: Tree) -> None:
    root = tree({"cat": 6, "dog": 6})
    assert "there are none" in refusal(root, ImportOptions(group_by="board"))
    options = ImportOptions(meta_from_name=r"(?P<n>\d+)", stratify_by="n,board")
    assert "no metadata column 'board' to group or stratify by; there are: n" in refusal(root, options)


def test_identical_pictures_stay_together_whatever_the_file(tree: Tree, picture: Put) -> None:
    root = tree({"cat": 20, "dog": 20})
    for number in range(20):
        picture(root / "dog" / f"copy{number:03d}.bmp", number)
    found = splits(import_folder(root, ImportOptions()))
    assert all(found[f"cat/{n:03d}.png"] == found[f"dog/copy{n:03d}.bmp"] for n in range(20))


def test_a_split_table_decides(tree: Tree, tmp_path: Path) -> None:
    root = tree({"cat": 3, "dog": 3})
    table = tmp_path / "split.csv"
    rows = {
        f"{c}/{n:03d}.png": s for c in ("cat", "dog") for n, s in enumerate(("train", "validation", "TEST"))
    }
    table.write_text("path,split\n" + "".join(f"{p},{s}\n" for p, s in rows.items()) + "gone.png,test\n")
    imported = import_folder(root, ImportOptions(split_csv=table))
    assert splits(imported)["dog/001.png"] == "val"
    assert splits(imported)["cat/002.png"] == "test"
    assert "1 rows name no picture" in imported.notes[0].message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,part\ncat/000.png,train\n", "needs the columns 'path' and 'split'"),
        ("path,split\ncat/000.png,holdout\n", "puts 'cat/000.png' into 'holdout'"),
        ("path,split\ncat/000.png,train\n", "has no row for 5 of 6 pictures"),
    ],
)
def test_split_tables_that_cannot_be_used(tree: Tree, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "split.csv").write_text(text)
    assert words in refusal(tree({"cat": 3, "dog": 3}), ImportOptions(split_csv=tmp_path / "split.csv"))


def test_training_on_one_class_only_is_refused(tree: Tree) -> None:
    assert "are all of class 'cat'" in refusal(
        tree({"train/cat": 9, "test/cat": 2, "test/dog": 2, "val/dog": 2})
    )


def test_a_list_of_classes_fixes_their_order(tree: Tree) -> None:
    root = tree({"cat": 6, "dog": 6})
    options = ImportOptions(classes=("owl", "dog", "cat"))
    assert import_folder(root, options).dataset.classes == ("owl", "dog", "cat")
    words = refusal(root, ImportOptions(classes=("dogs", "cat")))
    assert "such as 'dog'; did you mean 'dogs'?" in words


def test_options_that_contradict_themselves() -> None:
    with pytest.raises(DatasetError, match="names 'a' twice"):
        ImportOptions(classes=("a", "b", "a"))
    for fractions in ((0.5, 0.5, 0.5), (1.0, 0.0, 0.0)):
        with pytest.raises(DatasetError, match="add up to 1"):
            ImportOptions(fractions=fractions)


def test_fractions_are_used(tree: Tree) -> None:
    imported = import_folder(tree({"a": 10, "b": 10}), ImportOptions(fractions=(0.4, 0.2, 0.4)))
    assert Counter(splits(imported).values()) == {"train": 8, "val": 4, "test": 8}


class TestHeldOut:
    """Weights that are not trained here: a flat folder, a folder of any name, or no pictures at all."""

    def test_a_flat_folder_is_all_test(self, tree: Tree) -> None:
        options = ImportOptions(held_out=True, classes=("owl", "cat"))
        dataset = import_folder(tree({"": 3}), options).dataset
        assert dataset.classes == ("owl", "cat")
        assert {(sample.split, sample.labels) for sample in dataset.samples} == {("test", ())}

    def test_labels_of_known_classes_stay_and_others_are_said(self, tree: Tree) -> None:
        options = ImportOptions(held_out=True, classes=("owl", "cat"))
        imported = import_folder(tree({"cat": 2, "photos": 3}), options)
        assert Counter(sample.labels for sample in imported.dataset.samples) == {("cat",): 2, (): 3}
        assert "3 pictures lie in 1 folders" in imported.notes[0].message

    def test_an_own_split_stays(self, tree: Tree) -> None:
        root = tree({"train/a": 2, "train/b": 2, "test/a": 1})
        assert Counter(splits(import_folder(root, ImportOptions(held_out=True))).values()) == {
            "train": 4,
            "test": 1,
        }

    def test_no_pictures_need_a_list(self) -> None:
        dataset = import_folder(None, ImportOptions(held_out=True, classes=("owl", "cat"))).dataset
        assert dataset.samples == ()
        assert dataset.classes == ("owl", "cat")
        assert "--classes" in refusal(None, ImportOptions(held_out=True))

    def test_a_flat_folder_without_a_list_is_refused(self, tree: Tree) -> None:
        assert "--classes" in refusal(tree({"": 3}), ImportOptions(held_out=True))


def test_magnetic_tile(shared_data: Path) -> None:
    options = ImportOptions(include="*.jpg", meta_from_name=r"exp(?P<exp>\d+)", stratify_by="exp")
    imported = import_folder(shared_data / "magnetic-tile", options)
    assert len(imported.dataset.samples) == 592
    assert len(imported.dataset.classes) == 6
    assert imported.beside == {".png": 592, ".md": 1}
    assert Counter(splits(imported).values()) == {"train": 414, "val": 89, "test": 89}


def test_faces_in_pgm(shared_data: Path) -> None:
    imported = import_folder(shared_data / "orl", ImportOptions())
    assert len(imported.dataset.samples) == 400
    assert {facts.format for facts in imported.facts} == {"PNM"}
