"""The map: which room may import which, what may reach torch, how large a piece may grow."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from architecture import ABOVE, FORBIDDEN_NAMES, ROOMS, STARRED, TORCH_FAMILY, render

SOURCE = Path(__file__).resolve().parents[1] / "src" / "sightline"
FILES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 600
MOST_FUNCTION_LINES = 80


def room_of(file: Path) -> str:
    parts = file.relative_to(SOURCE).parts
    return parts[0] if len(parts) > 1 else parts[0].removesuffix(".py")


def imports(tree: ast.AST, *, inside_functions: bool) -> Iterator[str]:
    """Dotted names that a module imports; those for type checkers only are no imports."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif inside_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(node, inside_functions=inside_functions)


def rooms_imported(file: Path, *, inside_functions: bool) -> set[str]:
    tree = ast.parse(file.read_text())
    names = [
        n.split(".") for n in imports(tree, inside_functions=inside_functions) if n.startswith("sightline.")
    ]
    return {
        parts[1] for parts in names if (SOURCE / parts[1]).is_dir() or (SOURCE / f"{parts[1]}.py").is_file()
    }


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_a_module_imports_only_what_its_room_may(file: Path) -> None:
    room = room_of(file)
    assert room in ROOMS, f"the map has no room {room!r}"
    extra = rooms_imported(file, inside_functions=True) - ROOMS[room] - {room} - ABOVE
    assert not extra, f"{room} may not import {sorted(extra)}"


@pytest.mark.parametrize("room", sorted(set(ROOMS) - STARRED))
def test_starred_rooms_are_imported_inside_functions_only(room: str) -> None:
    for file in (f for f in FILES if room_of(f) == room):
        reached = rooms_imported(file, inside_functions=False) & STARRED
        assert not reached, f"{file.name} imports {sorted(reached)} at module level"


@pytest.mark.parametrize("file", [f for f in FILES if room_of(f) not in STARRED], ids=lambda f: f.stem)
def test_torch_stays_behind_its_fence(file: Path) -> None:
    tree = ast.parse(file.read_text())
    family = {name.split(".")[0] for name in imports(tree, inside_functions=room_of(file) != "pipeline")}
    assert not family & TORCH_FAMILY


def test_the_rooms_make_no_cycle() -> None:
    edges = {room: set[str]() for room in ROOMS}
    for file in FILES:
        edges[room_of(file)] |= rooms_imported(file, inside_functions=True) - {room_of(file)}
    done: set[str] = set()
    while len(done) < len(edges):
        free = {room for room in edges if room not in done and not edges[room] - done - {"__init__"}}
        assert free, f"a cycle among {sorted(set(edges) - done)}"
        done |= free


def test_no_torch_is_loaded_by_a_fresh_process_that_imports_every_other_room() -> None:
    modules = [
        ".".join(("sightline", *file.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        for file in FILES
        if room_of(file) not in STARRED
        and file.name != "__main__.py"
        and file.parent.name != "versions"
        and file.name != "env.py"
    ]
    # A plugin that carries an extra's own name (`runtimes.openvino`) needs that extra, and only that.
    program = f"""
import importlib, sys
for module in {modules!r}:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.rpartition(".")[2]:
            raise
print(sorted(set(sys.modules) & {TORCH_FAMILY!r}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_no_piece_grows_too_large(file: Path) -> None:
    text = file.read_text()
    assert text.count("\n") <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MOST_FUNCTION_LINES, node.name


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_names_say_what_a_piece_is_about(file: Path) -> None:
    parts = set(file.relative_to(SOURCE).with_suffix("").parts)
    assert not parts & FORBIDDEN_NAMES


def test_only_settings_reads_the_environment() -> None:
    for file in FILES:
        if file.name == "settings.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            read = isinstance(node, ast.Attribute) and node.attr in {
                "environ",
                "getenv",
                "environb",
                "putenv",
            }
            assert not read, f"{file.relative_to(SOURCE)} reads the environment"


def test_strangers_bytes_are_decoded_in_workers_alone() -> None:
    """Every room decodes through ``pixels.isolated``; the decoders themselves may end a process."""
    decoding = {"decode", "probe", "fingerprint", "model_input"}
    for file in FILES:
        if file.relative_to(SOURCE).parts[0] == "pixels":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sightline.pixels"):
                here = decoding & {each.name for each in node.names}
                assert not here or node.module == "sightline.pixels.isolated", f"{file}: {here}"


def test_the_page_about_the_architecture_is_fresh() -> None:
    page = SOURCE.parents[1] / "ARCHITECTURE.md"
    assert page.read_text() == render(SOURCE), "run: python tests/architecture.py"
