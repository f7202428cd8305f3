"""Write ``docs/reference.md`` from the code: ``python docs/make_reference.py``.

Commands and options come from the Typer applications, plugins from the folders' listings, classes from
their docstrings and fields. Nothing is imported that needs more than the base install.
"""

import ast
import importlib
import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType

import typer

from sightline import errors
from sightline.cli import COMMANDS
from sightline.plugins import Folder

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "sightline"

_PYTHON = (
    ("workspace.py", "Workspace"),
    ("pipeline/build.py", "BuildOptions"),
    ("pipeline/build.py", "Built"),
    ("pipeline/releasing.py", "Released"),
    ("pipeline/watch.py", "Watcher"),
    ("data/importing.py", "ImportOptions"),
    ("infer/predictor.py", "Predictor"),
    ("pipeline/deploying.py", "DeployOptions"),
    ("pipeline/importing.py", "ForeignOptions"),
    ("registry/access.py", "Access"),
    ("monitor/prediction_log.py", "PredictionLog"),
)
"""The classes that a program meets, beside values."""

_VALUES = (
    "image",
    "boxes",
    "dataset",
    "contract",
    "recipe",
    "evaluation",
    "release",
    "prediction",
    "access",
    "captured",
)
_TYPES: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    Path: "path",
    bool: "nothing",
}

_BAR = "\\|"
"""A bar inside a table's cell."""

Found = typing.TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A command's argument, or its option where it has ``options``."""

    name: str
    kind: object
    least: float | None
    most: float | None
    default: object
    help: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A command by its full name, and the words about the group that it is in."""

    name: str
    function: Callable[..., object]
    group: str = ""

    def parameters(self) -> list[Parameter]:
        """Arguments and options, in the order of the function."""
        app = typer.Typer()
        app.command()(self.function)
        options = {each.name: tuple(each.opts) for each in typer.main.get_command(app).params}
        defaults = inspect.signature(self.function).parameters
        found = []
        for name, hint in typing.get_type_hints(self.function, include_extras=True).items():
            if name != "return":
                kind, info = typing.get_args(hint)[0], hint.__metadata__[0]
                own = options[name] if isinstance(info, typer.models.OptionInfo) else ()
                text = str(info.help or "")
                found.append(Parameter(name, kind, info.min, info.max, defaults[name].default, text, own))
        return found


def render() -> str:
    """The page."""
    parts = [_HEAD, *_commands(), *_plugins(), *_python(), *_values(), *_errors(), *_settings()]
    return "\n\n".join(parts) + "\n"


def commands() -> Iterator[Command]:
    """Every command of sightline's own."""
    for name in own_names(COMMANDS):
        app = typer.Typer()
        COMMANDS.load(name).add_to(app)
        for one in app.registered_commands:
            yield Command(f"sightline {one.name}", _there(one.callback))
        for group in app.registered_groups:
            inner = _there(group.typer_instance)
            for one in inner.registered_commands:
                about = str(inner.info.help or "")
                yield Command(f"sightline {group.name} {one.name}", _there(one.callback), about)


def folders() -> list[Folder[object]]:
    """Every plugin folder, found by its ``base.py``."""
    found = []
    for base in sorted(SOURCE.rglob("base.py")):
        package = importlib.import_module(_dotted(base.parent))
        found += [value for value in vars(package).values() if isinstance(value, Folder)]
    return found


def own_names(folder: Folder[Found]) -> list[str]:
    """The folder's plugins that are files of sightline; other packages may have added more."""
    return [name for name in folder.names() if (_place(folder) / f"{name}.py").is_file()]


def _commands() -> Iterator[str]:
    yield "## Commands"
    yield _ABOUT_COMMANDS
    last = ""
    for command in commands():
        if command.group and command.group != last:
            yield f"### {command.name.rpartition(' ')[0]}"
            yield command.group
        last = command.group
        yield f"{'####' if command.group else '###'} {command.name}"
        yield from _command(command)


def _command(command: Command) -> Iterator[str]:
    rows = command.parameters()
    arguments = [row for row in rows if not row.options]
    options = [row for row in rows if row.options]
    usage = [command.name, *(["[OPTIONS]"] if options else []), *map(_placeholder, arguments)]
    yield f"```text\n{' '.join(usage)}\n```"
    yield _prose(command.function.__doc__)
    if arguments:
        yield "\n".join(f"- `{each.name.upper()}`: {each.help}" for each in arguments)
    if options:
        lines = (
            (", ".join(f"`{name}`" for name in each.options), _takes(each), _default(each), each.help)
            for each in options
        )
        yield _table(("option", "takes", "default", "meaning"), lines)


def _placeholder(argument: Parameter) -> str:
    word = argument.name.upper() + ("…" if typing.get_origin(argument.kind) is list else "")
    return word if argument.default is inspect.Parameter.empty else f"[{word}]"


