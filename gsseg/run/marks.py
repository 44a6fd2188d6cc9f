"""What a person has hidden or deleted in the viewer: marks on Gaussians, kept beside them as viewer.json.

No row of a splat file is ever dropped for it; who shows or exports objects leaves the marked ones out. In the file each
mark is the ids of the objects that have it as a whole, -1 for all that belong to none, and the other Gaussians as bits:
bit i is row i, the first row the most significant bit of the first byte, packed with zlib and written as base64.
"""

import base64
import binascii
import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int32
from numpy import ndarray

from gsseg.files.digest import sha256
from gsseg.files.json_file import parse_json
from gsseg.ids import NO_OBJECT

FORMAT, VERSION = "gsseg viewer", 2
_WHOLE_OBJECTS = 1
"""The version that marked objects and no parts of them: lists of ids, and whether what belongs to none is hidden."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Which Gaussians are marked; no Gaussian is both deleted and one of the others."""

    hidden: Bool[ndarray, " gaussians"]
    """Not drawn at the moment."""
    aside: Bool[ndarray, " gaussians"]
    """Not drawn as long as others are isolated."""
    deleted: Bool[ndarray, " gaussians"]
    """Left out of everything until they are restored."""

    @classmethod
    def none(cls, gaussians: int) -> "Marks":
        """Of so many Gaussians none is marked."""
        return cls(*(np.zeros(gaussians, bool) for _ in range(3)))


def marks_json(marks: Marks, object_ids: Int32[ndarray, " gaussians"]) -> str:
    """The text of viewer.json; it says of which objects it speaks, for training again makes others."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "object_ids_sha256": sha256(object_ids),
        "hidden": _written(marks.hidden, object_ids),
        "aside": _written(marks.aside, object_ids),
        "deleted": _written(marks.deleted, object_ids),
    }
    return json.dumps(content, indent=1)


def marks_from_json(text: str, object_ids: Int32[ndarray, " gaussians"]) -> Marks:
    """The marks that `marks_json` wrote, or a gsseg that marked whole objects; none where they are of other objects.

    ValueError for anything else.
    """
    content = parse_json(text)
    try:
        version = content["version"]
        if content["format"] != FORMAT or version not in (VERSION, _WHOLE_OBJECTS):
            raise ValueError(f"it is {content['format']} {version}, not {FORMAT} {VERSION}")
        if content["object_ids_sha256"] != sha256(object_ids):
            return Marks.none(len(object_ids))
        if version == _WHOLE_OBJECTS:
            return _of_whole_objects(content, object_ids)
        hidden, aside, deleted = (_read(content[name], object_ids) for name in ("hidden", "aside", "deleted"))
        return Marks(hidden & ~deleted, aside & ~deleted, deleted)
    except KeyError as error:
        raise ValueError(f"it lacks {error}") from error
    except TypeError as error:
        raise ValueError("it is no table of marks") from error


def whole_objects(rows: Bool[ndarray, " gaussians"], object_ids: Int32[ndarray, " gaussians"]) -> list[int]:
    """Ids of the objects of which every Gaussian is among the rows, ascending, `NO_OBJECT` too."""
    marked = np.bincount(object_ids[rows] - NO_OBJECT, minlength=int(object_ids.max(initial=NO_OBJECT)) + 2)
    whole = np.bincount(object_ids - NO_OBJECT, minlength=len(marked))
    return (np.flatnonzero((marked == whole) & (whole > 0)) + NO_OBJECT).tolist()


def _written(rows: Bool[ndarray, " gaussians"], object_ids: Int32[ndarray, " gaussians"]) -> dict[str, Any]:
    ids = whole_objects(rows, object_ids)
    parts = rows & ~np.isin(object_ids, ids)
    packed = zlib.compress(np.packbits(parts).tobytes(), 6) if parts.any() else b""
    return {"objects": ids, "gaussians": base64.b64encode(packed).decode("ascii")}


def _read(mark: Any, object_ids: Int32[ndarray, " gaussians"]) -> Bool[ndarray, " gaussians"]:
    ids, text = mark["objects"], mark["gaussians"]
    if not isinstance(text, str):
        raise ValueError("a mark's Gaussians are no text")
    rows = np.isin(object_ids, _ids(ids))
    if text:
        rows |= _bits(text, len(rows))
    return rows


def _bits(text: str, count: int) -> Bool[ndarray, " gaussians"]:
    size, reader = (count + 7) // 8, zlib.decompressobj()
    try:
        content = reader.decompress(base64.b64decode(text, validate=True), size + 1)  # no more, whatever it promises
    except (binascii.Error, ValueError, zlib.error) as error:
        raise ValueError(f"a mark's Gaussians cannot be read ({error})") from error
    if len(content) != size or not reader.eof:
        raise ValueError(f"a mark has not one bit for each of {count} Gaussians")
    return np.unpackbits(np.frombuffer(content, np.uint8), count=count).astype(bool)


def _of_whole_objects(content: dict[str, Any], object_ids: Int32[ndarray, " gaussians"]) -> Marks:
    rest = content["rest_hidden"]
    if not isinstance(rest, bool):
        raise ValueError(f"rest_hidden is {rest!r}")
    deleted = np.isin(object_ids, _ids(content["deleted"])) & (object_ids != NO_OBJECT)
    hidden = np.isin(object_ids, _ids(content["hidden"])) & (object_ids != NO_OBJECT)
    hidden |= rest & (object_ids == NO_OBJECT)
    return Marks(hidden & ~deleted, np.zeros(len(object_ids), bool), deleted)


def _ids(values: object) -> list[int]:
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise ValueError(f"{values!r} are no ids of objects")
    return [each for each in values if NO_OBJECT <= each < 1 << 31]
