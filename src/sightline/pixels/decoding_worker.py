"""The process in which strangers' bytes are decoded, and how it is spoken to.

A message is two lengths, a JSON object and bytes. The parent sends what is to be done and the file; the
answer is a value's fields and its pixels. Where a picture is large the worker first says so and waits for
leave, so that not every worker takes its gigabyte at the same time.

The limits grow with the pixels that the header declares. Time is the processor's: the kernel ends the
process, in whatever library it is, and a busy machine makes no picture undecodable. Memory is address space,
which Linux alone can limit.
"""

import ctypes
import json
import os
import resource
import signal
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from sightline.pixels.decode import MAX_PIXELS, Header, decode, probe
from sightline.pixels.fingerprint import Fingerprint, fingerprint
from sightline.pixels.model_input import ModelInput, model_input
from sightline.values.contract import Fit, PixelRecipe
from sightline.values.image import Picture, Pixels, Size, Undecodable

Head = dict[str, object]

LARGE_PIXELS = 32_000_000
"""A picture above this waits for leave: at the limit of what is decoded, one takes over 1 GB."""

_USUAL_PIXELS = 12_000_000
_SECONDS: Final = (2.0, 10.0)
"""What decoding may take: up to the usual number of pixels, and at the limit; between them on a line."""
_BYTES: Final = (400_000_000, 1_900_000_000)
"""What decoding may take: up to the usual number of pixels, and above."""

_FITS: Mapping[str, Fit] = {"stretch": "stretch", "letterbox": "letterbox", "crop": "crop"}
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""The names that glibc's ``mallopt`` has for them."""
_KEPT_BYTES = 32 * 1024 * 1024

_LENGTHS = struct.Struct("<IQ")
_LONGEST_HEAD = 1 << 16


def main() -> None:
    """Answer on the socket that is standard input, until the other end is closed."""
    _keep_memory()
    with socket.socket(fileno=os.dup(0)) as channel:
        started = _address_space()
        while _answer_next(channel, started):
            pass


def _keep_memory() -> None:
    """Have glibc keep what a usual picture needs, instead of giving it back and fetching it again.

    The kernel clears each page that it gives; for a picture of 500 x 375 that took half as long as decoding.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_TRIM_THRESHOLD, 2 * _KEPT_BYTES)


def _answer_next(channel: socket.socket, started: int) -> bool:
    """One question; False where there is none any more. Nothing of it is held afterwards."""
    try:
        head, length = receive_head(channel)
    except EOFError:
        return False
    _allow_all_memory()
    data = receive_bytes(channel, length).tobytes()
    held = started + length if started else 0
    _allow(0, held)
    declared = _declared(data)
    most = head.get("most")
    if isinstance(most, int) and declared > most:
        reason = f"it declares {declared / 1e6:.0f} megapixels, and at most {most / 1e6:g} are taken here"
        send(channel, {"undecodable": reason})
        return True
    if declared > LARGE_PIXELS:
        send(channel, {"declared": declared})
        channel.recv(1)
    _allow(declared, held)
    send(channel, *_answered(_work(data, head)))
    signal.setitimer(signal.ITIMER_PROF, 0)
    return True


def send(channel: socket.socket, head: Mapping[str, object], payload: bytes | memoryview = b"") -> None:
    """One message."""
    text = json.dumps(head).encode()
    rest = memoryview(payload)
    channel.sendall(_LENGTHS.pack(len(text), rest.nbytes) + text)
    channel.sendall(rest)


def receive_head(channel: socket.socket) -> tuple[Head, int]:
    """A message's object, and how many bytes follow.

    Raises:
        EOFError: the other end is closed.
        ValueError: this is no message.
    """
    text_length, length = _LENGTHS.unpack(receive_bytes(channel, _LENGTHS.size).data)
    if text_length > _LONGEST_HEAD:
        raise ValueError(f"a head of {text_length} bytes")
    head = json.loads(receive_bytes(channel, text_length).tobytes())
    if not isinstance(head, dict):
        raise ValueError("a head that is no object")
    return head, length


def receive_bytes(channel: socket.socket, length: int) -> Pixels:
    """``length`` bytes as uint8 ``[length]``.

    Raises:
        EOFError: the other end is closed.
    """
    taken = np.empty(length, dtype=np.uint8)
    view, done = taken.data, 0
    while done < length:
        count = channel.recv_into(view[done:])
        if not count:
            raise EOFError
        done += count
    return taken


def limits(pixels: int) -> tuple[float, int]:
    """Processor seconds and bytes that decoding a picture of that many pixels may take."""
    share = (pixels - _USUAL_PIXELS) / (MAX_PIXELS - _USUAL_PIXELS)
    low, high = _SECONDS
    return low + min(1.0, max(0.0, share)) * (high - low), _BYTES[pixels > _USUAL_PIXELS]


def _allow(pixels: int, held: int) -> None:
    """Limit what comes next; ``held`` bytes are in use before it, 0 where that is unknown."""
    seconds, room = limits(pixels)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    if held:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = held + room
        resource.setrlimit(
            resource.RLIMIT_AS, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
        )


def _allow_all_memory() -> None:
    """While a file is taken over, which is held twice for a moment; its sender bounds its size."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _address_space() -> int:
    """Bytes of address space in use; 0 where the system does not tell, and then there is no limit."""
    told = Path("/proc/self/statm")
    return int(told.read_text().split()[0]) * resource.getpagesize() if told.is_file() else 0


def _declared(data: bytes) -> int:
    header = probe(data)
    return header.size.area if isinstance(header, Header) else 0


def _work(data: bytes, head: Head) -> Fingerprint | Picture | ModelInput | Undecodable:
    match head:
        case {"do": "fingerprint"}:
            return fingerprint(data)
        case {"do": "decode", "at_least": None}:
            return decode(data)
        case {"do": "decode", "at_least": [int(width), int(height)]}:
            return decode(data, Size(width, height))
        case {
            "do": "model_input",
            "size": [int(width), int(height)],
            "fit": fit,
            "crop": float(crop),
            "fill": int(fill),
            "most": int(),
        }:
            return model_input(data, PixelRecipe(Size(width, height), _FITS[str(fit)], crop, fill))
        case _:
            raise ValueError(f"this cannot be asked: {head}")


def _answered(value: Fingerprint | Picture | ModelInput | Undecodable) -> tuple[Head, bytes | memoryview]:
    match value:
        case Undecodable(reason):
            return {"undecodable": reason}, b""
        case Fingerprint():
            return {"format": value.header.format, "size": _sides(value.header.size)}, value.pixels
        case Picture():
            head: Head = {"size": _sides(value.original), "extent": value.extent}
            return head | {"shape": value.pixels.shape}, np.ascontiguousarray(value.pixels).data
        case ModelInput():
            return {"size": _sides(value.original)}, np.ascontiguousarray(value.pixels).data


def _sides(size: Size) -> tuple[int, int]:
    return size.width, size.height
