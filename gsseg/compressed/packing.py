"""Small whole numbers in as many bits as they need: 12-bit codes in 12 bits, not in 16 or 32.

Item i holds the bits i * width .. (i + 1) * width - 1 of a stream; bit j of the stream is bit j % 8 of byte j // 8,
least significant first. The stream is of bytes, so it reads alike on every machine.
"""

import numpy as np
from jaxtyping import Int64, Integer, UInt8
from numpy import ndarray

WIDEST = 32
"""Bits: no code and no object id of gsseg needs more."""

_BLOCK = 1 << 16
"""Items unpacked at a time: a multiple of 8, so that every block begins at a byte; bounds the memory of single bits."""


def bits_for(count: int) -> int:
    """Bits that tell ``count`` values (0 .. count - 1) apart: ceil(log2(count)), and 1 for a single value, so that the
    length of a stream always bounds the number of its items."""
    return max(1, int(count) - 1).bit_length()


def packed_size(items: int, width: int) -> int:
    """Bytes of a stream of ``items`` numbers of ``width`` bits."""
    return (items * width + 7) // 8


def pack(values: Integer[ndarray, " items"], width: int) -> UInt8[ndarray, " bytes"]:
    """The stream of ``values``; ValueError unless each lies in 0 .. 2^width - 1."""
    _check_width(width)
    if len(values) and not 0 <= int(values.min()) <= int(values.max()) < 1 << width:
        raise ValueError(f"values {values.min()}..{values.max()} do not fit {width} bits")
    places = np.arange(width, dtype=np.uint32)
    blocks = [
        np.packbits((values[start : start + _BLOCK, None].astype(np.uint32) >> places) & 1, bitorder="little")
        for start in range(0, len(values), _BLOCK)
    ]
    return np.concatenate([np.empty(0, np.uint8), *blocks])


def unpack(stream: UInt8[ndarray, " bytes"], width: int, items: int) -> Int64[ndarray, " items"]:
    """The ``items`` numbers of a stream that `pack` made; ValueError where its length is another."""
    _check_width(width)
    if len(stream) != packed_size(items, width):
        raise ValueError(f"{len(stream)} bytes do not hold {items} numbers of {width} bits")
    values = np.zeros(items, np.int64)
    for start in range(0, items, _BLOCK):
        count = min(_BLOCK, items - start)
        part = stream[start * width // 8 : packed_size(start + count, width)]
        bits = np.unpackbits(part, count=count * width, bitorder="little").reshape(count, width)
        for place in range(width):
            values[start : start + count] |= bits[:, place].astype(np.int64) << place
    return values


def _check_width(width: int) -> None:
    if not 1 <= width <= WIDEST:
        raise ValueError(f"{width} bits: a number has 1 to {WIDEST}")
