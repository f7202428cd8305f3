"""A process that makes releases and says on stdout what has been acknowledged: ADDRESS ROOT NAME ROUNDS."""

import sys
from pathlib import Path

from sightline.registry.releases import Registry
from sightline.storage.catalogue import open_catalogue
from sightline.storage.files import sha256_bytes, write_atomic
from sightline.storage.layout import init_workspace
from sightline.values.release import Release


def main(address: str, root: str, name: str, rounds: str) -> None:
    say("ready", 0)
    sys.stdin.readline()
    registry = Registry(open_catalogue(address), init_workspace(Path(root)))
    for _ in range(int(rounds)):
        version = registry.reserve(name)
        say("reserved", version)
        path, data = f"models/{name}-{version}.sight", f"{name} {version}".encode()
        write_atomic(registry.layout.root / path, data)
        digest = sha256_bytes(data)
        registry.add(
            Release(name, version, "candidate", path, digest, "d" * 64, "e" * 64, "0", None, "2026-01-01")
        )
        say("added", version)
        registry.promote(name, version, force_reason="a test")
        say("promoted", version)


def say(what: str, version: int) -> None:
    sys.stdout.write(f"{what} {version}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
