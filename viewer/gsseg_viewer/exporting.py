"""What leaves the viewer as a file: splats, and the command that writes the same again.

Functions of the document, a state and a selection; the panels hand their bytes to the browser.
"""

import tempfile
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8
from numpy import ndarray

from gsseg.files.shell import command_line
from gsseg.io.ply import write_splats
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
    return np.flatnonzero(_wanted(state, selection, what)[document.pieces_of(state)])


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

    ``gsseg export`` opens RUN folders and knows whole objects by their ids, and what is deleted on disk: there is no
    command for a part of an object, nor while edits that moved Gaussians are not saved, nor one without the Gaussians
    that belong to no object.
    """
    run, saved = document.run, document.saved
    if not run.source.opened.is_dir() or not np.array_equal(state.owner, saved.owner):
        return None
    words, wanted = ["gsseg", "export", "-m", str(run.path.resolve()), "--out", "OUT"], _wanted(state, selection, what)
    if what == "the selection":
        ids = selection.objects(state)
        # Of objects that are named even those are written of which all is deleted.
        written = np.isin(state.owner, ids) & (~saved.deleted | np.isin(state.owner, list(saved.deleted_objects)))
        words += ["--objects", *map(str, ids), *(["--together"] if len(ids) > 1 else [])]
    else:
        dropped = sorted(set(state.objects) - set(state.owner[wanted].tolist()) - saved.deleted_objects)
        written = ~saved.deleted & ~np.isin(state.owner, dropped)
        words += ["--drop", *map(str, dropped)] if dropped else []
    return command_line(words) if wanted.any() and np.array_equal(written, wanted) else None


def _wanted(state: State, selection: PieceSelection, what: What) -> Bool[ndarray, " pieces"]:
    chosen = selection.mask(len(state.owner))
    wanted = {"the selection": chosen, "all but the selection": ~chosen, "everything shown": np.ones_like(chosen)}[what]
    return wanted & ~state.gone


def over(
    colors: Float[ndarray, "height width 4"], background: tuple[int, int, int]
) -> UInt8[ndarray, "height width 3"]:
    """A rendered picture, red, green, blue and silhouette in [0, 1], laid over a background."""
    mixed = colors[..., :3] + (1.0 - colors[..., 3:]) * (np.array(background) / 255.0)
    return np.round(np.clip(mixed, 0.0, 1.0) * 255.0).astype(np.uint8)
