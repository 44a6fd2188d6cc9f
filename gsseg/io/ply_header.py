"""PLY: a text header that names elements and their properties, then their rows as text or binary.

The header is read and judged before any row is, so that a file that promises 10^12 rows, or is a photo, costs
nothing. Format: Turk, *The PLY Polygon File Format*, 1994.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gsseg.errors import InputError
from gsseg.files import check_readable

PLY_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
"""PLY's words for types, old and new, as numpy's without byte order."""

_BYTE_ORDER = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_LONGEST_HEADER = 1 << 20
_MOST_DIGITS = 15
"""Of a count of rows: 10^15 is more than any disk holds, and counts stay quick to read and to multiply."""


@dataclass(frozen=True)
class PlyElement:
    """One element of the header: a table of ``count`` rows."""

    name: str
    count: int
    properties: tuple[tuple[str, str], ...]
    """(name, numpy type without byte order), in the file's order; list properties are in `lists` instead."""
    lists: tuple[str, ...]
    """Names of list properties; a row of an element that has any is of no fixed size."""


@dataclass(frozen=True)
class PlyHeader:
    """What a PLY says about itself."""

    path: Path
    encoding: str
    """``ascii``, ``binary_little_endian`` or ``binary_big_endian``."""
    elements: tuple[PlyElement, ...]
    comments: tuple[str, ...]
    size: int
    """Bytes before the first row."""

    def element(self, name: str) -> PlyElement | None:
        """The element of that name, if the file has one."""
        return next((element for element in self.elements if element.name == name), None)

    def dtype(self, element: PlyElement) -> np.dtype:
        """The numpy type of one row of a fixed-size element, in the file's byte order and without padding."""
        order = _BYTE_ORDER[self.encoding]
        return np.dtype([(name, order + kind) for name, kind in element.properties])


def read_header(path: Path) -> PlyHeader:
    """Reads the header of a PLY file; `InputError` where it is none or contradicts itself."""
    check_readable(path)
    with path.open("rb") as stream:
        if stream.readline(16).strip() != b"ply":
            raise InputError(path, "is not a PLY file (its first line is not 'ply')", "give a PLY of Gaussian splats")
        lines: list[list[str]] = []
        while True:
            raw = stream.readline(_LONGEST_HEADER)
            if not raw.endswith(b"\n") or stream.tell() > _LONGEST_HEADER:
                raise InputError(path, "its PLY header has no end_header line", "copy or download it again")
            words = raw.decode("utf-8", "replace").split()
            if words == ["end_header"]:
                break
            if words:
                lines.append(words)
        size = stream.tell()
    encoding, elements, comments = "", [], []
    for words in lines:
        match words:
            case ["comment", *rest]:
                comments.append(" ".join(rest))
            case ["obj_info", *_]:
                pass
            case ["format", word, _] if word in _BYTE_ORDER:
                encoding = word
            case ["element", name, count] if count.isascii() and count.isdigit() and len(count) <= _MOST_DIGITS:
                elements.append((name, int(count), [], []))
            case ["property", "list", _, _, name] if elements:
                elements[-1][3].append(name)
            case ["property", kind, name] if elements and kind in PLY_TYPES:
                elements[-1][2].append((name, PLY_TYPES[kind]))
            case _:
                raise InputError(
                    path, f"its PLY header has a line that means nothing: {' '.join(words)[:80]!r}", "export it again"
                )
    if not encoding:
        raise InputError(path, "its PLY header has no format line", "export it again")
    if twice := _twice([name for name, *_ in elements]):
        raise InputError(path, f"has two elements named {twice}", "export it again")
    for name, _, properties, lists in elements:
        if twice := _twice([column for column, _ in properties] + lists):
            raise InputError(path, f"its element {name} has two columns named {twice}", "export it again")
    return PlyHeader(
        path,
        encoding,
        tuple(PlyElement(name, count, tuple(columns), tuple(lists)) for name, count, columns, lists in elements),
        tuple(comments),
        size,
    )


def _twice(names: list[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)
