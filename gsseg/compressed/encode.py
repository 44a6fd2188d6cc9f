"""A finished segmentation becomes a `CompressedScene`."""

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray

from gsseg.compressed.scene import CompressedScene
from gsseg.files.digest import sha256
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.render_config import GSPLAT_RENDER, RenderConfig
from gsseg.segmentation import Pieces, Segmentation

LEVELS, CODEBOOK_SIZE = 1, 256
"""Of the residual codes; docs/quantizers.md holds the table that they were chosen from."""


def compress(
    segmentation: Segmentation,
    splats: str,
    means: Float32[ndarray, "gaussians 3"],
    *,
    levels: int = LEVELS,
    codebook_size: int = CODEBOOK_SIZE,
    seed: int = 0,
    language: BinaryCodes | None = None,
    language_objects: Int32[ndarray, " vectors"] | None = None,
    language_model: str = "",
    render: RenderConfig = GSPLAT_RENDER,
) -> CompressedScene:
    """Objects, codes and discrete features are kept to the last bit, learnt features to their residual codes.

    ``splats`` and ``means`` tell which file the rows belong to. Codebooks are trained on the residuals of the learnt
    features (`ResidualKMeans`); a Gaussian whose learnt feature is zero, because no mask shows it, is given its
    discrete one. Scenes with fewer learnt features than codes get smaller codebooks, scenes with none no levels.
    ValueError where two Gaussians agree in object and codes and differ in their discrete feature.
    """
    from gsseg.quantize.residual.quantizer import ResidualKMeans  # reading a compressed scene needs no compiled code

    labels, label_objects, label_codes, label_features = _tables(segmentation)
    seen = np.any(segmentation.learnt != 0, axis=1)
    residuals = np.where(seen[:, None], segmentation.learnt - segmentation.discrete, np.float32(0.0))
    codes = np.zeros((0, len(labels)), np.int64)
    codebooks = np.zeros((0, 1, residuals.shape[1]), np.float32)
    if levels and seen.any():
        quantizer = ResidualKMeans(levels, min(codebook_size, int(seen.sum())), seed=seed).fit(residuals[seen])
        codes = np.asarray(quantizer.encode(residuals))
        codebooks = np.stack(quantizer.codebooks)
    return CompressedScene(
        splats=splats,
        splats_sha256=splats_digest(means),
        labels=labels,
        label_objects=label_objects,
        label_codes=label_codes,
        label_features=label_features,
        residual_codes=codes,
        residual_codebooks=codebooks,
        objects=segmentation.objects,
        language=language,
        language_objects=language_objects,
        language_model=language_model,
        render=render,
    )


def splats_digest(means: Float32[ndarray, "gaussians 3"]) -> str:
    """SHA-256 of the positions: tells one splat file, and one order of its rows, from another."""
    return sha256(means)


def _tables(segmentation: Segmentation) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """Piece of each Gaussian, and what each piece's object, codes and feature are."""
    pieces, features = Pieces.of(segmentation), segmentation.discrete
    first = pieces.first
    if not np.array_equal(features[first][pieces.of_gaussian].view(np.uint32), features.view(np.uint32)):
        raise ValueError("two Gaussians of one object and code differ in their discrete feature")
    codes = np.stack([segmentation.code_coarse[first], segmentation.code_fine[first]], 1).astype(np.int32)
    objects = segmentation.object_ids[first].astype(np.int32)
    return pieces.of_gaussian, objects, codes, np.ascontiguousarray(features[first])
