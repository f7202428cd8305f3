"""An ONNX file without what its maker notes about itself."""

import onnx

from sightline.errors import SightlineError


def bare(proto: onnx.ModelProto) -> bytes:
    """The file without what its maker notes about itself and the machine: stack traces, paths, versions."""
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
