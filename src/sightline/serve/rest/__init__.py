"""HTTP and JSON, translated to the data plane: sightline's own API and the Open Inference Protocol."""
