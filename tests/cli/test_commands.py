"""The edge that every command ends at: help without imports, one line for an error."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from command_line import run
from sightline.cli import COMMANDS, application
from sightline.errors import InputError, SightlineError

HEAVY = {"numpy", "torch", "onnxruntime", "sqlalchemy", "pydantic", "PIL", "cv2"}


def subcommands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in COMMANDS.names():
        (group, *_) = [*application([name]).registered_groups, None]
        inner = group.typer_instance.registered_commands if group and group.typer_instance else []
        found += [(name,), *((name, command.name or "") for command in inner)]
    return found


def test_help_lists_every_command_and_imports_none() -> None:
    program = (
        "import sys\nfrom sightline.cli import main\nsys.argv = ['sightline', '--help']\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), [m for m in sys.modules if 'sightline.cli.' in m])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[] []"
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert listed >= {"build", "predict", "audit", "registry", "keys", "init", "demo"}


@pytest.mark.parametrize("words", [(), *subcommands()], ids=" ".join)
def test_every_command_has_help_whose_lists_are_not_cut_off(words: tuple[str, ...]) -> None:
    done = run(*words, "--help")
    assert done.status == 0, done.err
    assert "Usage: sightline" in done.out
    assert not [line for line in done.out.splitlines() if line.startswith(" ") and line.endswith("...")]


def test_the_version() -> None:
    assert run("--version").out.startswith("sightline 0.")


@pytest.mark.parametrize(
    "words", [("nope",), ("registry", "nope"), ("build", "--nope"), ("build", "--epochs", "x")]
)
def test_what_is_not_there_is_refused(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.status == 2
    assert "nope" in done.err or "epochs" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (InputError("a name with a\nline break and \udce9"), 2, "a name with a\\nline break and \\udce9"),
        (SightlineError("no"), 1, "no"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
            1,
            "cannot go on: No space left on device; free some space and try again",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "a/b"),
            1,
            "cannot use 'a/b': Permission denied; check who may write there, or choose another folder",
        ),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_one_line_and_a_status(
    error: BaseException, status: int, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_arguments: list[str]) -> typer.Typer:
        raise error

    monkeypatch.setattr("sightline.cli.application", failing)
    done = run("init")
    assert (done.status, done.refusal) == (status, line)


def test_a_reader_that_has_enough_ends_the_command_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_arguments: list[str]) -> typer.Typer:
        raise BrokenPipeError

    monkeypatch.setattr("sightline.cli.application", failing)
    done = run("init")
    assert (done.status, done.err) == (141, "")


def test_a_command_of_another_package_is_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(type(COMMANDS), "names", lambda _self: ("init", "theirs"))
    assert "theirs  (added by another package)" in run("--help").out
