"""A classifier's file: temperature and softmax behind the network."""

import torch
from torch import Tensor, nn

from sightline.export.onnx_file import EMBEDDING, Scaled, to_onnx
from sightline.train.arch.base import Network
from sightline.values.contract import Normalise, PixelRecipe
from sightline.values.image import Size

PROBABILITIES = "probabilities"


class PixelsToProbabilities(nn.Module):
    """``network`` behind scaling and in front of temperature and softmax."""

    def __init__(self, network: Network, normalise: Normalise, size: Size, temperature: float) -> None:
        super().__init__()
        self.scaled = Scaled(normalise, size)
        self.network = network
        self.temperature = temperature

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:  # noqa: A002  (the tensor's name in the file)
        """Probabilities ``[N, C]`` and embedding ``[N, D]`` of uint8 pictures ``[N, H, W, 3]``."""
        answer = self.network(self.scaled(input))
        return torch.softmax(answer.logits / self.temperature, dim=1), answer.embedding


def classifier_file(model: PixelsToProbabilities, pixels: PixelRecipe) -> bytes:
    """The ONNX file, with the outputs ``probabilities`` and ``embedding``."""
    return to_onnx(model, pixels, (PROBABILITIES, EMBEDDING))
