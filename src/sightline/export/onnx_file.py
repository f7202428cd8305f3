"""A trained classifier as one ONNX file that takes pixels and gives probabilities.

*Model input* uint8 ``[N, H, W, 3]`` RGB; scaling, temperature and softmax are inside the graph, so that
whoever runs the file cannot get them wrong. Outputs: ``probabilities`` float32 ``[N, C]`` and
``embedding`` float32 ``[N, D]``.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from sightline.errors import SightlineError
from sightline.train.arch.base import Network
from sightline.values.contract import ModelContract, Normalise, PixelRecipe, TensorSpec

OPSET = 20
INPUT, PROBABILITIES, EMBEDDING = "input", "probabilities", "embedding"


class PixelsToProbabilities(nn.Module):
    """``network`` behind scaling and in front of temperature and softmax."""

    def __init__(self, network: Network, normalise: Normalise, temperature: float) -> None:
        super().__init__()
        self.network = network
        # (x / 255 - mean) / std as one multiplication and one addition.
        scale = 1 / (255 * torch.tensor(normalise.std))
        shift = -torch.tensor(normalise.mean) / torch.tensor(normalise.std)
        self.register_buffer("scale", scale.view(1, 3, 1, 1))
        self.register_buffer("shift", shift.view(1, 3, 1, 1))
        self.temperature = temperature

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:  # noqa: A002  (the tensor's name in the file)
        """Probabilities and embedding of uint8 pictures ``[N, H, W, 3]``."""
        images = input.permute(0, 3, 1, 2).to(torch.float32)
        answer = self.network(images * self.get_buffer("scale") + self.get_buffer("shift"))
        return torch.softmax(answer.logits / self.temperature, dim=1), answer.embedding


def to_onnx(model: PixelsToProbabilities, pixels: PixelRecipe) -> bytes:
    """The model as ONNX bytes: the same weights and recipe give the same bytes.

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
                output_names=[PROBABILITIES, EMBEDDING],
                dynamic_shapes={"input": {0: torch.export.Dim.DYNAMIC}},
                verbose=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise SightlineError(f"this network cannot be exported to ONNX: {reason}") from error
    if program is None:
        raise SightlineError("the ONNX exporter gave nothing")
    return _bare(program.model_proto)


def contract(classes: tuple[str, ...], pixels: PixelRecipe, embedding: int) -> ModelContract:
    """What the file takes and gives."""
    return ModelContract(
        task="classification",
        classes=classes,
        pixels=pixels,
        inputs=(TensorSpec(INPUT, "uint8", ("N", pixels.size.height, pixels.size.width, 3)),),
        outputs=(
            TensorSpec(PROBABILITIES, "float32", ("N", len(classes))),
            TensorSpec(EMBEDDING, "float32", ("N", embedding)),
        ),
    )


def _bare(proto: object) -> bytes:
    """The file without what the exporter notes about the machine: stack traces, paths, its version."""
    import onnx

    if not isinstance(proto, onnx.ModelProto):
        raise SightlineError("the ONNX exporter gave something else than a model")
    proto.producer_version, proto.doc_string = "", ""
    del proto.metadata_props[:]
    graph = proto.graph
    graph.doc_string, graph.name = "", "sightline"
    del graph.metadata_props[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    # Inferred shapes carry the exporter's symbol names and the runtime infers them anyway.
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    if proto.functions:
        raise SightlineError("the exported graph has functions of its own, which not every runtime takes")
    onnx.checker.check_model(proto)
    serialised: bytes = proto.SerializeToString(deterministic=True)
    return serialised


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