def _takes(option: Parameter) -> str:
    parts = () if typing.get_origin(option.kind) is typing.Literal else typing.get_args(option.kind)
    kind = next((each for each in parts if each is not NoneType), option.kind)
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(f"`{choice}`" for choice in typing.get_args(kind))
    if typing.get_origin(kind) is list:
        return f"{_TYPES[typing.get_args(kind)[0]]}, repeatable"
    least = f", from {option.least}" if option.least is not None else ""
    return _TYPES[kind] + least + (f" to {option.most}" if option.most is not None else "")


def _default(option: Parameter) -> str:
    is_nothing = option.default is None or option.default is False or option.default == ""
    return "" if is_nothing else f"`{option.default}`"


def _plugins() -> Iterator[str]:
    yield "## Plugins"
    yield _ABOUT_PLUGINS
    for folder in folders():
        place = _place(folder)
        yield f"### `{folder.package}`"
        yield _prose(_docstring(place / "__init__.py"))
        rows = ((f"`{name}`", _first(_docstring(place / f"{name}.py"))) for name in own_names(folder))
        yield _table(("name", "about"), rows)
        yield f"A plugin has what `{folder.protocol}` asks for:"
        yield "\n".join(_members(_class(place / "base.py", folder.protocol)))


def _members(protocol: ast.ClassDef) -> Iterator[str]:
    for part, after in zip(protocol.body, [*protocol.body[1:], None], strict=True):
        if isinstance(part, ast.FunctionDef):
            yield f"- `{_call(part, {})}`: {_sentence(ast.get_docstring(part) or '')}"
        elif isinstance(part, ast.AnnAssign):
            about = _sentence(_text_of(after))
            yield f"- `{ast.unparse(part.target)}: {_type(part.annotation)}`{about and ': '}{about}"


def _python() -> Iterator[str]:
    yield "## Python"
    yield "Each method of `Workspace` is the twin of a command."
    for file, name in _PYTHON:
        yield from _described(SOURCE / file, name)


def _values() -> Iterator[str]:
    yield "## Values"
    yield "What flows between the stages: frozen dataclasses. These words stand for types:"
    trees = {SOURCE / "values" / f"{name}.py": _tree(SOURCE / "values" / f"{name}.py") for name in _VALUES}
    yield "\n".join(alias for tree in trees.values() for alias in _aliases(tree))
    for file, tree in trees.items():
        for part in tree.body:
            if isinstance(part, ast.ClassDef):
                yield from _described(file, part.name)


def _aliases(tree: ast.Module) -> Iterator[str]:
    for part in tree.body:
        if isinstance(part, ast.Assign) and isinstance(part.value, ast.Subscript):
            yield f"- `{ast.unparse(part.targets[0])}`: `{_type(part.value)}`"


def _described(file: Path, name: str) -> Iterator[str]:
    """A class: where it is, its docstring, its fields, its public methods."""
    found, module = _class(file, name), _dotted(file.with_suffix(""))
    names = vars(importlib.import_module(module))
    yield f"### {name}"
    yield f"`from {'sightline' if name == 'Workspace' else module} import {name}`"
    yield _prose(ast.get_docstring(found))
    fields = [part for part in found.body if isinstance(part, ast.AnnAssign)]
    if fields:
        rows = (
            (f"`{ast.unparse(each.target)}`", f"`{_type(each.annotation)}`", _field_default(each, names))
            for each in fields
        )
        yield _table(("field", "type", "default"), rows)
    for part in found.body:
        if isinstance(part, ast.FunctionDef) and part.name[0] != "_":
            is_property = any("property" in ast.unparse(each) for each in part.decorator_list)
            shown = f"{part.name}: {_type(part.returns)}" if is_property else _call(part, names)
            shown = re.sub(r"\bSelf\b", name, shown)
            yield f"**`{shown}`**"
            yield _prose(ast.get_docstring(part))


def _field_default(field: ast.AnnAssign, names: Mapping[str, object]) -> str:
    if field.value is None:
        return ""
    text = ast.unparse(_Named(names).visit(field.value))
    factory = re.fullmatch(r"field\(default_factory=(\w+)\)", text)
    return f"`{factory[1]}()`" if factory else "" if text.startswith("field(") else f"`{text}`"


def _call(function: ast.FunctionDef, names: Mapping[str, object]) -> str:
    arguments = function.args
    arguments.args = [each for each in arguments.args if each.arg not in {"self", "cls"}]
    for each in (*arguments.args, *arguments.kwonlyargs):
        each.annotation = each.annotation and _Unquoted().visit(each.annotation)
    arguments.defaults = [_Named(names).visit(each) for each in arguments.defaults]
    arguments.kw_defaults = [each and _Named(names).visit(each) for each in arguments.kw_defaults]
    return f"{function.name}({ast.unparse(arguments)}) -> {_type(function.returns)}"


