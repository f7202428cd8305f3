"""The pages for users can fail: their snippets run, what they name exists, their links lead somewhere.

Every page runs from top to bottom in a workspace of its own with a few small drawn pictures: ``boards``
(three classes, the release ``boards@1``) and ``new`` (five pictures and a damaged file), and with boxes
``panels`` (Pascal VOC, six classes, the release ``panels@1``) and ``new-panels`` (two pictures). A command
must succeed, or fail where an error line is shown under it; a line that is shown must be in its output,
with ``…`` for anything, however it is spaced. Three things are other than for a reader: a build that does
not say ``--epochs`` trains one, or six where there are boxes, ``sightline`` runs inside this process
(importing torch takes longer than training here), and ``pip install -e FOLDER`` makes the folder
importable without touching the environment.
"""

import contextlib
import glob
import importlib.util
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image, ImageDraw

from documents import HOW_TO, PAGES, ROOT, Command, Snippet, anchors, links, plugin_lists, snippets, spans
from sightline.cli import main
from sightline.data.sources.boards import DefectKind, draw_board, draw_detection_folder
from sightline.plugins import Folder
from sightline.values.image import Size

REFERENCE = ROOT / "docs" / "reference.md"
DOCUMENTS = [*PAGES, REFERENCE]
RUN = [page for page in PAGES if any(snippet.runs for snippet in snippets(page))]
CLASSES = ("good", "open", "short")
DEFECTS: tuple[DefectKind, ...] = ("open", "short", "spur")
_SHELL = re.compile(r"[|;&<>$`]")
_NAMED = re.compile(r"(?:^|[|;&(]\s*)sightline( [^|;&]*)")


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """``docs/make_reference.py``, imported."""
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_reference"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def options(maker: ModuleType) -> dict[str, set[str]]:
    """Every command's full name with its options; a group's name has none."""
    found: dict[str, set[str]] = {"sightline": {"--version"}}
    for command in maker.commands():
        found.setdefault(command.name.rpartition(" ")[0], set())
        found[command.name] = {each for row in command.parameters() for each in row.options}
    return {name: {*own, "--help"} for name, own in found.items()}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The workspace that every page begins with."""
    pytest.importorskip("torch", reason="the pages train; torch is not installed")
    workspace = tmp_path_factory.mktemp("pages") / "workspace"
    rng = np.random.default_rng(0)
    for kind in CLASSES:
        for number in range(40):
            name = f"board{number // 2:02d}-cam{number % 2 + 1}-{number:03d}.png"
            draw(rng, kind, workspace / "boards" / kind / name)
    for name in "abcde":
        draw(rng, "open", workspace / "new" / f"{name}.png")
    (workspace / "new" / "damaged.jpg").write_bytes(b"\xff\xd8\xff and then nothing")
    draw_detection_folder(workspace / "panels", 40, seed=0, size=192)
    (workspace / "new-panels").mkdir()
    for name in "ab":
        picture = draw_board(rng, Size(192, 192), DEFECTS)
        Image.fromarray(picture.pixels).save(workspace / "new-panels" / f"{name}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTLINE_CONFIG_DIR", str(workspace.parent / "config"))
        patch.setenv("SIGHTLINE_THREADS", "1")
        patch.chdir(workspace)
        panels = ["build", "panels", "--arch", "anchor_free/small"]
        for arguments in (["init"], ["build", "boards"], panels):
            status, output = sightline(arguments)
            assert status == 0, output
        yield workspace


def draw(rng: np.random.Generator, kind: str, path: Path) -> None:
    """A trace on a noisy board: whole, interrupted, or crossed by another."""
    picture = Image.fromarray(rng.integers(60, 110, (24, 24, 3), dtype=np.uint8))
    pen = ImageDraw.Draw(picture)
    x, y = (int(each) for each in rng.integers(4, 18, 2))
    pen.line((2, y, 22, y), fill=(200, 180, 90), width=3)
    if kind == "open":
        pen.rectangle((x, y - 3, x + 3, y + 3), fill=(80, 80, 80))
    if kind == "short":
        pen.line((x, 2, x, 22), fill=(200, 180, 90), width=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def sightline(arguments: list[str]) -> tuple[int, str]:
    """Run the command line in this process: its exit status, and its output, stderr last."""
    if arguments[0] == "build" and not {"--epochs", "--recipe", "--resume"} & set(arguments):
        arguments = [*arguments, "--epochs", "6" if "panels" in arguments else "1"]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    status: object = 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setattr(sys, "argv", ["sightline", *arguments])
        patch.setattr(sys, "stderr", err)
        try:
            main()
        except SystemExit as done:
            status = done.code
    for stream in (out, err):
        stream.seek(0)
    return (status if isinstance(status, int) else 1 if status else 0), out.read() + err.read()


def in_shell(text: str) -> tuple[int, str]:
    """Run a line in bash, with this environment's programs first."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", text],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def install(folder: Path, patch: pytest.MonkeyPatch) -> tuple[int, str]:
    """What ``pip install -e`` does with a folder of plain modules: importable, entry points known."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    facts = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in points.items())
        for group, points in project["entry-points"].items()
    )
    (facts / "entry_points.txt").write_text("\n".join(groups))
    patch.syspath_prepend(str(folder))
    return 0, ""


def run_command(command: Command, patch: pytest.MonkeyPatch) -> tuple[int, str]:
    if _SHELL.search(re.sub(r"\"[^\"$`]*\"|'[^']*'", "", command.text)):
        return in_shell(command.text)
    words = shlex.split(command.text)
    words = [found for word in words for found in (sorted(glob.glob(word)) or [word])]  # noqa: PTH207
    if words[:3] == ["pip", "install", "-e"]:
        return install(Path(words[3]).resolve(), patch)
    return sightline(words[1:]) if words[0] == "sightline" else in_shell(command.text)


def check_command(command: Command, status: int, output: str) -> None:
    is_failure = any(line.startswith("sightline: ") for line in command.shown)
    assert (status != 0) == is_failure, f"$ {command.text}\nended with {status}:\n{output}"
    lines = [" ".join(line.split()) for line in output.splitlines()]
    for shown in command.shown:
        wanted = re.compile(".*".join(map(re.escape, " ".join(shown.split()).split("…"))))
        assert any(wanted.fullmatch(line) for line in lines), (
            f"$ {command.text}\nshows {shown!r}, and printed:\n{output}"
        )


def link_or_copy(source: str, target: str) -> None:
    """Large files that are never written to again are shared between the pages' workspaces."""
    if source.endswith((".safetensors", ".sight", ".png", ".jpg")):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_page_runs(page: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(prepared, workspace, copy_function=link_or_copy)
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("SIGHTLINE_THREADS", "1")
    loaded = set(sys.modules)
    names: dict[str, object] = {"__name__": "__main__"}
    try:
        for snippet in snippets(page):
            run_snippet(snippet, names, monkeypatch)
    finally:
        for name in set(sys.modules) - loaded:
            if name.startswith("sightline_"):
                del sys.modules[name]


def run_snippet(snippet: Snippet, names: dict[str, object], patch: pytest.MonkeyPatch) -> None:
    if snippet.file:
        file = Path(snippet.file)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(snippet.text)
    elif snippet.runs and snippet.language == "python":
        program = compile(snippet.text, f"{snippet.page.name}:{snippet.line}", "exec")
        with contextlib.redirect_stdout(io.StringIO()):
            exec(program, names)  # noqa: S102  (the page's own snippet is what is tested)
    elif snippet.runs:
        for command in snippet.commands():
            check_command(command, *run_command(command, patch))


def test_a_shown_line_that_was_not_printed_is_noticed() -> None:
    command = Command("sightline init", ("workspace: …", "signing key: none"))
    with pytest.raises(AssertionError, match="shows 'signing key: none'"):
        check_command(command, 0, "workspace: /here\nsigning key: abcd\n")


def test_a_command_that_fails_must_show_its_error() -> None:
    with pytest.raises(AssertionError, match="ended with 2"):
        check_command(Command("sightline predict", ()), 2, "sightline: there is no file\n")
    check_command(Command("sightline predict", ("sightline: … no file",)), 2, "sightline: there is no file\n")


@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_a_snippet_that_is_not_run_says_why(page: Path) -> None:
    for snippet in snippets(page):
        where = f"{page.name}:{snippet.line}"
        assert re.fullmatch(r"(no-run: \S.*|file=\S+)?", snippet.info), f"{where}: {snippet.info}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_and_option_that_is_named_exists(page: Path, options: dict[str, set[str]]) -> None:
    lines = [c.text for s in snippets(page) if s.language == "console" for c in s.commands()]
    for line in [*lines, *spans(page)]:
        for rest in _NAMED.findall(line):
            check_named(rest.split(), options, line)
    known = set().union(*options.values())
    alone = {span.split("=")[0].split()[0] for span in spans(page) if span.startswith("-") and len(span) > 2}
    assert not alone - known, f"no command has {sorted(alone - known)}"


def check_named(words: list[str], options: dict[str, set[str]], line: str) -> None:
    name = "sightline"
    while words and f"{name} {words[0]}" in options:
        name = f"{name} {words.pop(0)}"
    is_group = any(other.startswith(f"{name} ") for other in options)
    assert not is_group or not words or words[0].startswith("-"), f"no command {words[0]!r}: {line}"
    used = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert not used - options[name], f"{name} has no {sorted(used - options[name])}: {line}"


@pytest.mark.parametrize("line", ["build boards --nonsense", "keys lost", "--nonsense", "train boards"])
def test_what_does_not_exist_is_noticed(line: str, options: dict[str, set[str]]) -> None:
    with pytest.raises(AssertionError):
        check_named(line.split(), options, line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_list_of_plugins_names_those_there_are(page: Path, maker: ModuleType) -> None:
    folders: dict[str, Folder[object]] = {folder.package: folder for folder in maker.folders()}
    for package, listed in plugin_lists(page):
        assert sorted(listed) == maker.own_names(folders[package]), f"{page.name}: {package}"


def test_the_pages_list_what_a_person_chooses_from() -> None:
    listed = {package for page in HOW_TO for package, _ in plugin_lists(page)}
    choices = ("train.arch", "train.augment", "evaluate.metrics", "data.audit")
    assert listed >= {f"sightline.{name}" for name in choices}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.stem)
def test_links_inside_lead_somewhere(page: Path) -> None:
    for link in links(page):
        place, _, anchor = link.partition("#")
        if place.startswith(("http://", "https://", "mailto:")):
            continue
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


def test_the_reference_is_fresh(maker: ModuleType) -> None:
    assert REFERENCE.read_text() == maker.render(), "run: python docs/make_reference.py"
