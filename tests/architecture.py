"""The map as data, and the page that is made from it: ``python tests/architecture.py``."""

import ast
from pathlib import Path

STARRED = {"train", "export"}
"""The only rooms that import torch and its family."""

TORCH_FAMILY = {
    "torch",
    "torchvision",
    "timm",
    "lightning",
    "lightning_fabric",
    "onnx",
    "onnxscript",
    "safetensors",
}

ABOVE = {"values", "errors", "settings", "plugins"}
"""What every room may import."""

_DATA = {"pixels", "statistics", "storage"}
_TRAIN = {"data", "evaluate", "pixels", "statistics", "storage"}
_EXPORT = {"train", "infer", "bundle", "evaluate", "data", "pixels", "statistics"}
_BELOW_PIPELINE = {
    *("pixels", "statistics", "storage", "data", "evaluate", "report", "bundle", "registry", "infer"),
    *("train", "export", "deploy"),
}

ROOMS: dict[str, set[str]] = {
    "__init__": {"workspace"},
    "__main__": {"cli"},
    "errors": set(),
    "settings": set(),
    "plugins": set(),
    "values": set(),
    "pixels": set(),
    "statistics": set(),
    "storage": set(),
    "data": _DATA,
    "evaluate": {"pixels", "statistics"},
    "report": {"evaluate", "pixels"},
    "bundle": {"storage"},
    "registry": {"bundle", "storage"},
    "infer": {"pixels", "bundle", "storage"},
    "monitor": {"storage", "bundle", "pixels", "evaluate", "statistics"},
    "serve": {"infer", "registry", "bundle", "monitor", "pixels", "statistics", "storage"},
    "train": _TRAIN,
    "export": _EXPORT,
    "deploy": {"bundle", "registry"},
    "pipeline": _BELOW_PIPELINE,
    "workspace": (_BELOW_PIPELINE | {"pipeline", "monitor"}) - STARRED,
    "cli": _BELOW_PIPELINE | {"pipeline", "workspace", "serve", "monitor", "__init__"},
}
"""Each room and what it may import beside ``ABOVE``."""

FORBIDDEN_NAMES = {"utils", "util", "common", "core", "misc", "helpers", "helper"}


def render(source: Path) -> str:
    """``ARCHITECTURE.md``: the rooms with the first line of their docstrings."""
    rows = [
        f"| `{room}` | {'★ ' if room in STARRED else ''}{_about(source, room)} "
        f"| {', '.join(f'`{r}`' for r in sorted(may)) or '–'} |"
        for room, may in ROOMS.items()
        if not room.startswith("__")
    ]
    folders = [
        f"| `{base.parent.relative_to(source)}/` | {_about_file(base.parent / '__init__.py')} "
        f"| {', '.join(f'`{name}`' for name in _plugins(base.parent))} |"
        for base in sorted(source.rglob("base.py"))
    ]
    return _PAGE.format(
        rooms="\n".join(rows), folders="\n".join(folders), above=", ".join(f"`{r}`" for r in sorted(ABOVE))
    )


def _about(source: Path, room: str) -> str:
    folder = source / room
    return _about_file(folder / "__init__.py" if folder.is_dir() else source / f"{room}.py")


def _about_file(file: Path) -> str:
    return (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n\n")[0].replace("\n", " ")


def _plugins(folder: Path) -> list[str]:
    return sorted(f.stem for f in folder.glob("*.py") if f.stem != "base" and not f.stem.startswith("_"))


_PAGE = """\
# Architecture

*Made by `python tests/architecture.py` from the table that `tests/test_architecture.py` enforces.*

A picture becomes a `Sample`, samples a `Dataset`, and from there every arrow is one frozen dataclass of
`values`:

```
pictures ─▶ data ─▶ train ─▶ export ─▶ evaluate ─▶ bundle ─▶ registry ─▶ infer
            Dataset  Checkpoint  Parity    EvalReport  Bundle    Release     Prediction
```

A stage takes values from below and gives a value up; `pipeline` strings the stages into one job, `workspace`
is its Python face, and `cli` its command line. The same function of `pixels` makes the model's input in
training, evaluation and prediction.

## Rooms

A room is a folder of `src/sightline` (or one file). It may import {above} and the rooms in the last column.
Only rooms with a ★ import torch; `pipeline` reaches them inside functions, so that everything else runs
without torch.

| room | what lives there | may import |
|---|---|---|
{rooms}

## Plugin folders

One new file in such a folder adds one thing: its name is the file's stem, and the module fulfils the
protocol in the folder's `base.py`. The contract tests find it without being told. Other distributions add
plugins by entry points in the group `sightline.<folder with dots>`.

| folder | what a file adds | there are |
|---|---|---|
{folders}
"""

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    (root / "ARCHITECTURE.md").write_text(render(root / "src" / "sightline"))
