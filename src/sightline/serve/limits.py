"""What one server takes on at most."""

from dataclasses import dataclass, field

from sightline.errors import InputError
from sightline.settings import settings

_PER_PROCESSOR = 12


def usual_queue() -> int:
    """Pictures that may wait or be worked on where nobody says otherwise."""
    return _PER_PROCESSOR * settings().threads


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what is accepted, and for how long it may wait.

    ``queue`` is how many pictures may wait or be worked on at a time over all models (default: 12 a processor
    that may be used, which keeps the wait below twice that of 16 clients on two); one request may not bring
    more. ``body_bytes`` bounds one request's body, ``held_bytes`` all bodies together, ``pixels`` what a
    picture's header may declare. ``seconds`` is a request's deadline; a request may ask for less.
    ``body_seconds`` is how long a body may take to come in, ``head_seconds`` how long a connection may be
    open without a whole request's head. ``batch_wait_ms`` is how long a batch that is not full waits for more
    pictures while a processor is free.
    """

    queue: int = field(default_factory=usual_queue)
    body_bytes: int = 32 * 1024**2
    held_bytes: int = 512 * 1024**2
    pixels: int = 32_000_000
    seconds: float = 10.0
    body_seconds: float = 30.0
    head_seconds: float = 15.0
    batch_wait_ms: float = 0.0

    def __post_init__(self) -> None:
        for name in (
            "queue",
            "body_bytes",
            "held_bytes",
            "pixels",
            "seconds",
            "body_seconds",
            "head_seconds",
        ):
            if getattr(self, name) <= 0:
                raise InputError(f"{name.replace('_', ' ')} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.batch_wait_ms <= 1000:
            raise InputError(f"a batch waits 0 to 1000 ms, got {self.batch_wait_ms}")
        if self.held_bytes < self.body_bytes:
            raise InputError(f"all bodies together may not have less than one, {self.body_bytes:,} bytes")
