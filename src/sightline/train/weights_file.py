"""Reading a file of weights and the JSON beside it, neither of which is trusted."""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from sightline.errors import WeightsError
from sightline.values.contract import Normalise
from sightline.values.image import Size

_LARGEST_CARD = 4_000_000
SUFFIXES = (".safetensors", ".pth", ".pt")

State = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class CardInput:
    """``size`` is ``[height, width]``; mean and std are those of pixels scaled to [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class WeightsCard:
    """The JSON beside a weights file. ``labels``, ``licence`` and ``source`` are free text, only shown."""

    architecture: str
    input: CardInput
    classes: int | tuple[str, ...] | None = None
    labels: str = ""
    licence: str = ""
    source: str = ""

    @property
    def normalise(self) -> Normalise:
        """How pixels are scaled for these weights."""
        return Normalise(self.input.mean, self.input.std)

    @property
    def input_size(self) -> Size | None:
        """The size that the weights were trained at, where it is said."""
        return Size(self.input.size[1], self.input.size[0]) if self.input.size else None

    @property
    def arch(self) -> str:
        """``architecture`` as sightline names it: ``timm/resnet18`` for *timm resnet18*, else the name."""
        library, _, name = self.architecture.strip().replace("/", " ").partition(" ")
        if not name:
            return library
        return name if library == "torchvision" else f"{library}/{name}".replace(" ", "/")


def read_card(weights: Path) -> WeightsCard | None:
    """The card beside ``weights`` (same stem, ``.json``), or None where there is none.

    Raises:
        WeightsError: the card is too large, not JSON, or not of the documented form.
    """
    path = weights.with_suffix(".json")
    if not path.is_file():
        return None
    if path.stat().st_size > _LARGEST_CARD:
        raise WeightsError(
            f"{path.name!r} is larger than {_LARGEST_CARD:,} bytes, too large to describe weights"
        )
    try:
        card = TypeAdapter(WeightsCard).validate_json(path.read_bytes())
        card.normalise, card.input_size  # noqa: B018  (their ranges are checked by being made)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise WeightsError(f"{path.name!r}, {where or 'as a whole'}: {first['msg']}") from error
    except ValueError as error:
        raise WeightsError(f"{path.name!r}: {error}") from error
    return card


def read_state(path: Path) -> tuple[State, str]:
    """All tensors of a weights file on the CPU, and the file's SHA-256.

    ``.pth`` is read with ``weights_only=True``: nothing in it is ever executed. A prefix ``module.``,
    which data-parallel training leaves, is removed.

    Raises:
        WeightsError: no such file, another format, or a file that holds more than tensors.
    """
    if path.suffix not in SUFFIXES:
        raise WeightsError(f"{path.name!r}: weights are read from {', '.join(SUFFIXES)} files")
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        state = _load(path)
    except OSError as error:
        raise WeightsError(f"cannot read weights {path.name!r}: {error.strerror or error}") from error
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}, digest


def _load(path: Path) -> State:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise WeightsError(f"{path.name!r} is not a safetensors file: {error}") from error
    try:
        with warnings.catch_warnings():
            # Its doubts about pickle protocols are no one's business: the file is refused or read.
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:
        # torch.load raises whatever it likes on damaged bytes.
        reason = str(error).partition("\n")[0][:200]
        raise WeightsError(
            f"{path.name!r} is not a plain state dict that can be read safely: {reason}"
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not state:
        raise WeightsError(f"{path.name!r} holds no state dict (names to tensors)")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise WeightsError(
                f"{path.name!r} holds {name!r} of type {type(value).__name__}; wanted only tensors"
            )
    return state
