"""The formats of other tools' masks that are imported, one row each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gsseg.errors import InputError
from gsseg.masks.foreign.amg import METADATA, read_amg
from gsseg.masks.foreign.arrays import read_arrays
from gsseg.masks.foreign.coco import read_coco
from gsseg.masks.foreign.cvat import read_cvat
from gsseg.masks.foreign.label_studio import read_label_studio
from gsseg.masks.foreign.stack import ForeignPhoto

ForeignName = Literal["coco", "amg", "label-studio", "cvat", "npz"]
"""As the command line calls them."""


@dataclass(frozen=True)
class ForeignFormat:
    """One format."""

    name: ForeignName
    holds: str
    """What it is, in words."""
    read: Callable[[Path], list[ForeignPhoto]]
    """Its reader, for a file or a folder."""


FOREIGN_FORMATS = (
    ForeignFormat("coco", "a COCO .json with polygons or run lengths", read_coco),
    ForeignFormat("amg", "the output folder of SAM's amg.py", read_amg),
    ForeignFormat("label-studio", "Label Studio's .json export", read_label_studio),
    ForeignFormat("cvat", "CVAT's .xml 'for images'", read_cvat),
    ForeignFormat("npz", "a folder of .npz files, one a photo", read_arrays),
)


def read_foreign(path: Path) -> list[ForeignPhoto]:
    """The masks in a file or folder of another tool, which is told by what it holds; `InputError` where it is none."""
    name = _told(path)
    return next(format.read for format in FOREIGN_FORMATS if format.name == name)(path)


def _told(path: Path) -> ForeignName:
    if not path.exists():
        raise InputError(path, "does not exist", "check the path")
    if path.is_dir():
        return "npz" if any(path.rglob("*.npz")) and not any(path.rglob(METADATA)) else "amg"
    if path.suffix.lower() == ".xml":
        return "cvat"
    if path.suffix.lower() == ".json":
        with path.open("rb") as stream:
            start = stream.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
        return "label-studio" if start.startswith(b"[") else "coco"
    known = "; ".join(format.holds for format in FOREIGN_FORMATS)
    raise InputError(path, "is of no known format", f"known are: {known}")
