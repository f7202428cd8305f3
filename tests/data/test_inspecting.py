from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from sightline.data import inspecting
from sightline.data.inspecting import FileFacts, inspect_file, inspect_files
from sightline.values.dataset import SetAside
from sightline.values.image import Size


def facts(root: Path, path: str) -> FileFacts:
    found = inspect_file(root, path)
    assert isinstance(found, FileFacts)
    return found


def refused(root: Path, path: str) -> str:
    found = inspect_file(root, path)
    assert isinstance(found, SetAside)
    assert "\n" not in found.reason
    return found.reason


def test_facts_are_those_of_the_content(tmp_path: Path, picture: Callable[..., Path]) -> None:
    data = picture(tmp_path / "x.jpg", 1, "PNG").read_bytes()
    found = facts(tmp_path, "x.jpg")
    assert (found.sha256, found.size, found.format) == (sha256(data).hexdigest(), Size(16, 16), "PNG")


def test_the_same_pixels_in_other_files_have_the_same_digest(
    tmp_path: Path, picture: Callable[..., Path]
) -> None:
    picture(tmp_path / "a.png", 1)
    picture(tmp_path / "a.bmp", 1)
    picture(tmp_path / "b.png", 2)
    assert facts(tmp_path, "a.png").pixels == facts(tmp_path, "a.bmp").pixels
    assert facts(tmp_path, "a.png").pixels != facts(tmp_path, "b.png").pixels


def test_the_same_bytes_in_another_shape_are_another_picture(tmp_path: Path) -> None:
    for name, size in (("wide.png", (8, 4)), ("high.png", (4, 8))):
        Image.new("RGB", size, (9, 9, 9)).save(tmp_path / name)
    assert facts(tmp_path, "wide.png").pixels != facts(tmp_path, "high.png").pixels


def test_what_is_no_usable_picture_gives_its_reason(tmp_path: Path) -> None:
    whole = BytesIO()
    Image.effect_noise((64, 64), 90).save(whole, "JPEG")
    (tmp_path / "truncated.jpg").write_bytes(whole.getvalue()[:-700])
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.jpg").touch()
    for name in ("truncated.jpg", "text.jpg", "empty.jpg", "gone.jpg"):
        assert refused(tmp_path, name)


def test_a_file_too_large_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspecting, "MAX_FILE_BYTES", 1 << 20)
    with (tmp_path / "x.jpg").open("wb") as file:
        file.truncate(1 << 21)
    assert refused(tmp_path, "x.jpg") == "larger than 1 MiB"


def test_order_is_kept_and_progress_told(tmp_path: Path, picture: Callable[..., Path]) -> None:
    paths = [picture(tmp_path / f"{number:02d}.png", number).name for number in range(70)]
    told: list[tuple[int, int]] = []
    found = list(inspect_files(tmp_path, paths, 2, lambda done, total: told.append((done, total))))
    assert found == [inspect_file(tmp_path, path) for path in paths]
    assert told[-1] == (70, 70)
    assert told == sorted(told)
