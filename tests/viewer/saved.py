"""What tests of saving compare: a document before and after a restart, and a folder before and after a failure."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from gsseg_viewer.document import Document
from safetensors import safe_open


def plain(document: Document) -> tuple[Any, ...]:
    """All that a restart must bring back."""
    state = document.state
    objects = {each: replace(info, source=None) for each, info in state.objects.items()}
    return document.object_ids(state).tolist(), objects, state.hidden, state.deleted, state.rest_hidden


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file; of scene.gsseg its checksum, because safetensors orders what it writes as it likes."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): checksum(path) or path.read_bytes() for path in files}


def checksum(path: Path) -> bytes:
    if path.suffix != ".gsseg":
        return b""
    with safe_open(path, framework="np") as file:
        return file.metadata()["sha256"].encode()
