"""Initial weights: from a file, the local cache, a hub, or the seed, and an account of which."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from sightline.errors import InputError, WeightsError
from sightline.train.arch import ARCHITECTURES
from sightline.train.arch.base import Network
from sightline.train.hub import HubFile, reachable
from sightline.train.pyramids import BACKBONES
from sightline.train.weights_file import SUFFIXES, State, WeightsCard, read_card, read_state
from sightline.values.contract import Normalise
from sightline.values.dataset import Task
from sightline.values.image import Size
from sightline.values.recipe import WeightsOrigin

PLAIN = Normalise(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
"""For weights from scratch: pixels to [-1, 1]."""
DETECTOR = "anchor_free"
"""The detector that goes over any backbone."""
_SHARE_THAT_MUST_FIT = 0.5
_WAYS_OUT = (
    "give --weights FILE (.safetensors, or .pth with a .json beside it), "
    "or --weights none to start from scratch"
)


@dataclass(frozen=True)
class InitialWeights:
    """A state to load (None: the seed's), where it came from and what it says of its input.

    ``classes`` are the names of the file's outputs where it has them.
    """

    arch: str
    origin: WeightsOrigin
    normalise: Normalise
    size: Size
    state: State | None = None
    classes: tuple[str, ...] = ()


def check_weights(wanted: str) -> None:
    """Refuse a ``--weights`` that names neither a file that is there nor an architecture.

    Raises:
        WeightsError: with the ways out.
    """
    if wanted in ("auto", "none") or Path(wanted).is_file():
        return
    if wanted.endswith(SUFFIXES):
        raise WeightsError(f"no weights file at {wanted!r}; give a file, a hub name, auto or none")
    if split_arch(wanted)[0] not in ARCHITECTURES.names():
        raise WeightsError(f"--weights {wanted!r} is neither a file here nor a hub name; {_WAYS_OUT}")


def find_weights(wanted: str, arch: str, normalise: Normalise | None, task: Task) -> InitialWeights:
    """Resolve ``--weights``.

    Args:
        wanted: ``auto`` (the local cache, else the hub, else from scratch), ``none``, a file, or a hub
            name, which is an architecture as in ``--arch`` (``mobilenet_v2``, ``timm/resnet18.a1_in1k``).
        arch: the architecture asked for; empty where ``wanted`` may decide.
        normalise: what ``--normalise`` says; needed for a file without a card.
        task: what the network is for; a classifier's weights go into a detector's backbone.

    Raises:
        WeightsError: a file or hub name that cannot be had, with the ways out.
        UnknownPlugin: no such architecture.
    """
    if wanted == "auto":
        return _auto(arch, normalise)
    if wanted == "none":
        return _scratch(arch, "asked for with --weights none", normalise)
    check_weights(wanted)
    if Path(wanted).is_file():
        return _from_file(Path(wanted), arch, normalise, task)
    return _from_hub_name(wanted, arch or arch_for(task, wanted), normalise)


def arch_for(task: Task, named: str) -> str:
    """The architecture of a task that takes the weights of ``named``: itself, or a detector over it."""
    own = ARCHITECTURES.load(split_arch(named)[0]).TASK
    return f"{DETECTOR}/{named}" if task == "detection" and own == "classification" else named


def check_arch(task: Task, arch: str) -> None:
    """Refuse an architecture made for another task.

    Raises:
        InputError: says what these pictures need.
        UnknownPlugin: no such architecture.
    """
    own = ARCHITECTURES.load(split_arch(arch)[0]).TASK
    if own != task:
        takes = split_arch(arch)[0] in BACKBONES
        hint = f"; try {arch_for(task, arch if takes else BACKBONES[0])}" if task == "detection" else ""
        raise InputError(f"{arch} is made for {own}, and these pictures are for {task}{hint}")


def load_weights(network: Network, weights: InitialWeights) -> WeightsOrigin:
    """Load what fits into ``network`` and say what did not.

    Raises:
        WeightsError: fewer than half of the network's backbone parameters fit.
    """
    if weights.state is None:
        return weights.origin
    own = network.body.state_dict()
    named = {_own_name(name, network): name for name in weights.state}
    state = {ours: weights.state[theirs] for ours, theirs in named.items()}
    # Counters of batch normalisation say nothing about the fit and older files lack them.
    wanted = {name for name in own if not name.endswith("num_batches_tracked")}
    fits = {n: t for n, t in state.items() if n in own and own[n].shape == t.shape}
    backbone = {name for name in wanted if not network.is_head(name)}
    share = len(backbone & fits.keys()) / max(len(backbone), 1)
    dropped = tuple(
        sorted(named[n] for n in state if n not in fits and not n.endswith("num_batches_tracked"))
    )
    if share < _SHARE_THAT_MUST_FIT:
        example = f", for example {dropped[0]!r}" if dropped else ""
        raise WeightsError(
            f"{weights.origin.name!r} does not fit {weights.arch}: {share:.0%} of its "
            f"backbone's parameters match in "
            f"name and shape, {len(dropped)} of the file's are unknown or of another shape{example}; "
            "check --arch, or use --weights none"
        )
    network.body.load_state_dict(fits, strict=False)
    return replace(weights.origin, dropped=dropped, fresh=tuple(sorted(wanted - fits.keys())))


def _own_name(name: str, network: Network) -> str:
    """A parameter of a weights file as the body names it: a backbone's file knows nothing around it."""
    if not network.backbone or name in network.body.state_dict():
        return name
    return f"{network.backbone}.{name}"


def weights_digest(network: torch.nn.Module) -> str:
    """SHA-256 over names, shapes and bytes of all parameters and buffers, hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def split_arch(arch: str) -> tuple[str, str]:
    """``NAME/VARIANT`` as its two parts."""
    name, _, variant = arch.partition("/")
    return name, variant


def _hub_file(arch: str) -> HubFile | None:
    name, variant = split_arch(arch)
    return ARCHITECTURES.load(name).hub(variant)


def _input_size(arch: str) -> Size:
    name, variant = split_arch(arch)
    return ARCHITECTURES.load(name).input_size(variant)


def _scratch(arch: str, why: str, normalise: Normalise | None) -> InitialWeights:
    origin = WeightsOrigin(kind="scratch", why=why)
    return InitialWeights(arch, origin, normalise or PLAIN, _input_size(arch))


def _auto(arch: str, normalise: Normalise | None) -> InitialWeights:
    hub = _hub_file(arch)
    if hub is None:
        return _scratch(arch, "no pretrained weights are known for it", normalise)
    damaged = ""
    cached = hub.find()
    if cached is not None:
        try:
            return _from_hub_file(hub, cached, arch, "cache", normalise)
        except WeightsError as error:
            damaged = f"{error}; "
    if not reachable(hub.host):
        return _scratch(
            arch,
            f"{damaged or 'its weights are not in the local cache, and '}{hub.host} could not be reached",
            normalise,
        )
    try:
        return _from_hub_file(hub, hub.fetch(), arch, "hub", normalise)
    except WeightsError as error:
        return _scratch(arch, str(error), normalise)


def _from_hub_name(name: str, arch: str, normalise: Normalise | None) -> InitialWeights:
    hub = _hub_file(name)
    if hub is None:
        raise WeightsError(f"there are no pretrained weights of {name} on a hub; {_WAYS_OUT}")
    cached = hub.find()
    if cached is None and not reachable(hub.host):
        raise WeightsError(f"{name} is not in the local cache and {hub.host} cannot be reached; {_WAYS_OUT}")
    kind: Literal["cache", "hub"] = "hub" if cached is None else "cache"
    return _from_hub_file(hub, cached or hub.fetch(), arch or name, kind, normalise)


def _from_hub_file(
    hub: HubFile, path: Path, arch: str, kind: Literal["cache", "hub"], normalise: Normalise | None
) -> InitialWeights:
    state, digest = read_state(path)
    origin = WeightsOrigin(kind=kind, name=hub.name, sha256=digest, licence=hub.licence)
    return InitialWeights(arch, origin, normalise or hub.normalise, _input_size(arch), state)


def _from_file(path: Path, arch: str, normalise: Normalise | None, task: Task) -> InitialWeights:
    card = read_card(path)
    state, digest = read_state(path)
    if card is None and normalise is None:
        raise WeightsError(
            f"{path.name!r} has no {path.with_suffix('.json').name!r} beside it to say how "
            f"its pixels are scaled; "
            "write one, or give --normalise MEAN,STD (imagenet, or six numbers)"
        )
    arch = arch or (arch_for(task, card.arch) if card else "")
    if not arch:
        raise WeightsError(f"{path.name!r} has no card that names its architecture; give --arch")
    origin = WeightsOrigin(kind="file", name=path.name, sha256=digest, licence=card.licence if card else "")
    scaling = normalise or (card.normalise if card else PLAIN)
    # A detector works at other sizes than the classifier that its backbone comes from.
    size = (card.input_size if card and arch == card.arch else None) or _input_size(arch)
    return InitialWeights(arch, origin, scaling, size, state, _class_names(card))


def _class_names(card: WeightsCard | None) -> tuple[str, ...]:
    return card.classes if card and isinstance(card.classes, tuple) else ()
