"""A run's state on disk: ``safetensors`` only, written atomically, without any pickle."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline.errors import TrainingError
from sightline.storage.files import write_atomic
from sightline.values.evaluation import Epoch


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run has done so far, as of the last finished epoch."""

    history: tuple[Epoch, ...]
    best_epoch: int
    step: int
    seconds: float


def save_checkpoint(path: Path, network: nn.Module, optimizer: Optimizer | None, progress: Progress) -> None:
    """Write the network, the optimizer's state and the progress as one file, or leave the old one.

    Raises:
        StorageError: the disk refused.
    """
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    if optimizer is not None:
        for index, state in optimizer.state_dict()["state"].items():
            tensors.update({f"optimizer.{index}.{key}": value for key, value in state.items()})
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomic(path, save(contiguous, metadata={"progress": json.dumps(asdict(progress))}))


def load_checkpoint(path: Path, network: nn.Module, optimizer: Optimizer | None = None) -> Progress:
    """Load a checkpoint into ``network`` and ``optimizer``.

    Raises:
        TrainingError: the file is not a checkpoint of this network.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            progress = TypeAdapter(Progress).validate_json((stored.metadata() or {}).get("progress", ""))
            tensors: dict[str, Tensor] = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        network.load_state_dict(_below(tensors, "network."))
        if optimizer is not None:
            _load_optimizer(optimizer, _below(tensors, "optimizer."))
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise TrainingError(f"{path.name} is not a checkpoint of this run: {reason}") from error
    return progress


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _load_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    whole = optimizer.state_dict()
    whole["state"] = state
    optimizer.load_state_dict(whole)
    for parameter, loaded in optimizer.state.items():
        for key, value in loaded.items():
            if value.shape == parameter.shape:
                # A fused step walks memory in its order, which must be the parameter's (channels last).
                loaded[key] = torch.empty_like(parameter).copy_(value)
