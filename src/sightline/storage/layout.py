"""A workspace's paths and its settings file, ``sightline.toml``."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sightline.errors import StorageError, WorkspaceError
from sightline.storage.files import write_atomic

_LARGEST = 1_000_000


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
    def catalogue_url(self) -> str:
        """The catalogue's address where the settings file names none."""
        return f"sqlite:///{self.internal / 'catalogue.sqlite'}"


@dataclass(frozen=True, slots=True)
class WorkspaceConfig:
    """``sightline.toml``: fingerprints of keys believed here, and the catalogue's address if not the default."""

    trusted_keys: tuple[str, ...] = ()
    catalogue: str = ""


def find_workspace(start: Path) -> Layout | None:
    """The workspace that ``start`` lies in: the nearest folder upwards with a ``sightline.toml``."""
    here = start.resolve()
    return next(
        (Layout(folder) for folder in (here, *here.parents) if (folder / "sightline.toml").is_file()), None
    )


def init_workspace(root: Path) -> Layout:
    """Make ``root`` a workspace, or give the one that it is already.

    Raises:
        StorageError: the disk refused.
    """
    layout = Layout(root.resolve())
    try:
        for folder in (layout.models, layout.runs, layout.datasets):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make a workspace in {str(root)!r}: {error.strerror}") from error
    if not layout.toml.exists():
        write_config(layout, WorkspaceConfig())
    return layout


def read_config(layout: Layout) -> WorkspaceConfig:
    """The settings file.

    Raises:
        WorkspaceError: it cannot be read, or says something that it may not; names the field.
    """
    try:
        if layout.toml.stat().st_size > _LARGEST:
            raise WorkspaceError(f"{str(layout.toml)!r} is too large for a settings file")
        table = tomllib.loads(layout.toml.read_text(encoding="utf-8"))
        unknown = table.keys() - set(WorkspaceConfig.__dataclass_fields__)
        if unknown:
            raise WorkspaceError(f"{str(layout.toml)!r}: nothing reads {', '.join(sorted(unknown))}")
        return TypeAdapter(WorkspaceConfig).validate_python(table)
    except OSError as error:
        raise WorkspaceError(f"cannot read {str(layout.toml)!r}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"{str(layout.toml)!r} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise WorkspaceError(f"{str(layout.toml)!r}: {first['loc'][0]}: {first['msg']}") from error


def write_config(layout: Layout, config: WorkspaceConfig) -> None:
    """Write the settings file, whole or not at all."""
    # JSON strings are TOML strings too, but for DEL, which neither field may hold.
    lines = [
        "# This workspace's settings; sightline keys trust|untrust writes the first.",
        "trusted_keys = [",
    ]
    lines += [f"    {json.dumps(key)}," for key in config.trusted_keys]
    lines += ["]", "# Address of the catalogue; SQLite in .sightline/ where this is empty."]
    lines += [f"catalogue = {json.dumps(config.catalogue)}", ""]
    write_atomic(layout.toml, "\n".join(lines).encode())
