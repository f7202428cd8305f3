"""The base install: how many distributions, no torch, and how long ``sightline --help`` takes.

Makes a virtual environment of its own. No data.
"""

import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        venv.create(name, with_pip=True)
        python = Path(name, "bin", "python")
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--constraint", str(ROOT / "constraints.txt"), str(ROOT)], check=True)
        listed = subprocess.run(
            [str(python), "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"],
            check=True,
            capture_output=True,
        ).stdout
        names = {each["name"].lower() for each in json.loads(listed)} - {"pip", "setuptools", "sightline"}
        command = [str(Path(name, "bin", "sightline")), "--help"]
        subprocess.run(command, check=True, capture_output=True)
        seconds = []
        for _ in range(15):
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - started)
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {version}: {len(names)} distributions beside sightline; wanted at most 30")
    print(f"torch among them: {'torch' in names}")
    print(f"sightline --help: median {median(seconds):.3f} s, slowest {max(seconds):.3f} s; wanted below 0.4")


if __name__ == "__main__":
    main()
