"""scene.gsseg at scene size: how small it is, and how long it takes to make and to read."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from gsseg.bench.results import Part, Ratio
from gsseg.bench.timing import Progress, interleaved, no_progress
from gsseg.compressed import compress, read_scene, write_scene
from gsseg.segmentation import NO_CODE, ObjectInfo, Segmentation

GAUSSIANS, QUICK_GAUSSIANS = 1_000_000, 100_000
REPEATS = 3
OBJECTS, CODES_PER_OBJECT, DIM = 64, 40, 6
SCATTER = 0.12
"""Spread of learnt features about their code's, as the rooms of `gsseg.sample` have it."""

FLOATS = 4 * DIM
"""Bytes of a learnt feature as floats."""


def measure_compressed(quick: bool = False, progress: Progress = no_progress) -> Part:
    """Compresses, writes and reads a million (``quick``: 100 thousand) Gaussians of 2,560 codes.

    The ratio is of bytes. Quality: bytes a Gaussian of the file and of its parts, and the mean squared error of learnt
    features, part of their mean square.
    """
    count = QUICK_GAUSSIANS if quick else GAUSSIANS
    segmentation, means = made_up(count)
    scene = compress(segmentation, "splats.ply", means)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scene.gsseg"
        write_scene(path, scene)
        runs: dict[str, Callable[[], object]] = {
            "compress": lambda: compress(segmentation, "splats.ply", means),
            "write": lambda: write_scene(path, scene),
            "read and decode": lambda: read_scene(path).learnt,
        }
        figures = interleaved(runs, REPEATS, "scene.gsseg", progress, once=True)
        size = path.stat().st_size
    error = np.square(scene.learnt - segmentation.learnt).sum() / np.square(segmentation.learnt).sum()
    parts = {f"bytes a Gaussian, {name}": part / count for name, part in scene.sizes().items()}
    whole = 2 * FLOATS + 8  # discrete and learnt features, two codes of two bytes, an object id of four
    return Part(
        "scene.gsseg",
        {"gaussians": count, "codes": OBJECTS * CODES_PER_OBJECT, "objects": OBJECTS},
        tuple(figures.values()),
        (Ratio("bytes: float columns / scene.gsseg", whole * count / size),),
        {"bytes a Gaussian": size / count, **parts, "feature error": float(error)},
    )


def made_up(count: int) -> tuple[Segmentation, np.ndarray]:
    """A segmentation with a tenth of the Gaussians unseen, and positions."""
    rng = np.random.default_rng(0)
    codes = OBJECTS * CODES_PER_OBJECT
    book = rng.standard_normal((codes, DIM), np.float32)
    book /= np.linalg.norm(book, axis=1, keepdims=True)
    fine = rng.integers(0, codes, count).astype(np.int32)
    unseen = rng.random(count) < 0.1
    scatter = np.float32(SCATTER / DIM**0.5) * rng.standard_normal((count, DIM), np.float32)
    discrete = np.where(unseen[:, None], np.float32(0), book[fine])
    learnt = np.where(unseen[:, None], np.float32(0), book[fine] + scatter)
    ids, coarse = fine // CODES_PER_OBJECT, fine // 10
    ids, coarse, fine = np.where(unseen, -1, ids), np.where(unseen, NO_CODE, coarse), np.where(unseen, NO_CODE, fine)
    zeros, one = [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]
    table = [
        ObjectInfo(k, f"object {k}", 1, [k * CODES_PER_OBJECT], zeros, one, zeros, [k, k, k], 9, 0.9)
        for k in range(OBJECTS)
    ]
    segmentation = Segmentation(
        object_ids=ids.astype(np.int32),
        code_coarse=coarse.astype(np.int32),
        code_fine=fine.astype(np.int32),
        discrete=discrete,
        learnt=learnt,
        objects=table,
    )
    return segmentation, rng.standard_normal((count, 3), np.float32)
