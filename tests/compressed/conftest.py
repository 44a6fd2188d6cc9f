"""A small segmentation, its compressed scene, and that scene's file."""

from pathlib import Path

import numpy as np
import pytest

from gsseg.compressed import CompressedScene, compress, write_scene
from gsseg.compressed.language import encode_language
from gsseg.segmentation import NO_CODE, ObjectInfo, Segmentation


def make_segmentation(gaussians: int = 3000, seed: int = 0) -> Segmentation:
    """Four objects of three codes each, and Gaussians of none; learnt features scatter about the discrete ones."""
    rng = np.random.default_rng(seed)
    fine = rng.integers(0, 12, gaussians).astype(np.int32)
    ids = (fine // 3).astype(np.int32)
    ids[rng.random(gaussians) < 0.05] = -1
    bare = rng.random(gaussians) < 0.1
    ids[bare], fine[bare] = -1, NO_CODE
    coarse = np.where(bare, NO_CODE, fine // 2).astype(np.int32)
    book = rng.normal(size=(12, 6)).astype(np.float32)
    discrete = np.where(bare[:, None], np.float32(0), book[np.where(bare, 0, fine)])
    learnt = np.where(bare[:, None], np.float32(0), discrete + 0.1 * rng.normal(size=(gaussians, 6)).astype(np.float32))
    corners = [0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [1.5, 2.0, 3.0]
    table = [ObjectInfo(k, f"<b>object</b> {k} \u2603", 9, [3 * k], *corners, [k, 2, 3], 4, 0.5) for k in range(4)]
    return Segmentation(
        object_ids=ids, code_coarse=coarse, code_fine=fine, discrete=discrete, learnt=learnt, objects=table
    )


MEANS = np.random.default_rng(9).normal(size=(3000, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def segmentation() -> Segmentation:
    return make_segmentation()


@pytest.fixture(scope="module")
def made(segmentation) -> CompressedScene:
    language = encode_language(np.random.default_rng(1).normal(size=(4, 96)).astype(np.float32))
    return compress(segmentation, "splats.ply", MEANS, levels=2, codebook_size=16, language=language)


@pytest.fixture
def file(made, tmp_path) -> Path:
    write_scene(tmp_path / "scene.gsseg", made)
    return tmp_path / "scene.gsseg"
