"""Colours solved at the end of training: where geometry rests, a picture is linear in them, picture = W colours.

Conjugate gradients on the normal equations (W'W + I) x = W'r find what is to be added to the colours that do not
change with direction, for the residuals r of a sample of all photos' pixels. The identity, the weight of one pixel,
holds what hardly any pixel shows. A step of descending hears one photo; here all have their say at once.
"""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Int32
from numpy import ndarray

from gsseg.render import blend_weights
from gsseg.scene import Camera, Gaussians
from gsseg.scene.sh import seen_colors
from gsseg.splats.exposure import Exposures
from gsseg.splats.photos import PhotoCache

PIXELS = 400_000
"""Of all photos together: W of them takes some 300 MB, and each product a fraction of a second."""
ROUNDS = 10


def solved_colors(
    gaussians: Gaussians, photos: PhotoCache, exposures: Exposures, seed: int
) -> Float32[ndarray, "gaussians 3"]:
    """What to add to each Gaussian's RGB. The same bits on any number of threads."""
    rng = np.random.default_rng([seed, 4])
    share = max(1, PIXELS // len(photos.views))
    weights, residuals = [], []
    for index in range(len(photos.views)):
        photo = photos.read(index, 1)
        camera = photo.camera
        shown = np.arange(camera.width * camera.height)
        if photo.seen is not None:
            shown = np.flatnonzero(photo.seen[:, : camera.width] > 0)
        pixels = np.sort(rng.permutation(shown)[:share])
        matrix = _weights(gaussians, camera, pixels)
        colors = seen_colors(gaussians, camera.position).numpy()
        gain, offset = exposures.at(index, 1.0)
        wanted = photo.pixels[:, :, : camera.width].reshape(3, -1)[:, pixels].T
        weights.append(matrix)
        residuals.append(((wanted - offset) / gain - matrix @ colors).astype(np.float32))
    return _descended(sp.csr_array(sp.vstack(weights, format="csr")), np.concatenate(residuals))


def _weights(gaussians: Gaussians, camera: Camera, pixels: Int32[ndarray, " pixels"] | ndarray) -> sp.csr_array:
    found = blend_weights(gaussians, camera, pixels)
    arrays = (found.values.numpy(), found.indices.numpy(), found.indptr.numpy())
    return sp.csr_array(arrays, shape=(found.rows, len(gaussians)))


def _descended(weights: sp.csr_array, residuals: Float32[ndarray, "pixels 3"]) -> Float32[ndarray, "gaussians 3"]:
    """`ROUNDS` of conjugate gradients from nothing, the three channels side by side."""
    left = weights.T @ residuals
    found = np.zeros_like(left)
    towards, size = left.copy(), (left**2).sum(0)
    for _ in range(ROUNDS):
        moved = weights.T @ (weights @ towards) + towards
        pace = size / np.maximum((towards * moved).sum(0), 1e-30)
        found += pace * towards
        left -= pace * moved
        before, size = size, (left**2).sum(0)
        towards = left + size / np.maximum(before, 1e-30) * towards
    return found
