"""ONNX Runtime on the processor.

Set so that the same batch gives the same bytes on the same machine: a fixed number of threads, and
deterministic kernels. Threads that wait sleep instead of spinning, because decoding wants the processor
at the same time.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

from sightline.errors import BundleError
from sightline.infer.runtimes.base import Arrays, Session
from sightline.settings import instructions
from sightline.values.contract import TensorSpec
from sightline.values.image import Pixels

VERSION: str = onnxruntime.__version__
_FATAL = 4
_VNNI = frozenset({"avx_vnni", "avx512_vnni"})
"""Instructions that add products of 8-bit numbers in 32 bits."""
_NUMPY_NAMES = {"float": "float32", "double": "float64"}
_ENGINE_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    *(
        each
        for each in vars(onnxruntime_pybind11_state).values()
        if isinstance(each, type) and issubclass(each, Exception)
    ),
)

onnxruntime.set_default_logger_severity(_FATAL)


@dataclass(frozen=True, slots=True)
class OnnxSession:
    """A model loaded into ONNX Runtime."""

    engine: onnxruntime.InferenceSession
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def run(self, batch: Pixels) -> Arrays:
        """All outputs for ``batch``, by name."""
        names = [spec.name for spec in self.outputs]
        try:
            arrays: list[npt.NDArray[np.generic]] = self.engine.run(names, {self.inputs[0].name: batch})
        except _ENGINE_ERRORS as error:
            raise BundleError(
                f"ONNX Runtime failed on a batch of shape {batch.shape}: {_line(error)}"
            ) from error
        return dict(zip(names, arrays, strict=True))


def load(model: bytes, threads: int) -> Session:
    """The model on the CPU provider with ``threads`` threads inside an operator."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    options.use_deterministic_compute = True
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not instructions() & _VNNI:
        # Pairs of 8-bit products are added in 16 bits then, which overflow: rather slower than wrong.
        options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        engine = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except _ENGINE_ERRORS as error:
        raise BundleError(f"ONNX Runtime cannot load the model: {_line(error)}") from error
    return OnnxSession(engine, _specs(engine.get_inputs()), _specs(engine.get_outputs()))


def _specs(tensors: list[onnxruntime.NodeArg]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(each.name, _dtype(each.type), _shape(each.shape)) for each in tensors)


def _dtype(declared: str) -> str:
    """The numpy name of what ONNX Runtime writes as ``tensor(float)``."""
    name = declared.removeprefix("tensor(").removesuffix(")")
    return _NUMPY_NAMES.get(name, name)


def _shape(declared: list[int | str | None]) -> tuple[int | str, ...]:
    return tuple("?" if each is None else each for each in declared)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
