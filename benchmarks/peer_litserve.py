"""LitServe, as its pages on batching and workers advise: batches of up to 4 within 5 ms, one worker a
processor. A picture comes as a form's file, for it reads every other body as JSON.

python peer_litserve.py PORT
"""

import sys
from typing import Any

import litserve
from fastapi import Request

from peer_parts import PROCESSORS, decode, run, session, top


class Classifier(litserve.LitAPI):  # type: ignore[misc]
    def setup(self, device: str) -> None:  # noqa: ARG002 - litserve's
        self.runtime = session()

    def decode_request(self, request: Request) -> bytes:
        return bytes(request["pictures"].file.read())

    def batch(self, inputs: list[bytes]) -> Any:
        return [decode(each) for each in inputs]

    def predict(self, batch: Any) -> Any:
        return run(self.runtime, batch)

    def unbatch(self, output: Any) -> Any:
        return list(output)

    def encode_response(self, output: Any) -> dict[str, float]:
        return top(output)


if __name__ == "__main__":
    api = Classifier(max_batch_size=4, batch_timeout=0.005, api_path="/v1/models/small/predict")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=PROCESSORS)
    server.run(port=int(sys.argv[1]), log_level="error", generate_client_file=False)
