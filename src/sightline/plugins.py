"""A plugin is one file in a plugin folder, and its name is the file's stem.

A plugin folder is a package whose ``base.py`` defines one ``Protocol``; every other module of the
folder that does not start with ``_`` is a plugin, and the module itself fulfils the protocol. Listing
reads the folder and imports nothing; loading imports one file and checks it. Strangers add plugins by
entry points in the group ``sightline.<folder>``, whose value names a module or an object.
"""

import difflib
import importlib
import inspect
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Generic, TypeVar, cast

from sightline.errors import MissingExtra, PluginError, UnknownPlugin

P = TypeVar("P")


@dataclass(frozen=True)
class Folder(Generic[P]):
    """The plugin folder ``package`` (dotted), checked against class ``protocol`` of its ``base.py``.

    ``extra`` names the optional dependencies that its plugins may need.
    """

    package: str
    protocol: str
    extra: str = ""

    def names(self) -> tuple[str, ...]:
        """All plugin names, sorted; imports no plugin."""
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise PluginError(f"{self.package} is not a plugin folder")
        here = Path(spec.submodule_search_locations[0])
        own = {
            file.stem for file in here.glob("*.py") if file.stem != "base" and not file.stem.startswith("_")
        }
        return tuple(sorted(own | self._strangers().keys()))

    def load(self, name: str) -> P:
        """The plugin ``name``, imported and checked.

        Raises:
            UnknownPlugin: no such plugin; the message lists those there are.
            MissingExtra: its library is not installed; the message has the command.
            PluginError: it does not fulfil the folder's protocol.
        """
        names = self.names()
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownPlugin(f"no {self._kind} named {name!r}; there are: {', '.join(names)}.{hint}")
        stranger = self._strangers().get(name)
        try:
            # A file of the folder itself is never replaced by a stranger of the same name.
            own = find_spec(f"{self.package}.{name}") is not None
            plugin = (
                importlib.import_module(f"{self.package}.{name}") if own or not stranger else stranger.load()
            )
            protocol = getattr(importlib.import_module(f"{self.package}.base"), self.protocol)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("sightline"):
                raise
            # A plugin that alone needs a library has an extra of its own name.
            own_extra = name if name in (metadata("sightline").get_all("Provides-Extra") or ()) else ""
            raise missing_extra(
                f"{self._kind} {name!r}", error.name or "", self.extra or own_extra
            ) from error
        self._check(name, plugin, protocol)
        return cast(P, plugin)

    @property
    def _kind(self) -> str:
        return f"{self.package.removeprefix('sightline.').replace('.', ' ')} plugin"

    def _strangers(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.package)}

    def _check(self, name: str, plugin: object, protocol: type) -> None:
        for member in sorted(members(protocol)):
            if not hasattr(plugin, member):
                raise PluginError(f"{self._kind} {name!r} lacks {member!r}, which {self.protocol} asks for")
            wanted, got = getattr(protocol, member, None), getattr(plugin, member)
            if inspect.isfunction(wanted):
                asked = [p for p in inspect.signature(wanted).parameters if p != "self"]
                if not callable(got) or list(inspect.signature(got).parameters) != asked:
                    raise PluginError(f"{self._kind} {name!r}: {member} must take ({', '.join(asked)})")


def members(protocol: type) -> frozenset[str]:
    """Names of the methods and attributes that a protocol class asks for."""
    methods = {name for name, value in vars(protocol).items() if inspect.isfunction(value) and name[0] != "_"}
    return frozenset(methods | set(inspect.get_annotations(protocol)))


def missing_extra(what: str, library: str, extra: str) -> MissingExtra:
    """The error for ``what`` needing ``library``, which ``extra`` would install."""
    way = f"pip install 'sightline[{extra}]'" if extra else f"pip install {library}"
    return MissingExtra(f"{what} needs {library!r}, which is not installed; install it with: {way}")
