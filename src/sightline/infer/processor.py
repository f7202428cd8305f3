"""What this machine computes with, as far as the system tells."""

from pathlib import Path

_TELLING = (
    *("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"),
    *("asimd", "asimddp", "i8mm"),
)
"""Instructions that make a difference to a network's speed."""


def instructions() -> frozenset[str]:
    """The names that Linux gives to the processor's instructions; none on other systems."""
    fields = _fields()
    return frozenset(fields.get("flags", fields.get("Features", "")).split())


def processor() -> str:
    """Its name, and which of the instructions that matter it has."""
    has = instructions()
    flags = " ".join(flag for flag in _TELLING if flag in has)
    return f"{_fields().get('model name', 'unknown processor')}; {flags or 'instructions unknown'}"


def _fields() -> dict[str, str]:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.is_file() else []
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
