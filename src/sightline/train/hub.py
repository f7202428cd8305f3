"""Pretrained weights in a local cache or on a hub: finding, and fetching within a deadline."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from sightline.errors import WeightsError
from sightline.plugins import missing_extra
from sightline.values.contract import Normalise

PATIENCE_SECONDS = 4.0
"""How long an unreachable hub may take to be noticed."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """One weights file: how its pixels are scaled, how to find it here and to fetch it from ``host``."""

    name: str
    host: str
    normalise: Normalise
    licence: str
    find: Callable[[], Path | None]
    fetch: Callable[[], Path]


def reachable(host: str, seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether ``host`` answers over HTTPS within ``seconds``, name resolution and a proxy's part included."""
    answered = threading.Event()

    def knock() -> None:
        try:
            urlopen(Request(f"https://{host}/", method="HEAD"), timeout=seconds).close()
        except HTTPError:
            # "Not found" is an answer too.
            answered.set()
        except (OSError, ValueError, HTTPException):
            return
        answered.set()

    # Resolving a name has no deadline of its own, so it happens in a thread that may be left behind.
    caller = threading.Thread(target=knock, daemon=True)
    caller.start()
    caller.join(seconds)
    return answered.is_set()


def torch_hub_file(name: str, url: str, normalise: Normalise) -> HubFile:
    """A file of torchvision's, kept where torch keeps it (``TORCH_HOME``)."""
    import torch.hub

    file_name = Path(urlsplit(url).path).name
    kept = Path(torch.hub.get_dir()) / "checkpoints" / file_name
    # torchvision's file names end in the first digits of their SHA-256.
    digest = kept.stem.rpartition("-")[2]

    def find() -> Path | None:
        try:
            data = kept.read_bytes()
        except OSError:
            return None
        return kept if hashlib.sha256(data).hexdigest().startswith(digest) else None

    def fetch() -> Path:
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(kept), hash_prefix=digest, progress=False)
        except (OSError, RuntimeError) as error:
            raise WeightsError(f"could not fetch {name} from {urlsplit(url).hostname}: {error}") from error
        return kept

    return HubFile(name, urlsplit(url).hostname or "", normalise, "BSD-3-Clause (torchvision)", find, fetch)


def hugging_face_file(repository: str, normalise: Normalise, licence: str) -> HubFile:
    """``model.safetensors`` of a Hugging Face repository, kept where that library keeps it (``HF_HOME``)."""
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError
    except ModuleNotFoundError as error:
        raise missing_extra("a Hugging Face hub name", "huggingface_hub", "train") from error

    def find() -> Path | None:
        found = huggingface_hub.try_to_load_from_cache(repository, "model.safetensors")
        return Path(found) if isinstance(found, str) else None

    def fetch() -> Path:
        try:
            return Path(huggingface_hub.hf_hub_download(repository, "model.safetensors"))
        except (OSError, HfHubHTTPError, ValueError) as error:
            raise WeightsError(f"could not fetch {repository} from the Hugging Face hub: {error}") from error

    host = urlsplit(huggingface_hub.constants.ENDPOINT).hostname or "huggingface.co"
    return HubFile(repository, host, normalise, licence, find, fetch)
