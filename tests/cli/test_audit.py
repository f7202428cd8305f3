"""``sightline audit``: says, and changes nothing."""

from pathlib import Path

from command_line import draw_pictures, run


def test_it_reports_and_leaves_the_folder_alone(tmp_path: Path, monkeypatch: object) -> None:
    folder = draw_pictures(tmp_path / "parts", 4)
    (folder / "dark" / "text.jpg").write_text("no picture")
    (folder / "dark" / "again.png").write_bytes((folder / "dark" / "00.png").read_bytes())
    before = sorted(tmp_path.rglob("*"))
    done = run("audit", folder)
    assert done.status == 0
    assert done.err.splitlines()[0].startswith("9 pictures, 2 classes (")
    assert "set aside: 'dark/text.jpg': not a picture of a known format" in done.err
    assert "'dark/00.png', 'dark/again.png'" in done.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "there is no folder" in run("audit", tmp_path / "nowhere").refusal
