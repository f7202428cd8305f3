"""Plain FastAPI, as its page on concurrency advises for work that blocks: ``def``, in the thread pool.

python peer_fastapi.py PORT
"""

import sys
from typing import Annotated

import uvicorn
from fastapi import Body, FastAPI

from peer_parts import decode, run, session, top

app, runtime = FastAPI(), session()


@app.post("/v1/models/small/predict")  # type: ignore[untyped-decorator]
def predict(data: Annotated[bytes, Body(media_type="application/octet-stream")]) -> dict[str, float]:
    return top(run(runtime, [decode(data)])[0])


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
