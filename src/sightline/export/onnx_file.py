"""A trained network as one ONNX file that takes pixels: *model input* uint8 ``[N, H, W, 3]`` RGB.

Everything after the pixels is inside the graph, so that whoever runs the file cannot get it wrong.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from sightline.errors import SightlineError
from sightline.export.bare import bare
from sightline.values.contract import (
    ModelContract,
    Normalise,
    PixelRecipe,
    Suppression,
    TensorSpec,
    task_outputs,
)
from sightline.values.dataset import Task
from sightline.values.image import Size

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 20
INPUT, EMBEDDING = "input", "embedding"


def to_onnx(
    model: nn.Module,
    pixels: PixelRecipe,
    outputs: Sequence[str],
    finish: Callable[["ModelProto"], None] | None = None,
) -> bytes:
    """The model as ONNX bytes: the same weights and recipe give the same bytes.

    Args:
        model: takes uint8 ``[N, H, W, 3]`` and gives a tensor for each of ``outputs``.
        pixels: the recipe that makes its input.
        outputs: their names.
        finish: what is still to be done to the graph.

    Raises:
        SightlineError: the network cannot be exported, or the file would need external data.
    """
    example = torch.zeros(2, pixels.size.height, pixels.size.width, 3, dtype=torch.uint8)
    model = model.cpu().eval()
    try:
        with _quiet():
            program = torch.onnx.export(
                model,
                (example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=list(outputs),
                dynamic_shapes={"input": {0: torch.export.Dim.DYNAMIC}},
                verbose=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise SightlineError(f"this network cannot be exported to ONNX: {reason}") from error
    if program is None:
        raise SightlineError("the ONNX exporter gave nothing")
    proto = program.model_proto  # made anew at each access
    if finish is not None:
        finish(proto)
    return bare(proto)


def contract(
    task: Task,
    classes: tuple[str, ...],
    pixels: PixelRecipe,
    embedding: int,
    suppression: Suppression | None = None,
) -> ModelContract:
    """What the file takes and gives; ``embedding`` is its length."""
    return ModelContract(
        task=task,
        classes=classes,
        pixels=pixels,
        inputs=(TensorSpec(INPUT, "uint8", ("N", pixels.size.height, pixels.size.width, 3)),),
        outputs=(
            *task_outputs(task, classes, suppression),
            TensorSpec(EMBEDDING, "float32", ("N", embedding)),
        ),
        suppression=suppression,
    )


class Scaled(nn.Module):
    """What comes first in every file: uint8 ``[N, H, W, 3]`` to what the network expects.

    Scale and shift are as long as a row of the picture. Three numbers, one a channel, would be enough, but
    where the channels lie innermost, as for a network in 8 bits, ONNX Runtime then works on three numbers at
    a time, and this takes a fifth of the whole network's time.
    """

    def __init__(self, normalise: Normalise, size: Size) -> None:
        super().__init__()
        # (x / 255 - mean) / std as one multiplication and one addition.
        scale = 1 / (255 * torch.tensor(normalise.std))
        shift = -torch.tensor(normalise.mean) / torch.tensor(normalise.std)
        self.width = size.width
        self.register_buffer("scale", scale.repeat(size.width))
        self.register_buffer("shift", shift.repeat(size.width))

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (the tensor's name in the file)
        """float32 ``[N, 3, H, W]``."""
        rows = input.to(torch.float32).flatten(2) * self.get_buffer("scale") + self.get_buffer("shift")
        return rows.view(*rows.shape[:2], self.width, 3).permute(0, 3, 1, 2)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks on stdout, in warnings and in logs, all of them about itself."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
