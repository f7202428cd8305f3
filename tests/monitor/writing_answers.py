"""A process that keeps answers until it is killed: ``writing_answers.py FOLDER``.

It prints the id of each as soon as it is acknowledged.
"""

import os
import sys
import threading
from pathlib import Path

from sightline.errors import StorageError
from sightline.monitor.capture import Capture

sys.path.insert(0, str(Path(__file__).parents[1]))
from kept_answers import captured

capture = Capture(Path(sys.argv[1]))


def keep_on(thread: int) -> None:
    while True:
        some = [captured(capture.new_id(), f"thread {thread}") for _ in range(3)]
        done = threading.Event()

        def told(error: StorageError | None, some: list = some, done: threading.Event = done) -> None:  # type: ignore[type-arg]
            if error is None:
                os.write(1, "".join(f"{each.id}\n" for each in some).encode())
            done.set()

        capture.keep(some, told)
        done.wait()


for number in range(3):
    threading.Thread(target=keep_on, args=(number,)).start()
