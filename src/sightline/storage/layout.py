"""A workspace's paths and its settings file, ``sightline.toml``."""

import json
import os
import re
import stat
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from sightline.errors import WorkspaceError
from sightline.storage.files import create_atomic, make_folder, refused, write_atomic

_LARGEST = 1_000_000
_FRESH = """\
# This workspace's settings.

# Fingerprints of the keys whose sealed files are believed here: sightline keys trust|untrust FINGERPRINT
trusted_keys = []

# The catalogue's address: empty for SQLite in .sightline/, or postgresql://USER@HOST/DATABASE
catalogue = ""
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of the workspace ``root`` lie."""

    root: Path

    @property
    def toml(self) -> Path:
        """The settings file, whose presence makes a folder a workspace."""
        return self.root / "sightline.toml"

    @property
    def models(self) -> Path:
        """Sealed files, ``NAME-VERSION.sight``."""
        return self.root / "models"

    @property
    def runs(self) -> Path:
        """A folder a run."""
        return self.root / "runs"

    @property
    def internal(self) -> Path:
        """What people need not look into."""
        return self.root / ".sightline"

    @property
    def datasets(self) -> Path:
        """Dataset manifests, ``FINGERPRINT.json``."""
        return self.internal / "datasets"

    @property
    def predictions(self) -> Path:
        """The log of what servers answered."""
        return self.internal / "predictions"

    @property
    def catalogue_url(self) -> str:
        """The catalogue's address where the settings file names none."""
        return f"sqlite:///{self.internal.absolute() / 'catalogue.sqlite'}"


@dataclass(frozen=True, slots=True)
class WorkspaceConfig:
    """``sightline.toml``: fingerprints of keys believed here; the catalogue's address, if not the default."""

    trusted_keys: tuple[str, ...] = ()
    catalogue: str = ""


def find_workspace(start: Path) -> Layout | None:
    """The workspace that ``start`` lies in: the nearest folder upwards with a ``sightline.toml``.

    Raises:
        WorkspaceError: somebody else has put that file where everybody may write.
    """
    here = start.resolve()
    around = (Layout(folder) for folder in (here, *here.parents))
    found = next((layout for layout in around if layout.toml.is_file()), None)
    if found is not None and _planted(found):
        raise WorkspaceError(
            f"{str(found.toml)!r} is another user's, in a folder where everybody may write; what it says is "
            "not believed: work in a folder that is not below it, or remove it"
        )
    return found


def _planted(layout: Layout) -> bool:
    """Whether a stranger can have put the settings file above a folder of ours, as in ``/tmp``."""
    folder = layout.root.stat()
    return bool(folder.st_mode & stat.S_IWOTH) and layout.toml.stat().st_uid not in (
        *(os.geteuid(), folder.st_uid, 0),
    )


def init_workspace(root: Path) -> Layout:
    """Make ``root`` a workspace, or give the one that it is already; several processes may do so at once.

    Raises:
        StorageError: the disk refused.
    """
    layout = Layout(root.resolve())
    for folder in (layout.models, layout.runs, layout.datasets):
        make_folder(folder)
    if not layout.toml.is_file():
        create_atomic(layout.toml, _FRESH.encode())
    return layout


def read_config(layout: Layout) -> WorkspaceConfig:
    """The settings file.

    Raises:
        WorkspaceError: it cannot be read, or says something that it may not; names the field.
    """
    return _parse(layout, _read(layout))


def write_config(layout: Layout, config: WorkspaceConfig) -> None:
    """Change the settings file to say ``config``, whole or not at all; comments around its values stay.

    Raises:
        WorkspaceError: the file is written in a way that this cannot change, or cannot be read.
        StorageError: the disk refused.
    """
    text = _read(layout) if layout.toml.exists() else _FRESH
    for field in fields(config):
        text = _with(text, field.name, getattr(config, field.name))
    if _parse(layout, text) != config:
        raise WorkspaceError(f"cannot change {str(layout.toml)!r} as it is written; do it by hand: {config}")
    write_atomic(layout.toml, text.encode())


def _read(layout: Layout) -> str:
    try:
        if layout.toml.stat().st_size > _LARGEST:
            raise WorkspaceError(f"{str(layout.toml)!r} is too large for a settings file")
        return layout.toml.read_text(encoding="utf-8")
    except OSError as error:
        raise WorkspaceError(str(refused("read", layout.toml, error))) from error
    except UnicodeDecodeError as error:
        raise WorkspaceError(f"{str(layout.toml)!r} is not UTF-8 text") from error


def _parse(layout: Layout, text: str) -> WorkspaceConfig:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WorkspaceError(f"{str(layout.toml)!r} is not TOML: {error}") from error
    known = {field.name for field in fields(WorkspaceConfig)}
    for name in table.keys() - known:
        raise WorkspaceError(
            f"{str(layout.toml)!r}: nothing reads {name!r}; there are: {', '.join(sorted(known))}"
        )
    keys, address = table.get("trusted_keys", []), table.get("catalogue", "")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise WorkspaceError(f"{str(layout.toml)!r}: trusted_keys must be a list of texts, got {keys!r}")
    if not isinstance(address, str):
        raise WorkspaceError(f"{str(layout.toml)!r}: catalogue must be a text, got {address!r}")
    return WorkspaceConfig(tuple(keys), address)


def _with(text: str, name: str, value: str | tuple[str, ...]) -> str:
    """``text`` with the assignment to ``name``, which may go over several lines, exchanged or added."""
    line = f"{name} = {_toml(value)}\n"
    there = re.compile(rf"^{name}\s*=\s*(\[[^\]]*\]|[^\n]*?)[ \t]*(#[^\n]*)?(\n|\Z)", re.MULTILINE)
    return there.sub(lambda _: line, text, count=1) if there.search(text) else line + text


def _toml(value: str | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return "[" + "".join(f"\n    {_toml(each)}," for each in value) + ("\n]" if value else "]")
    # JSON's texts are TOML's too, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
