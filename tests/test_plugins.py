"""The plugin folders: listing, loading, checking, strangers, and the contract that each folder has tests."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from sightline import plugins
from sightline.errors import MissingExtra, PluginError, UnknownPlugin
from sightline.evaluate.metrics import METRICS
from sightline.infer.runtimes import RUNTIMES
from sightline.plugins import Folder, members

SOURCE = Path(plugins.__file__).parent


def test_every_folder_with_a_base_declares_its_listing() -> None:
    for base in SOURCE.rglob("base.py"):
        text = (base.parent / "__init__.py").read_text()
        package = ".".join(("sightline", *base.parent.relative_to(SOURCE).parts))
        assert f'Folder("{package}"' in text.replace("\n    ", "").replace("(\n", "("), package


def test_listing_imports_no_plugin() -> None:
    program = (
        "import sys\n"
        "from sightline.train.arch import ARCHITECTURES as a\n"
        "from sightline.evaluate.metrics import METRICS as m\n"
        "print(a.names(), m.names())\n"
        "kinds = ('sightline.train.arch.', 'sightline.evaluate.metrics.', 'torch')\n"
        "print([name for name in sys.modules if name.startswith(kinds)])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "mobilenet_v2" in done.stdout
    assert done.stdout.splitlines()[1] == "[]"


def test_an_unknown_name_lists_what_there_is_and_the_nearest() -> None:
    with pytest.raises(
        UnknownPlugin, match=r"no evaluate metrics plugin named 'top2'.*roc_auc.*Did you mean 'top1'"
    ):
        METRICS.load("top2")


def test_a_missing_library_is_answered_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    folder: Folder[object] = Folder("sightline.infer.runtimes", "Runtime", extra="train")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "sightline.infer.runtimes.onnxruntime", raising=False)
    with pytest.raises((MissingExtra, ImportError), match=r"onnxruntime"):
        folder.load("onnxruntime")


def stranger(monkeypatch: pytest.MonkeyPatch, plugin: object, name: str = "odd") -> Folder[object]:
    module = ModuleType("a_stranger")
    module.plugin = plugin  # type: ignore[attr-defined]  # a module made up here
    monkeypatch.setitem(sys.modules, "a_stranger", module)
    point = EntryPoint(name, "a_stranger:plugin", "sightline.infer.runtimes")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point] if group == point.group else [])
    return Folder("sightline.infer.runtimes", "Runtime")


def test_a_stranger_comes_in_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    good = SimpleNamespace(VERSION="1", load=lambda model, threads: None)
    own = RUNTIMES.names()
    folder = stranger(monkeypatch, good)
    assert folder.names() == tuple(sorted({"odd", *own}))
    assert folder.load("odd") is good


def test_a_stranger_never_replaces_a_file_of_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stranger(
        monkeypatch, SimpleNamespace(VERSION="1", load=lambda model, threads: None), name="onnxruntime"
    )
    assert folder.names() == RUNTIMES.names()
    assert isinstance(folder.load("onnxruntime"), ModuleType)


@pytest.mark.parametrize(
    ("plugin", "complaint"),
    [
        (SimpleNamespace(VERSION="1"), "lacks 'load'"),
        (SimpleNamespace(VERSION="1", load=3), r"load must take \(model, threads\)"),
        (SimpleNamespace(VERSION="1", load=lambda model: None), r"load must take \(model, threads\)"),
    ],
)
def test_a_plugin_that_does_not_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch, plugin: object, complaint: str
) -> None:
    with pytest.raises(PluginError, match=complaint):
        stranger(monkeypatch, plugin).load("odd")


def test_no_protocol_asks_for_more_than_five_members() -> None:
    for base in SOURCE.rglob("base.py"):
        package = ".".join(("sightline", *base.parent.relative_to(SOURCE).parts))
        if package.startswith(("sightline.train", "sightline.export")):
            pytest.importorskip("torch")
        module = __import__(f"{package}.base", fromlist=["base"])
        protocols = [
            v for v in vars(module).values() if isinstance(v, type) and getattr(v, "_is_protocol", False)
        ]
        for protocol in protocols:
            if protocol.__module__ == module.__name__:
                assert len(members(protocol)) <= 5, protocol
