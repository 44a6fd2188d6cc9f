"""Splats as a file in the hands of the person: what is exported, and what the file is called."""

import unicodedata

from gsseg_viewer.edits import EditError
from gsseg_viewer.exporting import LARGEST, What, ply_bytes, ply_size, rows_of
from gsseg_viewer.panels.elements import size
from gsseg_viewer.session import Session
from gsseg_viewer.text import plural

NAMES: dict[What, str] = {"the selection": "selection", "all but the selection": "rest", "everything shown": "scene"}

NAME_BYTES = 100
"""Of a file's name without its ending: far below what any file system takes."""

_DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))}
"""Names that Windows keeps for itself."""


def download_ply(session: Session, what: What) -> None:
    """Sends a PLY to the person's browser; `EditError` where there is nothing, or too much."""
    rows = rows_of(session.document, session.document.state, session.selection, what)
    if not len(rows):
        raise EditError("there is nothing to export: select something first")
    bytes_ = ply_size(session.document, len(rows))
    if bytes_ > LARGEST:
        raise EditError(f"{size(bytes_)} are too much for a browser: save, and use the command gsseg export")
    with session.working(f"Writing {plural(len(rows), 'Gaussian')}"):
        content = ply_bytes(session.document, rows)
        session.client.send_file_download(_name(session, what), content, save_immediately=True)


def _name(session: Session, what: What) -> str:
    """Name of the PLY: of the object, where it is one."""
    state = session.document.state
    ids = session.selection.objects(state)
    if what == "the selection" and len(ids) == 1:
        return f"{file_name(state.objects[ids[0]].name, f'object_{ids[0]:03d}')}.ply"
    return f"{NAMES[what]}.ply"


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
