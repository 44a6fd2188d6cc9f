"""What tests of saving start from, and what they compare: documents before and after a restart, and folders."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from gsseg_viewer.document import Document
from gsseg_viewer.edits import delete, hide, merge, rename, split
from gsseg_viewer.state import State
from safetensors import safe_open

from gsseg.compressed import compress, write_scene
from gsseg.compressed.language import encode_language
from gsseg.run import Run
from gsseg.segmentation import Segmentation

EDITS: list[Callable[[State], State]] = [
    lambda state: split(state, state.pieces_of([2])), lambda state: merge(state, state.pieces_of([0, 1])),
    lambda state: rename(state, 3, "Stühle <b>"), lambda state: hide(state, state.pieces_of([3])),
    lambda state: delete(state, state.pieces_of([2])),
]  # fmt: skip
"""Ball 2 becomes two objects, balls 0 and 1 one."""


def edited(path: Path) -> Document:
    """The run at a path with `EDITS` made, not saved."""
    document = Document.open(path)
    for edit in EDITS:
        document.apply("edit", edit)
    return document


def add_compressed(folder: Path, language: bool = False) -> np.ndarray:
    """Writes scene.gsseg with residuals, and returns the learnt features that it holds."""
    run = Run.open(folder)
    discrete = run.features.numpy()
    learnt = discrete + np.random.default_rng(0).normal(0, 0.05, discrete.shape).astype(np.float32)
    learnt[~discrete.any(axis=1)] = 0
    made = Segmentation(
        object_ids=run.object_ids, code_coarse=run.code_coarse, code_fine=run.code_fine, discrete=discrete,
        learnt=learnt, objects=run.objects,
    )  # fmt: skip
    vectors = np.random.default_rng(1).normal(size=(len(run.objects), 64)).astype(np.float32)
    scene = compress(
        made, "segmented.ply", run.gaussians.means.numpy(), codebook_size=8,
        language=encode_language(vectors) if language else None,
    )  # fmt: skip
    write_scene(folder / "scene.gsseg", scene)
    return scene.learnt


def plain(document: Document) -> tuple[Any, ...]:
    """All that a restart must bring back."""
    state = document.state
    objects = {each: replace(info, source=None) for each, info in state.objects.items()}
    marks = [mark[document.pieces].tolist() for mark in (state.hidden, state.aside, state.deleted)]
    return document.object_ids(state).tolist(), objects, marks


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file but a lock that a dead process left; of scene.gsseg its checksum, because safetensors orders
    what it writes as it likes."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): checksum(path) or path.read_bytes() for path in files}


def checksum(path: Path) -> bytes:
    if path.suffix != ".gsseg":
        return b""
    with safe_open(path, framework="np") as file:
        return file.metadata()["sha256"].encode()


def newest(folder: Path) -> Path:
    """The version before the last saving."""
    numbers = [int(each.name) for each in (folder / "earlier").iterdir() if each.name.isdecimal()]
    return folder / "earlier" / (str(max(numbers)) if numbers else "original")
