"""Splats as a file in the hands of the person: what is exported, and what the file is called."""

import unicodedata

from gsseg_viewer.edits import EditError
from gsseg_viewer.exporting import LARGEST, Kind, What, ending, rows_of, splats_bytes, splats_size
from gsseg_viewer.panels.elements import size
from gsseg_viewer.session import Session
from gsseg_viewer.text import plural

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
