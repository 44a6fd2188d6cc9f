"""Files in the hands of the person: splats, a picture, a web page; what is in them, and what they are called."""

import unicodedata
from typing import Any

from gsseg_viewer.colors import alphas, colors
from gsseg_viewer.edits import EditError
from gsseg_viewer.exporting import LARGEST, Kind, What, ending, rows_of, splats_bytes, splats_size
from gsseg_viewer.page import DARK, LIGHT
from gsseg_viewer.panels.elements import plain, size
from gsseg_viewer.picture import picture_bytes
from gsseg_viewer.pointing import Sight
from gsseg_viewer.selection import PieceSelection
from gsseg_viewer.session import Session
from gsseg_viewer.splats import SplatNodes
from gsseg_viewer.text import plural
from gsseg_viewer.webpage import Eye, listed, page_bytes

NAMES: dict[What, str] = {"the selection": "selection", "all but the selection": "rest", "everything shown": "scene"}

NAME_BYTES = 100
"""Of a file's name without its ending: far below what any file system takes."""

_DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))}
"""Names that Windows keeps for itself."""


def download_splats(session: Session, what: What, kind: Kind = "PLY") -> None:
    """Sends a file of splats to the person's browser; `EditError` where there is nothing, or too much."""
    document, state = session.document, session.document.state
    rows = rows_of(document, state, session.selection, what)
    if not len(rows):
        raise EditError("there is nothing to export: select something first")
    bytes_ = splats_size(document, len(rows), kind)
    if bytes_ > LARGEST:
        raise EditError(f"{size(bytes_)} are too much for a browser: save, and use the command gsseg export")
    with session.working(f"Writing {plural(len(rows), 'Gaussian')}"):
        up = session.surroundings.up if session.views else None  # else it is a guess, which no file should hold
        content = splats_bytes(document, state, rows, kind, up)
        session.client.send_file_download(f"{_name(session, what)}.{ending(kind)}", content, save_immediately=True)


def download_picture(session: Session) -> None:
    """Sends what is on the screen as PNG, with nothing lit; `EditError` where the browser's window has no size."""
    camera = session.client.camera
    pixels = camera.image_width, camera.image_height
    if min(pixels) < 1:
        raise EditError("the browser's window has no size: there is no picture of it")
    with session.working(f"Drawing a picture of {pixels[0]} by {pixels[1]} pixels"):
        state = session.document.state
        painted = colors(session.document, state, session.coloring, PieceSelection())
        background = DARK if session.dark else LIGHT
        content = picture_bytes(session.document, state, painted, Sight.of(camera), pixels, background)
        session.client.send_file_download("view.png", content, save_immediately=True)


def download_page(session: Session) -> None:
    """Sends one HTML file that shows the scene as it is coloured now."""
    camera = session.client.camera
    with session.working("Writing the web page"):
        document, state = session.document, session.document.state
        painted = colors(document, state, session.coloring, PieceSelection())
        eye = Eye(_three(camera.position), _three(camera.look_at), _three(camera.up_direction), camera.fov)
        content = page_bytes(
            SplatNodes.of(document), painted, alphas(document, state), eye,
            title=plain(document.run.path.resolve().name), objects=listed(document, state), dark=session.dark,
        )  # fmt: skip
        session.client.send_file_download("scene.html", content, save_immediately=True)


def _three(values: Any) -> tuple[float, float, float]:
    x, y, z = (float(each) for each in values)
    return x, y, z


def _name(session: Session, what: What) -> str:
    """Name of the file: of the object, where it is one."""
    state = session.document.state
    ids = session.selection.objects(state)
    if what == "the selection" and len(ids) == 1:
        return file_name(state.objects[ids[0]].name, f"object_{ids[0]:03d}")
    return NAMES[what]


def file_name(name: str, otherwise: str) -> str:
    """A name that people gave as one that every file system takes: letters and digits of any script, others as ``_``.

    ``otherwise``: where nothing of it can be kept. No dot is, so that nothing in it looks like an ending.
    """
    plain = unicodedata.normalize("NFC", name)
    kept = "".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in plain).split()
    safe = "_".join(kept).encode()[:NAME_BYTES].decode(errors="ignore").strip("_")
    if not any(each.isalnum() for each in safe) or safe.casefold() in _DEVICES:
        return otherwise
    return safe
