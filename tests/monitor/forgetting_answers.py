"""A process that forgets answers: ``forgetting_answers.py FOLDER ID...``, and prints each that is gone."""

import os
import sys
from pathlib import Path

from sightline.monitor.prediction_log import PredictionLog

log = PredictionLog(Path(sys.argv[1]))
for name in sys.argv[2:]:
    log.forget(name)
    os.write(1, f"{name}\n".encode())
