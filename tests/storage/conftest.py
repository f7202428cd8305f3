"""Catalogues of both kinds."""

from catalogues import address, postgresql

__all__ = ["address", "postgresql"]
