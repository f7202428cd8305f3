"""OpenVINO on the processor, reading the same ONNX files.

Set so that it answers like the reference: floating point stays float32 where the processor would do bfloat16
by itself, and one batch is worked on at a time by a fixed number of threads.
"""

import io
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import openvino

from sightline.errors import BundleError
from sightline.infer.runtimes.base import Arrays, Session
from sightline.values.contract import TensorSpec
from sightline.values.image import Pixels

VERSION: str = openvino.__version__


@dataclass(frozen=True, slots=True)
class OpenVinoSession:
    """A model compiled by OpenVINO."""

    engine: openvino.CompiledModel
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    one_at_a_time: Lock = field(default_factory=Lock)

    def run(self, batch: Pixels) -> Arrays:
        """All outputs for ``batch``, by name."""
        try:
            # A compiled model has one request of its own, which must not be used twice at a time.
            with self.one_at_a_time:
                found = self.engine(np.ascontiguousarray(batch), share_inputs=True)
                return {port.get_any_name(): np.array(found[port]) for port in self.engine.outputs}
        except RuntimeError as error:
            raise BundleError(f"OpenVINO failed on a batch of shape {batch.shape}: {_line(error)}") from error


def load(model: bytes, threads: int) -> Session:
    """The model on the CPU plugin with ``threads`` threads."""
    try:
        core = openvino.Core()
        read = core.read_model(io.BytesIO(model))
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        engine = core.compile_model(read, "CPU", settings)
    except RuntimeError as error:
        raise BundleError(f"OpenVINO cannot load the model: {_line(error)}") from error
    return OpenVinoSession(engine, _specs(engine.inputs), _specs(engine.outputs))


def _specs(ports: list[openvino.ConstOutput]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(port.get_any_name(), port.element_type.to_dtype().name, _shape(port.partial_shape))
        for port in ports
    )


def _shape(declared: openvino.PartialShape) -> tuple[int | str, ...]:
    return tuple("?" if each.is_dynamic else each.get_length() for each in declared)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
