"""The formats of instance masks that are read, one row each, and how messages and help speak of them.

A new format is a file with a class of `MaskFormat`'s members, and a row here.
"""

from pathlib import Path
from typing import Protocol, runtime_checkable

from jaxtyping import Int32
from numpy import ndarray

from gsseg.io.label_png import LabelPng
from gsseg.io.langsplat import LangSplat, MaskLevel
from gsseg.io.saga import Saga


@runtime_checkable
class MaskFormat(Protocol):
    """One format of instance masks: a file for each photo, in a folder of the scene."""

    @property
    def name(self) -> str:
        """As messages call it."""
        ...

    @property
    def folder(self) -> str:
        """The folder of a scene that holds such files."""
        ...

    @property
    def ending(self) -> str:
        """What follows the photo's stem in the name of a file, in lower case."""
        ...

    @property
    def has_levels(self) -> bool:
        """Whether a file holds masks at several levels of detail; else `read` does not look at the level."""
        ...

    def read(self, path: Path, level: MaskLevel) -> Int32[ndarray, "rows columns"]:
        """Ids of any numbering at the file's own size, 0 = none; `InputError` where the file is damaged."""
        ...


LABEL_PNG, LANGSPLAT = LabelPng("label PNG", "masks"), LangSplat()

MASK_FORMATS: tuple[MaskFormat, ...] = (LABEL_PNG, LANGSPLAT, LabelPng("Gaussian Grouping", "object_mask"), Saga())
"""In the order in which a scene folder is searched."""


def _listed(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]])


SEARCHED_FOLDERS = _listed([format.folder for format in MASK_FORMATS])
"""Where masks are looked for, in words."""

SEARCHED_FILES = _listed([f"{format.folder}/*{format.ending}" for format in MASK_FORMATS])
"""The same with the names of the files."""

SEARCHED_ENDINGS = _listed([f"*{ending}" for ending in dict.fromkeys(format.ending for format in MASK_FORMATS)])
"""What is looked for in a folder of masks."""

HOW_TO_GIVE_MASKS = (
    f"put instance masks into its folder {LABEL_PNG.folder}, one {LABEL_PNG.name} a photo (data/README.md), "
    "or give --masks DIR"
)
"""What to do where there are none."""
