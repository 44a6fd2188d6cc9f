"""What leaves the viewer as a file: splats, and the command that writes the same again.

Functions of the document, a state and a selection; the panels hand their bytes to the browser.
"""

import tempfile
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64, UInt8
from numpy import ndarray

from gsseg.export.other_formats import painted
from gsseg.files.shell import command_line
from gsseg.io.ply import write_splats
from gsseg.io.splat_format import inria_columns, inria_dtype
from gsseg.io.splat_glb import write_splat_glb
from gsseg.segmentation import NO_OBJECT
from gsseg.segmentation.segmented_ply import original_columns
from gsseg_viewer.document import Document
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.state import State

What = Literal["the selection", "all but the selection", "everything shown"]
"""Which Gaussians; what is hidden or deleted is in none of them."""
WHATS: tuple[What, ...] = get_args(What)

Kind = Literal["PLY", "PLY, standard columns", "PLY, coloured by object", "GLB"]
"""A file of splats: with the columns that were trained on, with those alone that every viewer knows, with these in the
colours of the objects, or glTF (KHR_gaussian_splatting) with the ids of the objects."""
KINDS: tuple[Kind, ...] = get_args(Kind)

LARGEST = 1 << 30
"""Bytes of the largest file of splats that is sent to a browser: it is held in memory, once here and once there."""

_GLB_ROW = 12 + 4 + 16 + 12 + 4 + 4
"""Bytes of a Gaussian in a GLB without its spherical harmonics."""


def rows_of(document: Document, state: State, selection: PieceSelection, what: What) -> Int64[ndarray, " rows"]:
    """Rows of the splat file that are meant, ascending."""
    return np.flatnonzero(_wanted(state, selection, what)[document.pieces_of(state)])


def splats_size(document: Document, rows: int, kind: Kind) -> int:
    """Bytes of a file of so many rows, without its header."""
    columns, coefficients = document.run.file.columns.dtype, document.gaussians.sh.shape[1]
    if kind == "PLY":
        return rows * sum(columns[name].itemsize for name in original_columns(document.run.file))
    if kind == "GLB":
        return rows * (_GLB_ROW + 12 * coefficients)
    return rows * inria_dtype(3 * (coefficients - 1) if kind == "PLY, standard columns" else 0).itemsize


def splats_bytes(
    document: Document,
    state: State,
    rows: Int64[ndarray, " rows"],
    kind: Kind,
    up: Float64[ndarray, "3"] | None = None,
) -> bytes:
    """A file of these rows: byte for byte what ``gsseg export``, and its ``--also``, write of them.

    ``up``: unit vector of the world that becomes the y of glTF; None: the axes stay.
    """
    file, ids = document.run.file, document.object_ids(state)[rows]
    with tempfile.TemporaryDirectory(prefix="gsseg-") as folder:
        path = Path(folder) / f"part.{ending(kind)}"
        if kind == "PLY":
            write_splats(path, file.columns[original_columns(file)][rows], comments=file.comments)
            return path.read_bytes()
        part = document.gaussians.subset(torch.from_numpy(rows))
        if kind == "GLB":
            there = [each for each in np.unique(ids).tolist() if each != NO_OBJECT]
            listed = [{"id": k, "name": state.objects[k].name, "color": list(state.objects[k].color)} for k in there]
            write_splat_glb(path, part, ids, listed, up)
        elif kind == "PLY, standard columns":
            write_splats(path, inria_columns(part))
        else:
            colors = {each: info.color for each, info in state.objects.items()}
            write_splats(path, inria_columns(painted(part, ids, colors)))
        return path.read_bytes()


def ending(kind: Kind) -> str:
    """How the name of such a file ends."""
    return "glb" if kind == "GLB" else "ply"


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
