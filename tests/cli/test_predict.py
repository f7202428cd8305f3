"""``sightline predict``: answers in three forms, and what is refused."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from command_line import Product, draw_pictures, run

TRAINING = (
    "torch",
    "torchvision",
    "timm",
    "lightning_fabric",
    "onnx",
    "onnxscript",
    "safetensors",
    "tensorboard",
)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Four pictures, one with a line break in its name, and two files that are none."""
    folder = draw_pictures(tmp_path / "mixed", 2)
    (folder / "dark" / "00.png").rename(folder / "dark" / "line\nbreak.png")
    (folder / "dark" / "text.jpg").write_text("not a picture")
    (folder / "light" / "cut.png").write_bytes((folder / "light" / "00.png").read_bytes()[:200])
    return folder


def test_json_lines_say_what_cannot_be_answered_and_go_on(shop: Path, mixed: Path) -> None:
    done = run("predict", "parts", mixed)
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.status == 0
    assert done.err == "4 answered, 2 could not be\n"
    assert [Path(line["source"]).name for line in lines] == [
        *("01.png", "line\nbreak.png", "text.jpg"),
        *("00.png", "01.png", "cut.png"),
    ]
    assert [line.get("label") for line in lines] == ["dark", "dark", None, "light", "light", None]
    assert all(("error" in line) != ("score" in line) for line in lines)


def test_a_table_has_one_row_a_file(shop: Path, mixed: Path) -> None:
    done = run("predict", "parts@1", mixed, "--format", "csv", "--out", "answers.csv")
    assert (done.status, done.out) == (0, "")
    with Path("answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["dark", "dark", "", "light", "light", ""]
    assert all(bool(row["error"]) != bool(row["label"]) for row in rows)


def test_answers_are_drawn_into_a_new_folder(shop: Path, mixed: Path) -> None:
    assert "needs a folder: --out FOLDER" in run("predict", "parts", mixed, "--format", "pictures").refusal
    drawn = ("predict", "parts", mixed, "--format", "pictures", "--out", "drawn")
    assert run(*drawn).status == 0
    assert len(list(Path("drawn").glob("*.jpg"))) == 4
    assert "new or empty folder" in run(*drawn).refusal


@pytest.mark.parametrize(
    ("release", "line"),
    [
        ("nope", "no release 'nope'; there are releases of: parts"),
        ("parts@7", "no release 'parts@7'; there are: parts@1 (production)"),
        ("Parts@@", "a release is NAME, NAME@VERSION or NAME:STAGE"),
        ("nope.sight", "there is no file 'nope.sight'"),
    ],
)
def test_a_release_that_is_not_there_is_refused(shop: Path, release: str, line: str) -> None:
    done = run("predict", release, ".")
    assert line in done.refusal
    assert done.out == ""


def test_nothing_answered_is_a_failure(shop: Path) -> None:
    done = run("predict", "parts", "nowhere.png", "sightline.toml")
    assert done.status == 2
    assert "none of the files could be answered" in done.refusal
    assert [json.loads(line)["error"][:12] for line in done.out.splitlines()] == [
        "cannot be re",
        "not a pictur",
    ]


def test_outside_a_workspace_only_files_can_be_used(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "make one with: sightline init" in run("predict", "parts", ".").refusal


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "text"])
def test_a_damaged_file_is_refused(damage: str, product: Product, shop: Path) -> None:
    sealed = product.sealed.read_bytes()
    middle = len(sealed) // 2
    damaged = {
        "flip": sealed[:middle] + bytes([sealed[middle] ^ 1]) + sealed[middle + 1 :],
        "cut": sealed[:-10],
        "empty": b"",
        "text": b"not a model",
    }[damage]
    Path("models/parts-1.sight").write_bytes(damaged)
    for release in ("parts", "models/parts-1.sight"):
        done = run("predict", release, product.pictures)
        assert "parts-1.sight' is refused: " in done.refusal
        assert done.out == ""


def test_another_sealed_file_in_its_place_is_refused(product: Product, shop: Path) -> None:
    Path("models/parts-1.sight").write_bytes(b"")
    assert "refused" in run("registry", "show", "parts").refusal


def test_answers_that_cannot_be_written_are_refused(shop: Path, mixed: Path) -> None:
    for form in ("csv", "pictures"):
        done = run("predict", "parts", mixed, "--format", form, "--out", "sightline.toml/below")
        assert "sightline.toml" in done.refusal
        assert "ot a directory" in done.refusal


def test_nothing_of_training_is_needed(product: Product, shop: Path) -> None:
    program = (
        f"import sys\nsys.modules.update(dict.fromkeys({TRAINING!r}))\nfrom sightline.cli import main\nmain()"
    )
    command = [sys.executable, "-c", program, "predict", "parts", str(product.pictures / "light")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {json.loads(line)["label"] for line in done.stdout.splitlines()} == {"light"}


def test_a_killed_job_goes_on(shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    Image.new("RGB", (3000, 2000)).save(folder / "00.png")
    for number in range(1, 80):
        (folder / f"{number:02}.png").hardlink_to(folder / "00.png")
    command = ["predict", "parts", str(folder), "--out", "answers.jsonl"]
    journal = Path("answers.jsonl.journal")
    for entries in (2, 3):
        with subprocess.Popen([sys.executable, "-m", "sightline", *command, "--resume"]) as process:
            while process.poll() is None and not (
                journal.exists() and journal.read_bytes().count(b"\n") >= entries
            ):
                time.sleep(0.01)
            process.kill()
    assert "--resume goes on" in run(*command).refusal
    assert run(*command, "--resume").status == 0
    answered = [json.loads(line)["source"] for line in Path("answers.jsonl").read_text().splitlines()]
    assert answered == sorted(map(str, folder.iterdir()))
    assert not journal.exists()
    assert "needs the file" in run("predict", "parts", folder, "--resume").refusal


def test_a_release_is_timed(shop: Path) -> None:
    done = run("bench", "parts", "--seconds", "0.1")
    assert done.status == 0, done.err
    first, *lines = done.out.splitlines()
    assert first.startswith("parts@1, onnxruntime, ")
    assert lines[0].split() == ["variant", "file", "MB", "memory", "MB"]
    assert sum(" fp32 " in line for line in lines) >= 2
    assert "no infer runtimes plugin named 'x'" in run("bench", "parts", "--runtime", "x").refusal
