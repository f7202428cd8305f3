"""``sightline build``: what it says and leaves, and how bad input ends."""

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command_line import SMALL, Product, draw_pictures, run

pytest.importorskip("torch", reason="nothing can be built without the extra train")


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, which lies in no workspace."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_build_says_what_it_does_and_ends_in_a_release(product: Product) -> None:
    said = product.build.err.splitlines()
    assert said[0] == f"workspace: made in {product.workspace}"
    assert said[1].startswith("dataset: 40 pictures of 2 classes (28 train, 6 val, 6 test;")
    assert "weights: small_resnet/8 from scratch (no pretrained weights are known for it)" in said
    assert said[-1] == "parts@1 is in production, the first release of parts there"
    assert len(said) == len(set(said))
    (run_folder,) = (product.workspace / "runs").iterdir()
    assert product.build.out.splitlines() == [
        "release: parts@1 (production)",
        f"model: {product.sealed}",
        f"report: {run_folder / 'report.html'}",
    ]
    page = (run_folder / "report.html").read_text()
    assert page.count("parts@1 is in production") == 1
    assert "drawn by the seed: no pretrained weights are known for it." in page
    assert not list(product.workspace.rglob("*.part"))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("--size abc", "--size takes WIDTHxHEIGHT or one number, got 'abc'"),
        ("--size 32x", "got '32x'"),
        ("--size 0", "got '0'"),
        ("--size 5000", "--size goes up to 4096"),
        ("--augment foo", "no train augment plugin named 'foo'; there are: colour, crop"),
        ("--augment flip=x", "--augment takes NAME=AMOUNT"),
        ("--augment flip=-1", "0 to 1, is the probability of a mirrored picture; got -1"),
        ("--arch nope", "no train arch plugin named 'nope'; there are: anchor_free, mobilenet_v2"),
        ("--arch mobilnet_v2", "Did you mean 'mobilenet_v2'?"),
        ("--weights nope", "--weights 'nope' is neither a file here nor a hub name"),
        ("--weights nope.pth", "no weights file at 'nope.pth'"),
        ("--normalise x", "--normalise takes imagenet or six numbers"),
        ("--normalise 0,0,0,1,1,0", "positive std"),
        ("--name A/B", "got 'A/B'"),
        ("--classes nope.txt", "--classes: cannot read 'nope.txt': No such file or directory"),
        ("--meta nope.csv", "--meta 'nope.csv' cannot be read: No such file or directory"),
        ("--split nope.csv", "--split 'nope.csv' cannot be read"),
        ("--meta-from-name (", "is not a regular expression"),
        ("--group-by nope", "no metadata column 'nope'"),
        ("--include *.gif", "no files that match '*.gif'"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_before_anything_is_written(
    options: str, line: str, product: Product, empty: Path
) -> None:
    done = run("build", product.pictures, *options.split())
    assert (done.status, done.out) == (2, "")
    assert line in done.refusal
    assert len(done.err.splitlines()) == 1
    assert not list(empty.iterdir())


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("--arch small_resnet/x", "small_resnet/WIDTH takes a width from 8 to 512, got 'x'"),
        ("--arch timm/nope", "timm has no classifier 'nope'"),
        (
            "--epochs 0 --arch small_resnet/8",
            "--epochs 0 releases given weights, but small_resnet/8 would start",
        ),
        ("--recipe nope.json", "cannot read recipe 'nope.json': No such file or directory"),
        ("--recipe broken.json", "'broken.json' is not a recipe: as a whole"),
        ("--resume", "no unfinished run of 'parts'"),
        ("--resume --name other", "no unfinished run of 'other'"),
    ],
)
def test_an_option_that_does_not_fit_the_pictures_is_refused(
    options: str, line: str, product: Product, shop: Path
) -> None:
    Path("broken.json").write_text("{")
    runs = sorted((shop / "runs").iterdir())
    assert line in run("build", product.pictures, *options.split()).refusal
    assert sorted((shop / "runs").iterdir()) == runs


def test_numbers_out_of_range_are_refused(product: Product, empty: Path) -> None:
    for option, value in {
        "--epochs": -1,
        "--minutes": "nan",
        "--seed": 2**32,
        "--batch-size": 1,
        "--learning-rate": "nan",
        "--patience": -1,
        "--cache": -1,
        "--margin": 2,
    }.items():
        done = run("build", product.pictures, option, value)
        assert (done.status, done.out) == (2, ""), option
        assert option in done.err
    assert not list(empty.iterdir())


def test_folders_that_are_no_dataset_are_refused(tmp_path: Path, empty: Path) -> None:
    one = tmp_path / "one" / "only"
    one.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(one / "a.png")
    (tmp_path / "none").mkdir()
    for folder, line in {
        "none": "which is empty",
        "one": "only one class, 'only'; at least two are needed",
        "nowhere": "there is no folder",
        "one/only/a.png": "is not a folder",
    }.items():
        done = run("build", tmp_path / folder, *SMALL, "--name", "parts")
        assert (done.status, done.out) == (2, "")
        assert line in done.refusal
    assert "a build needs PICTURES" in run("build", "--name", "parts").refusal
    assert not list(empty.iterdir())


def test_files_that_are_no_pictures_are_set_aside_and_said(tmp_path: Path, empty: Path) -> None:
    folder = draw_pictures(tmp_path / "parts", 12)
    noise = np.random.default_rng(3).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(folder / "dark" / "cut.jpg")
    whole = (folder / "dark" / "cut.jpg").read_bytes()
    (folder / "dark" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "dark" / "text.jpg").write_text("hello")
    (folder / "light" / "huge.png").write_bytes(header_of_a_png(50_000, 50_000))
    (folder / "light" / "line\nbreak.png").write_bytes((folder / "light" / "00.png").read_bytes())
    done = run("build", folder, *SMALL)
    assert done.status == 0, done.err
    assert "dataset: 24 pictures of 2 classes" in done.err
    for line in (
        "1 set aside: a damaged JPEG file: ",
        "1 set aside: not a picture of a known format",
        "1 set aside: a PNG file of 50000x50000 is 2,500 megapixels; the limit is 100 ('light/huge.png')",
    ):
        assert done.err.count(line) == 1, done.err
    assert done.err.count("line\\\\nbreak.png") == 1
    assert "line\nbreak" not in done.err


def header_of_a_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_a_place_that_cannot_be_written_is_refused(product: Product, shop: Path) -> None:
    for inside in (shop / "runs").iterdir():
        inside.rename(shop / inside.name)
    (shop / "runs").rmdir()
    (shop / "runs").write_text("not a folder")
    done = run("build", product.pictures, *SMALL)
    assert "under runs" in done.refusal
    assert run("predict", "parts", product.pictures / "dark").status == 0


def test_without_the_extra_it_is_refused_at_once(
    product: Product, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sightline.train.trainer", "sightline.export.onnx_file"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    for words in (("build", product.pictures), ("demo", "here")):
        done = run(*words)
        assert done.status == 2
        assert done.refusal == (
            "a build needs 'torch', which is not installed; install it with: pip install 'sightline[train]'"
        )
    assert not list(empty.iterdir())
