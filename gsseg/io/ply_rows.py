"""The rows of one element of a PLY: memory-mapped where they are binary, parsed by numpy where they are text."""

import io
from itertools import chain, islice
from pathlib import Path

import numpy as np

from gsseg.errors import InputError
from gsseg.io.ply_header import PlyElement, PlyHeader

MOST_TEXT_NUMBERS = 300_000_000
"""Numbers of text that are parsed, at about 20 million a second; a binary PLY needs no parsing."""


def read_rows(header: PlyHeader, name: str) -> np.ndarray:
    """The rows of an element without lists as a structured array; read-only.

    Raises `InputError` where the file ends before its last row, holds text that is no number, or so much text that
    parsing it takes minutes, and where rows of lists, whose places are known only to who reads them all, lie before.
    """
    path, wanted = header.path, header.element(name)
    assert wanted is not None, "the caller has looked at the header"
    assert not wanted.lists, "the caller has looked at the header"
    before = header.elements[: header.elements.index(wanted)]
    if header.encoding == "ascii":
        return _read_text(header, wanted, sum(element.count for element in before))
    lists = next((element.name for element in before if element.lists), None)
    if lists is not None:
        problem = f"its element {lists}, whose rows hold lists, stands before {name}"
        raise InputError(path, problem, f"export it with {name} first, as all trainers write it")
    offset = header.size + sum(element.count * header.dtype(element).itemsize for element in before)
    dtype = header.dtype(wanted)
    there = max(0, path.stat().st_size - offset) // max(1, dtype.itemsize)
    if there < wanted.count:
        raise _truncated(path, name, wanted.count, there)
    if wanted.count == 0:
        return np.empty(0, dtype)
    return np.memmap(path, dtype, "r", offset, (wanted.count,))


def _read_text(header: PlyHeader, wanted: PlyElement, lines_before: int) -> np.ndarray:
    path, dtype = header.path, header.dtype(wanted)
    numbers, there = wanted.count * len(wanted.properties), path.stat().st_size - header.size
    # A number of text takes two bytes, one with what parts it from the next, and so does the line of another row.
    if 2 * numbers - 1 > there or 2 * lines_before > there:
        raise _truncated(path, wanted.name, wanted.count, None)
    if numbers > MOST_TEXT_NUMBERS:
        problem = f"is text of {numbers} numbers, at most {MOST_TEXT_NUMBERS} are read"
        raise InputError(path, problem, "export it as a binary PLY")
    if numbers == 0:
        return np.empty(wanted.count, dtype)
    with path.open("rb") as stream, io.TextIOWrapper(stream, encoding="latin-1") as text:
        stream.seek(header.size)
        lines = (line for line in islice(text, lines_before, None) if line.strip())
        # numpy warns of blank lines, and of a body without any row, so the first one is looked for.
        first = next(lines, None)
        if first is None:
            raise _truncated(path, wanted.name, wanted.count, 0)
        try:
            rows = np.loadtxt(chain([first], lines), dtype, comments=None, max_rows=wanted.count, ndmin=1)
        except (ValueError, OverflowError, MemoryError) as error:
            raise InputError(path, f"its PLY body cannot be read ({error})", "copy or export it again") from error
    if len(rows) != wanted.count:
        raise _truncated(path, wanted.name, wanted.count, len(rows))
    rows.setflags(write=False)
    return rows


def _truncated(path: Path, name: str, promised: int, there: int | None) -> InputError:
    found = "fewer" if there is None else f"only {there}"
    return InputError(
        path, f"is truncated: its header promises {promised} rows of {name}, {found} are there", "copy it again"
    )
