"""What leaves the viewer as a file: splats, and the command that writes the same again.

Functions of the document, a state and a selection; the panels hand their bytes to the browser.
"""

import shlex
import tempfile
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int64, UInt8
from numpy import ndarray

from gsseg.io.ply import write_splats
from gsseg.segmentation import NO_OBJECT
from gsseg.segmentation.segmented_ply import original_columns
from gsseg_viewer.document import Document
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.state import State

What = Literal["the selection", "all but the selection", "everything shown"]
"""Which Gaussians; what is hidden or deleted is in none of them."""
WHATS: tuple[What, ...] = get_args(What)

LARGEST = 1 << 30
"""Bytes of the largest PLY that is sent to a browser: it is held in memory, once here and once there."""


def rows_of(document: Document, state: State, selection: PieceSelection, what: What) -> Int64[ndarray, " rows"]:
    """Rows of the splat file that are meant, ascending."""
    chosen = selection.mask(len(state.owner))
    wanted = {"the selection": chosen, "all but the selection": ~chosen, "everything shown": np.ones_like(chosen)}[what]
    shown = ~np.isin(state.owner, list(state.gone))
    return np.flatnonzero((wanted & shown)[document.pieces])


def ply_size(document: Document, rows: int) -> int:
    """Bytes of a PLY of so many rows, without its header."""
    kind = document.run.file.columns.dtype
    return rows * sum(kind[name].itemsize for name in original_columns(document.run.file))


def ply_bytes(document: Document, rows: Int64[ndarray, " rows"]) -> bytes:
    """A PLY of these rows with the columns of the input splats: byte for byte what ``gsseg export`` writes of them."""
    file = document.run.file
    with tempfile.TemporaryDirectory(prefix="gsseg-") as folder:
        path = Path(folder) / "part.ply"
        write_splats(path, file.columns[original_columns(file)][rows], comments=file.comments)
        return path.read_bytes()


def export_command(document: Document, state: State, selection: PieceSelection, what: What) -> str | None:
    """The shell command that writes the same splats without the viewer; None where there is none.

    ``gsseg export`` opens RUN folders and knows whole objects, by their ids on disk, each of which it writes into a
    file of its own: there is no command for a part of an object, nor while edits that moved Gaussians or restored
    objects are not saved, nor one without the Gaussians that belong to no object.
    """
    run = document.run
    if not run.source.opened.is_dir() or not np.array_equal(state.owner, document.saved.owner):
        return None
    words = ["gsseg", "export", "-m", str(run.path.resolve()), "--out", "OUT"]
    ids, dropped = selection.objects(state), set(state.gone)
    if what != "the selection" and (state.rest_hidden or document.saved.deleted - dropped):
        return None
    if what != "everything shown":
        whole = np.isin(state.owner, ids) & (state.owner != NO_OBJECT)
        if not ids or not np.array_equal(selection.mask(len(state.owner)), whole):
            return None
        if what == "the selection":
            return shlex.join([*words, "--objects", *map(str, ids)])
        dropped |= set(ids)
    return shlex.join([*words, "--drop", *map(str, sorted(dropped))] if dropped else words)


def over(
    colors: Float[ndarray, "height width 4"], background: tuple[int, int, int]
) -> UInt8[ndarray, "height width 3"]:
    """A rendered picture, red, green, blue and silhouette in [0, 1], laid over a background."""
    mixed = colors[..., :3] + (1.0 - colors[..., 3:]) * (np.array(background) / 255.0)
    return np.round(np.clip(mixed, 0.0, 1.0) * 255.0).astype(np.uint8)
