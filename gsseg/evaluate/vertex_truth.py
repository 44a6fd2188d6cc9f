"""The truth of a scanned mesh: class and instance of every vertex, one Gaussian each.

gaussian_semantic.npy   (vertices,) NYU40 ids, 0 = unlabelled
gaussian_instance.npy   (vertices,) instances, -1 = none
names.json              instance -> what its annotator called it
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from gsseg.errors import InputError
from gsseg.evaluate.ground_truth import read_instances, read_names
from gsseg.evaluate.nyu40 import NYU40
from gsseg.io.npy import read_npy

SEMANTIC, INSTANCE, NAMES = "gaussian_semantic.npy", "gaussian_instance.npy", "names.json"


@dataclass(frozen=True, eq=False)
class VertexTruth:
    """What a scan's annotators said of its vertices."""

    path: Path
    """The folder."""
    classes: Int32[ndarray, " vertices"] | None
    """NYU40 id, 0 = unlabelled; None: unknown."""
    instances: Int32[ndarray, " vertices"] | None
    """Instance, -1 = none; None: unknown."""
    names: dict[int, str] = field(default_factory=dict)
    """Names of instances."""


def read_vertex_truth(path: Path, vertices: int) -> VertexTruth:
    """Reads the truth of so many vertices; `InputError` where the folder holds neither file, or a damaged one."""
    if not path.is_dir():
        raise InputError(path, "no such folder", f"give a folder with {SEMANTIC} or {INSTANCE}")
    classes = read_classes(path / SEMANTIC, vertices) if (path / SEMANTIC).exists() else None
    instances = read_instances(path / INSTANCE, vertices) if (path / INSTANCE).exists() else None
    if classes is None and instances is None:
        problem = f"holds no truth of vertices ({SEMANTIC} or {INSTANCE})"
        raise InputError(path, problem, "make it: gsseg prepare scannet RAW OUT")
    return VertexTruth(path, classes, instances, read_names(path / NAMES))


def read_classes(file: Path, vertices: int) -> Int32[ndarray, " vertices"]:
    """NYU40 ids from a file; `InputError` where it is no such list, of another length, or holds another number."""
    values = read_npy(file)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise InputError(file, "is not a list of integers", "save one NYU40 id for each vertex")
    if len(values) != vertices:
        problem = f"holds {len(values)} rows, the prediction {vertices}"
        raise InputError(file, problem, "predict an id for every vertex of that mesh, in its order")
    if values.size and not (int(values.min()) >= 0 and int(values.max()) <= max(NYU40)):
        raise InputError(file, f"holds the class {values.max()}", "number classes as NYU40 does, 0 = unlabelled")
    return values.astype(np.int32)
