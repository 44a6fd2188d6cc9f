"""What leaves the viewer as a file: splats, pictures, web pages, and the command that writes the same again.

Functions of the document, a state and a selection; the panels hand their bytes to the browser.
"""

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int64, UInt8
from numpy import ndarray
from PIL import Image
from viser import _messages as messages
from viser.infra._infra import WebsockMessageHandler

from gsseg.files.shell import command_line
from gsseg.io.ply import write_splats
from gsseg.segmentation import NO_OBJECT
from gsseg.segmentation.segmented_ply import original_columns
from gsseg_viewer.document import Document
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.shader import mended_page
from gsseg_viewer.splats import SplatNodes
from gsseg_viewer.state import State

What = Literal["the selection", "all but the selection", "everything shown"]
"""Which Gaussians; what is hidden or deleted is in none of them."""
WHATS: tuple[What, ...] = get_args(What)

LARGEST = 1 << 30
"""Bytes of the largest PLY that is sent to a browser: it is held in memory, once here and once there."""

_BASE = 850_000
"""Bytes of a web page without splats: viser's client."""
_A_SPLAT = 35.0
"""Bytes of a web page for each Gaussian: 32 of viser's buffer, of which zstd saves a fifth, times 4/3 for base64;
33 to 36 in scenes of 65 to 121 thousand Gaussians."""


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
            return command_line([*words, "--objects", *map(str, ids)])
        dropped |= set(ids)
    return command_line([*words, "--drop", *map(str, sorted(dropped))] if dropped else words)


def picture_bytes(pixels: UInt8[ndarray, "height width channels"], background: tuple[int, int, int]) -> bytes:
    """A PNG of what the browser drew, laid over the background where it is transparent."""
    picture = Image.fromarray(pixels)
    if pixels.shape[2] == 4:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, (*background, 255)), picture)
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "PNG")
    return stream.getvalue()


@dataclass(frozen=True)
class Eye:
    """Where a web page is first seen from."""

    position: tuple[float, float, float]
    """World units."""
    look_at: tuple[float, float, float]
    """The point that dragging turns about."""
    up: tuple[float, float, float]
    """Direction."""
    fov: float
    """Vertical field of view, radians."""


def page_size(gaussians: int) -> int:
    """About how many bytes `page_bytes` of so many Gaussians has."""
    return int(_BASE + _A_SPLAT * gaussians)


def page_bytes(
    nodes: SplatNodes, colors: UInt8[ndarray, "gaussians 3"], alphas: UInt8[ndarray, " gaussians"], eye: Eye
) -> bytes:
    """One HTML file that shows the splats in any browser, without a server and without asking the network.

    What is invisible is not in it. viser serialises only what a server has sent to everybody, so the messages of this
    one view are given to its serializer by hand (private names of viser 1.1.1; a test notices when they change).
    """
    rgba = np.concatenate([colors, alphas[:, None]], 1)[nodes.rows].view("<u4")[:, 0]
    serializer = WebsockMessageHandler().get_message_serializer(lambda message: True)
    for message in (
        messages.SetCameraUpDirectionMessage(eye.up, initial=True),
        messages.SetCameraPositionMessage(eye.position, initial=True),
        messages.SetCameraLookAtMessage(eye.look_at, initial=True),
        messages.SetCameraFovMessage(eye.fov, initial=True),
    ):
        serializer._insert_message(message)
    for node, scale in enumerate(nodes.scales):
        part = np.arange(nodes.edges[node], nodes.edges[node + 1])
        part = part[rgba[part] >> 24 > 0]
        if len(part):
            splats = nodes.geometry[part]
            splats[:, 7] = rgba[part]
            props = messages.GaussianSplatsProps(splats, float(scale))
            serializer._insert_message(messages.GaussianSplatsMessage(f"/splats/{node:03d}", props))
    return mended_page(serializer.as_html().encode("utf-8"))


def over(
    colors: Float[ndarray, "height width 4"], background: tuple[int, int, int]
) -> UInt8[ndarray, "height width 3"]:
    """A rendered picture, red, green, blue and silhouette in [0, 1], laid over a background."""
    mixed = colors[..., :3] + (1.0 - colors[..., 3:]) * (np.array(background) / 255.0)
    return np.round(np.clip(mixed, 0.0, 1.0) * 255.0).astype(np.uint8)
