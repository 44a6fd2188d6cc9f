"""``.npy``: one array of plain numbers, whose header is judged before numpy makes anything of it.

    "\\x93NUMPY" | version u8 u8 | bytes of the header u16 (version 1) or u32 | header | the numbers

The header is a Python dictionary, which numpy evaluates as one; here it has to be spelled as numpy spells it.
Format: numpy.lib.format.
"""

import math
import re
from pathlib import Path

import numpy as np

from gsseg.errors import InputError
from gsseg.files import check_readable, reading

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 1 << 12
_HEADER = re.compile(
    r"\{'descr': '([<>|=][biuf][1248])', 'fortran_order': (True|False), "
    r"'shape': \(((?:\d{1,18}L?, ?)*(?:\d{1,18}L?)?)\),? ?\}\s*",
    re.ASCII,
)


def read_npy(path: Path, mapped: bool = False) -> np.ndarray:
    """The array in a file, in memory or (``mapped``) on disk, read-only, until it is looked at.

    Raises `InputError` where the file is no ``.npy``, is truncated, or holds anything but booleans, integers or floats.
    """
    check_readable(path)
    dtype, shape, fortran, start = _read_header(path)
    count, there = math.prod(shape), path.stat().st_size - start
    absurd = math.prod(max(side, 1) for side in shape) >= 1 << 40  # (0, 10^18, 10^18) has no byte and no place either
    if absurd or count * dtype.itemsize > there:
        problem = f"is truncated: its header promises {dtype} {shape}, {there} bytes are there"
        raise InputError(path, problem, "copy or make it again")
    if count == 0:
        return np.empty(shape, dtype)
    with reading(path):
        if mapped:
            return np.memmap(path, dtype, "r", start, shape, "F" if fortran else "C")
        flat = np.fromfile(path, dtype, count, offset=start)
    if len(flat) < count:  # numpy takes a disk that fails in the middle for the end of the file
        raise InputError(path, f"cannot be read beyond its number {len(flat)} of {count}", "check its disk")
    return flat.reshape(shape, order="F" if fortran else "C")


def _read_header(path: Path) -> tuple[np.dtype, tuple[int, ...], bool, int]:
    with reading(path), path.open("rb") as stream:
        head = stream.read(12 + _LONGEST_HEADER)
    before = 10 if head[6:7] == b"\1" else 12
    size = int.from_bytes(head[8:before], "little")
    found = _HEADER.fullmatch(head[before : before + size].decode("latin-1")) if head.startswith(_MAGIC) else None
    if found is None or not 1 <= head[6] <= 3:
        raise InputError(path, "is no array of numbers that can be read", "save it again with numpy.save")
    kind, fortran, sides = found.groups()
    try:
        dtype = np.dtype(kind)
    except TypeError as error:
        raise InputError(path, f"holds numbers of an unknown type ({kind})", "save it again with numpy.save") from error
    shape = tuple(int(side.strip().rstrip("L")) for side in sides.split(",") if side.strip())
    if len(shape) > 32:
        raise InputError(path, f"has {len(shape)} axes", "save it again with numpy.save")
    return dtype, shape, fortran == "True", before + size
