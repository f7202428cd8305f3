"""Export: a trained network as one ONNX file, and the proof that it answers the same."""
