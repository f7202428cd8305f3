"""The base install, and that with the extra ``serve``: how many distributions, no torch, and how long
``sightline --help`` takes.

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
        constrained = [*install, "--constraint", str(ROOT / "constraints.txt")]
        subprocess.run([*constrained, str(ROOT)], check=True)
        names = installed(python)
        command = [str(Path(name, "bin", "sightline")), "--help"]
        subprocess.run(command, check=True, capture_output=True)
        seconds = []
        for _ in range(15):
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - started)
        subprocess.run([*constrained, f"{ROOT}[serve]"], check=True)
        serving = installed(python)
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {version}: {len(names)} distributions beside sightline; wanted at most 30")
    print(f"with the extra serve: {len(serving)}; wanted at most 43")
    print(f"torch among them: {'torch' in serving}")
    print(f"sightline --help: median {median(seconds):.3f} s, slowest {max(seconds):.3f} s; wanted below 0.4")


def installed(python: Path) -> set[str]:
    """Names of all distributions but sightline and those of the environment itself."""
    command = [str(python), "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    listed = subprocess.run(command, check=True, capture_output=True).stdout
    return {each["name"].lower() for each in json.loads(listed)} - {"pip", "setuptools", "sightline"}


if __name__ == "__main__":
    main()
