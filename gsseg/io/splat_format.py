"""What a format of splat files is: how it is told from others, and read into the columns of Inria's trainer."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from gsseg.errors import InputError
from gsseg.io.splat_file import COLOUR, POSITION, ROTATION, SCALE
from gsseg.scene import Gaussians

HEAD_BYTES = 1 << 16
"""How much of a file's beginning a format is told by; the header of a PLY with a thousand columns fits."""

_ROWS_AT_LEAST = 1 << 20


@dataclass(frozen=True, eq=False)
class SplatColumns:
    """The rows of a splat file, in the file's order."""

    columns: np.ndarray
    """(rows,) structured, read-only: columns named as Inria's trainer does, and whatever else the file holds."""
    notes: list[str] = field(default_factory=list)
    """What the user should know of how it was read, one plain sentence each."""
    comments: tuple[str, ...] = ()
    """Comments in the file."""


@runtime_checkable
class SplatFormat(Protocol):
    """One format of splat files; a new one is a file with such a class, and a row in `splat_formats.SPLAT_FORMATS`."""

    @property
    def name(self) -> str:
        """As messages call it."""
        ...

    @property
    def endings(self) -> tuple[str, ...]:
        """How names of such files end, in lower case; they decide where no format knows the file by its beginning."""
        ...

    def begins(self, head: bytes) -> bool:
        """Whether these first `HEAD_BYTES` (or all) of a file can only be of this format; at most one says so."""
        ...

    def read(self, path: Path) -> SplatColumns:
        """The rows of a file; `InputError` where it is damaged, truncated or promises more than it can hold."""
        ...


def inria_dtype(rest: int) -> np.dtype:
    """One row of the columns that every 3DGS viewer knows, with so many ``f_rest`` among them."""
    names = (*POSITION, *COLOUR, *(f"f_rest_{i}" for i in range(rest)), "opacity", *SCALE, *ROTATION)
    return np.dtype([(name, "<f4") for name in names])


def inria_columns(gaussians: Gaussians) -> np.ndarray:
    """The Gaussians as rows of these columns; `f_rest` is channel-major: all of red, then green, then blue."""
    sh = gaussians.sh.numpy()
    rest = sh.shape[1] - 1
    out = np.empty(len(gaussians), inria_dtype(3 * rest))
    tables = (
        (POSITION, gaussians.means), (SCALE, gaussians.log_scales), (ROTATION, gaussians.quats_wxyz),
        (("opacity",), gaussians.opacity_logits[:, None]), (COLOUR, gaussians.sh[:, 0]),
    )  # fmt: skip
    for names, values in tables:
        for column, name in enumerate(names):
            out[name] = values[:, column].numpy()
    for channel in range(3):
        for k in range(rest):
            out[f"f_rest_{channel * rest + k}"] = sh[:, 1 + k, channel]
    return out


def check_count(path: Path, rows: int, size: int) -> None:
    """Raises `InputError` where a compressed file of ``size`` bytes promises more Gaussians than they can tell apart.

    A small file of deflated zeros may promise terabytes. Real ones take several bytes a Gaussian, because positions
    hardly compress; so beyond the first million at least one byte each is asked for, before memory is.
    """
    if rows == 0:
        raise InputError(path, "holds 0 Gaussians", "give a trained scene")
    if rows > max(size, _ROWS_AT_LEAST):
        raise InputError(path, f"promises {rows} Gaussians in {size} bytes", "copy or export it again")
