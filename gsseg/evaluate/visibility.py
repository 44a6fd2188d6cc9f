"""How much of the training views each Gaussian makes up: what scores in space are weighted by."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.render import blend_weights
from gsseg.scene import Scene


def total_visibility(
    scene: Scene, progress: Callable[[int, int], None] = lambda done, total: None
) -> Float64[ndarray, " gaussians"]:
    """Each Gaussian's summed blending weight over all views, those without masks and the held-out ones included."""
    total = np.zeros(len(scene.gaussians))
    for done, view in enumerate(scene.views):
        total += blend_weights(scene.gaussians, view).visibility.cpu().numpy()
        progress(done + 1, len(scene.views))
    return total