def _type(node: ast.expr | None) -> str:
    return ast.unparse(_Unquoted().visit(node)) if node else "None"


class _Unquoted(ast.NodeTransformer):
    """Takes the quotes off types that are written as text; the texts of a ``Literal`` keep theirs."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return node if ast.unparse(node.value) == "Literal" else self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.parse(node.value, mode="eval").body if isinstance(node.value, str) else node


class _Named(ast.NodeTransformer):
    """Puts a constant's number in place of its name."""

    def __init__(self, names: Mapping[str, object]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        value = self._names.get(node.id)
        return ast.Constant(value) if isinstance(value, int | float) else node


def _errors() -> Iterator[str]:
    yield "## Errors"
    yield _ABOUT_ERRORS
    kinds = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.SightlineError)
    ]
    rows = ((f"`{kind.__name__}`", str(kind.exit_code), _first(kind.__doc__ or "")) for kind in kinds)
    yield _table(("error", "exit status", "when"), rows)


def _settings() -> Iterator[str]:
    yield "## Settings"
    yield _prose(ast.get_docstring(_class(SOURCE / "settings.py", "Settings")))
    config = _class(SOURCE / "storage" / "layout.py", "WorkspaceConfig")
    yield _prose(ast.get_docstring(config))
    fields = (part for part in config.body if isinstance(part, ast.AnnAssign))
    rows = ((f"`{ast.unparse(each.target)}`", f"`{_type(each.annotation)}`") for each in fields)
    yield _table(("in `sightline.toml`", "type"), rows)


def _prose(docstring: str | None) -> str:
    """A docstring as markdown: its sections become lists, an example a fenced snippet."""
    text = inspect.cleandoc(docstring or "")
    body, *sections = re.split(r"\n\n(?=(?:Args|Raises|Returns|Example):\n)", text)
    parts = [body.replace("``", "`")]
    for section in sections:
        head, _, lines = section.partition(":\n")
        lines = inspect.cleandoc(lines)
        if head == "Example":
            parts.append(f"```python\n{lines}\n```")
        else:
            listed = re.sub(r"(?m)^([A-Za-z_, ]+): ", r"- `\1`: ", lines).replace("``", "`")
            parts.append(f"{head}:\n\n{listed}")
    return "\n\n".join(parts)


def _sentence(docstring: str) -> str:
    """A docstring on one line, without its sections."""
    return " ".join(re.split(r"\n\n(?:Args|Raises|Returns):", docstring)[0].split()).replace("``", "`")


def _first(docstring: str) -> str:
    """The first paragraph, on one line."""
    return " ".join(docstring.strip().partition("\n\n")[0].split()).replace("``", "`")


def _table(heads: tuple[str, ...], rows: typing.Iterable[tuple[str, ...]]) -> str:
    lines = (heads, ("---",) * len(heads), *rows)
    return "\n".join(f"| {' | '.join(cell.replace('|', _BAR) for cell in line)} |" for line in lines)


def _place(folder: Folder[Found]) -> Path:
    return SOURCE.joinpath(*folder.package.split(".")[1:])


def _dotted(path: Path) -> str:
    return ".".join(("sightline", *path.relative_to(SOURCE).parts))


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def _docstring(file: Path) -> str:
    return ast.get_docstring(_tree(file)) or ""


def _class(file: Path, name: str) -> ast.ClassDef:
    return next(part for part in _tree(file).body if isinstance(part, ast.ClassDef) and part.name == name)


def _text_of(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""


def _there(value: Found | None) -> Found:
    """What Typer declares as possibly missing and never is in a registered command."""
    if value is None:
        raise ValueError("a command without a function")
    return value


_HEAD = """\
# Reference

*Made by `python docs/make_reference.py` from the code; change the code, not this page.*

[Commands](#commands) · [Plugins](#plugins) · [Python](#python) · [Values](#values) · [Errors](#errors) ·
[Settings](#settings)"""
_ABOUT_COMMANDS = """\
Results go to stdout; progress, and what is decided on the way, go to stderr. Exit status 0 is success; the
others stand under [errors](#errors)."""
_ABOUT_PLUGINS = """\
One file is one plugin; its name is the file's. Packages add their own by entry points in the group of the
same name: see [add a plugin](how-to/add-a-plugin.md)."""
_ABOUT_ERRORS = """\
Whatever goes wrong on purpose is a `sightline.errors.SightlineError` of one line; the command line prints it
and ends with its status."""

if __name__ == "__main__":
    (ROOT / "docs" / "reference.md").write_text(render())
