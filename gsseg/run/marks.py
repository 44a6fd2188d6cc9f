"""What a person has hidden or deleted in the viewer: marks on objects, kept beside them as viewer.json.

No row of a splat file is ever dropped for it; who shows or exports objects leaves the marked ones out.
"""

import json
from dataclasses import dataclass, field

from jaxtyping import Int32
from numpy import ndarray

from gsseg.files.digest import sha256
from gsseg.files.json_file import parse_json

FORMAT, VERSION = "gsseg viewer", 1


@dataclass(frozen=True)
class Marks:
    """Ids of marked objects."""

    hidden: frozenset[int] = field(default_factory=frozenset)
    """Not drawn at the moment."""
    deleted: frozenset[int] = field(default_factory=frozenset)
    """Left out of everything until they are restored."""
    rest_hidden: bool = False
    """Whether the Gaussians that belong to no object are not drawn."""


def marks_json(marks: Marks, object_ids: Int32[ndarray, " gaussians"]) -> str:
    """The text of viewer.json; it says of which objects it speaks, for training again numbers them anew."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "object_ids_sha256": sha256(object_ids),
        "hidden": sorted(marks.hidden),
        "deleted": sorted(marks.deleted),
        "rest_hidden": marks.rest_hidden,
    }
    return json.dumps(content, indent=1)


def marks_from_json(text: str, object_ids: Int32[ndarray, " gaussians"]) -> Marks:
    """The marks that `marks_json` wrote; none where they are of other objects. ValueError for anything else."""
    content = parse_json(text)
    try:
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise ValueError(f"it is {content['format']} {content['version']}, not {FORMAT} {VERSION}")
        if content["object_ids_sha256"] != sha256(object_ids):
            return Marks()
        rest = content["rest_hidden"]
        if not isinstance(rest, bool):
            raise ValueError(f"rest_hidden is {rest!r}")
        return Marks(_ids(content["hidden"]), _ids(content["deleted"]), rest)
    except KeyError as error:
        raise ValueError(f"it lacks {error}") from error
    except TypeError as error:
        raise ValueError("it is no table of marks") from error


def _ids(values: object) -> frozenset[int]:
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise ValueError(f"{values!r} are no ids of objects")
    return frozenset(values)
