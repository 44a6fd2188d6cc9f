"""Objects as values: who belongs to which, and the table that describes each."""

import json
import math
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from gsseg.files.json_file import parse_json

BOX, THUMBNAIL, EDITED, SURE = "oriented_box", "thumbnail", "edited", "name_confidence"
"""The fields of an object that a table may lack."""

THUMBNAILS = "thumbnails"
"""Folder beside objects.json with pictures of objects, named by their content: a name never means two pictures."""
_THUMBNAIL = re.compile(rf"{THUMBNAILS}/[0-9a-f]{{16}}\.jpg")


@dataclass(frozen=True)
class OrientedBox:
    """A box in the world: x is inside where ``|rotation.T (x - center)| <= extent / 2``."""

    center: list[float]
    """World units."""
    extent: list[float]
    """Length of the edges along the box's own axes, longest first, world units."""
    rotation: list[list[float]]
    """Rows of the matrix whose columns are the box's axes in the world; a rotation (determinant 1)."""


@dataclass(frozen=True)
class ObjectInfo:
    """One row of objects.json."""

    id: int
    """0..n-1, its place in the table; as trained the largest object first. Edits give no id a second time."""
    name: str
    """For people; ``object 3`` until somebody renames it."""
    gaussians: int
    """Number of Gaussians; 0 where edits have given all of them to others: only its id is kept."""
    codes: list[int]
    """Fine codes that make up the object, ascending; as trained, no two objects share one."""
    bbox_min: list[float]
    """Lower corner of the box around the Gaussians' centres, world units."""
    bbox_max: list[float]
    """Upper corner of that box."""
    centroid: list[float]
    """Mean of the Gaussians' centres, world units."""
    color: list[int]
    """Display colour, RGB 0..255."""
    views: int
    """Views in which a mask shows the object."""
    agreement: float
    """How consistently the views' masks hold the object together, 0..1 (see `gsseg.objects.agreement`)."""
    oriented_box: OrientedBox | None = None
    """A box that lies as the object does, without its strays; None in a table of a gsseg that made none."""
    thumbnail: str | None = None
    """``thumbnails/NAME.jpg`` beside objects.json: the object in the photo that shows it best; None: no picture."""
    edited: bool = False
    """Whether Gaussians were given to it or taken from it since ``views`` and ``agreement`` were measured."""
    name_confidence: float | None = None
    """How sure its name is, 0..1, where ``gsseg name`` gave it; None: a person did, or nobody."""


def table_json(objects: list[ObjectInfo], indent: int | None = 1) -> str:
    """The text of objects.json; on one line where ``indent`` is None."""
    return json.dumps([_row(row) for row in objects], indent=indent)


def _row(info: ObjectInfo) -> dict[str, Any]:
    row = asdict(info)
    if not info.edited:
        del row[EDITED]  # so that a table that nobody has edited is the same as ever
    if info.name_confidence is None:
        del row[SURE]
    return row


def table_from_json(text: str) -> list[ObjectInfo]:
    """The table that `table_json` wrote.

    ValueError, saying which row is wrong and how, for anything else: whoever shows or indexes these values may rely on
    their types.
    """
    rows = parse_json(text)
    if not isinstance(rows, list):
        raise ValueError("it is no list of objects")
    return [_checked(index, row) for index, row in enumerate(rows)]


def _checked(index: int, row: Any) -> ObjectInfo:
    optional = {BOX, THUMBNAIL, EDITED, SURE}
    names = [each.name for each in fields(ObjectInfo) if each.name not in optional]
    if not isinstance(row, dict) or sorted(row.keys() - optional) != sorted(names):
        raise ValueError(f"object {index} has not the fields {', '.join(names)}")
    checked: dict[str, Any] = {}
    for name in names:
        kind, length = _KINDS[name]
        values = row[name] if isinstance(row[name], list) else [row[name]]
        sound = isinstance(row[name], list) == (length is not None) and (not length or len(values) == length)
        if not sound or not all(_is(kind, value) for value in values):
            raise ValueError(f"object {index} has {name} {row[name]!r}")
        values = [kind(value) for value in values]
        checked[name] = values[0] if length is None else values
    if checked["id"] != index:
        raise ValueError(f"object {index} has id {checked['id']}")
    thumbnail, edited = row.get(THUMBNAIL), row.get(EDITED, False)
    if thumbnail is not None and not (isinstance(thumbnail, str) and is_thumbnail(thumbnail)):
        raise ValueError(f"object {index} has {THUMBNAIL} {thumbnail!r}")
    if not isinstance(edited, bool):
        raise ValueError(f"object {index} has {EDITED} {edited!r}")
    sure = row.get(SURE)
    if sure is not None and not (_is(float, sure) and 0 <= sure <= 1):
        raise ValueError(f"object {index} has {SURE} {sure!r}")
    box = _checked_box(index, row.get(BOX))
    return ObjectInfo(**checked, oriented_box=box, thumbnail=thumbnail, edited=edited, name_confidence=sure)


def is_thumbnail(name: str) -> bool:
    """Whether this is a name that a thumbnail of ours has, relative to the folder of objects.json."""
    return _THUMBNAIL.fullmatch(name) is not None


def _checked_box(index: int, box: Any) -> OrientedBox | None:
    if box is None:
        return None
    try:
        numbers = [box["center"], box["extent"], *box["rotation"]]
        sound = len(box) == 3 and [len(part) for part in numbers] == [3] * 5
        rows = [[float(value) for value in part if _is(float, value)] for part in numbers]
    except (KeyError, TypeError):
        sound, rows = False, []
    if not sound or [len(part) for part in rows] != [3] * 5:
        raise ValueError(f"object {index} has {BOX} {box!r}")
    return OrientedBox(rows[0], rows[1], rows[2:])


_KINDS = {
    "id": (int, None), "name": (str, None), "gaussians": (int, None), "codes": (int, 0), "bbox_min": (float, 3),
    "bbox_max": (float, 3), "centroid": (float, 3), "color": (int, 3), "views": (int, None), "agreement": (float, None),
}  # fmt: skip
"""Type of each field, and of lists the length; 0: any."""


def _is(kind: type, value: object) -> bool:
    """Whether a value of JSON is of this type; a whole number is a float too, a truth value is no number."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) and math.isfinite(value) if kind is float else isinstance(value, kind)


def display_colors(count: int) -> Float[ndarray, "objects 3"]:
    """Distinct colours in [0, 1]: hues by the golden angle, lightness and chroma in turns; the same for ever."""
    k = np.arange(count)
    hue = (k * 0.61803398875) % 1.0
    saturation = np.array([0.75, 0.55, 0.9])[k % 3]
    value = np.array([0.95, 0.8, 0.65, 0.9])[k % 4]
    channel = (np.array([5.0, 3.0, 1.0])[None] + hue[:, None] * 6.0) % 6.0
    return value[:, None] * (1.0 - saturation[:, None] * np.clip(np.minimum(channel, 4.0 - channel), 0.0, 1.0))
