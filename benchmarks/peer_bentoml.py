"""BentoML, as its pages on adaptive batching and workers advise: ``batchable``, a worker a processor.

python -m bentoml serve peer_bentoml:Classifier --port PORT
"""

from pathlib import Path

import bentoml

from peer_parts import decode, run, session, top


@bentoml.service(workers="cpu_count", traffic={"timeout": 30})
class Classifier:
    def __init__(self) -> None:
        self.runtime = session()

    @bentoml.api(  # type: ignore[untyped-decorator]
        batchable=True, max_batch_size=8, max_latency_ms=1000, route="/v1/models/small/predict"
    )
    def predict(self, pictures: list[Path]) -> list[dict[str, float]]:
        return [top(each) for each in run(self.runtime, [decode(path.read_bytes()) for path in pictures])]
