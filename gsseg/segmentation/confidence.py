"""How sure a segmentation is: of every Gaussian, every object and every border; and the file that says so.

All are calibrated probabilities (`gsseg.objects.confidence`): of borders called 80 % sure about 80 % are right.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from jaxtyping import Float32, Int32
from numpy import ndarray

from gsseg.files.digest import sha256
from gsseg.files.json_file import parse_json

FORMAT, VERSION = "gsseg confidence", 1


@dataclass(frozen=True)
class Border:
    """Two objects that touch, and what speaks for their being two."""

    first: int
    """The smaller id."""
    second: int
    """The larger id."""
    two: float
    """Probability that they are two things and not one."""
    together: float
    """Evidence against two: weight of the views that put both into one mask; about a number of views."""
    apart: float
    """Evidence for two: weight of the views that put them into two masks."""
    dropped: float
    """Evidence for two: weight of the views that mask one and leave the other unmasked."""

    @property
    def doubt(self) -> float:
        """How unsure it is, 0 to 1: 1 where two and one are as likely."""
        return 1.0 - abs(2.0 * self.two - 1.0)


@dataclass(frozen=True, eq=False)
class Confidence:
    """How sure a segmentation is, by the ids of its objects."""

    gaussians: Float32[ndarray, " gaussians"]
    """Probability that a Gaussian is of the thing that most of its object is; 0 for a Gaussian of no object."""
    objects: list[float]
    """Probability that an object is one thing and most of it: that its IoU with an instance is at least 1/2."""
    borders: list[Border]
    """Pairs of touching objects, the most doubtful first: what a person should look at."""


def most_doubtful_first(borders: Sequence[Border]) -> list[Border]:
    """The order of `Confidence.borders`; pairs of equal doubt by their ids."""
    return sorted(borders, key=lambda border: (-border.doubt, border.first, border.second))


def confidence_json(confidence: Confidence, object_ids: Int32[ndarray, " gaussians"]) -> str:
    """The text of confidence.json, without the Gaussians; it says of which objects it speaks: edits renumber them."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "object_ids_sha256": sha256(object_ids),
        "objects": [round(value, 4) for value in confidence.objects],
        "borders": [{name: round(value, 4) for name, value in asdict(border).items()} for border in confidence.borders],
    }
    return json.dumps(content, indent=1)


def confidence_from_json(
    text: str, object_ids: Int32[ndarray, " gaussians"], gaussians: Float32[ndarray, " gaussians"]
) -> Confidence | None:
    """What `confidence_json` wrote, with the Gaussians' column; None where it is of other objects, as after an edit.

    ValueError, saying what is wrong, for anything else.
    """
    content = parse_json(text)
    try:
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise ValueError(f"it is {content['format']} {content['version']}, not {FORMAT} {VERSION}")
        if content["object_ids_sha256"] != sha256(object_ids):
            return None
        objects, borders = content["objects"], content["borders"]
    except KeyError as error:
        raise ValueError(f"it lacks {error}") from error
    except TypeError as error:
        raise ValueError("it is no table of confidences") from error
    count = int(object_ids.max(initial=-1)) + 1
    if not isinstance(objects, list) or len(objects) != count or not all(_is_number(each, 1.0) for each in objects):
        raise ValueError(f"its objects are no {count} probabilities")
    if not isinstance(borders, list):
        raise ValueError("its borders are no list")
    checked = [_checked(index, row, count) for index, row in enumerate(borders)]
    return Confidence(gaussians, [float(each) for each in objects], most_doubtful_first(checked))


def _checked(index: int, row: Any, count: int) -> Border:
    names = {each.name for each in fields(Border)}
    if not isinstance(row, dict) or row.keys() != names:
        raise ValueError(f"border {index} has not the fields {', '.join(sorted(names))}")
    ids = row["first"], row["second"]
    if not all(type(each) is int for each in ids) or not 0 <= ids[0] < ids[1] < count:
        raise ValueError(f"border {index} is between {ids[0]!r} and {ids[1]!r}")
    for name in ("two", "together", "apart", "dropped"):
        if not _is_number(row[name], 1.0 if name == "two" else math.inf):
            raise ValueError(f"border {index} has {name} {row[name]!r}")
    return Border(*ids, *(float(row[name]) for name in ("two", "together", "apart", "dropped")))


def _is_number(value: object, most: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and 0.0 <= value <= most
