"""The one hash that tells contents apart: SHA-256, alike on every machine."""

import hashlib
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy import ndarray

Part: TypeAlias = "bytes | str | ndarray"
"""Text is taken as UTF-8, names of files that are none too; an array as its little-endian numbers, row by row, without
its shape and type."""


def sha256(*parts: Part) -> str:
    """SHA-256 of the parts one after another, 64 hexadecimal digits; parts of any length need their length beside."""
    return sha256_of(parts).hex()


def sha256_of(parts: Iterable[Part]) -> bytes:
    """The same as 32 bytes, of parts that need not be in memory together."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(_buffer(part))
    return digest.digest()


def _buffer(part: Part) -> bytes | memoryview:
    if isinstance(part, str):
        return part.encode("utf-8", "surrogatepass")
    if isinstance(part, bytes):
        return part
    return np.ascontiguousarray(part, part.dtype.newbyteorder("<")).data
