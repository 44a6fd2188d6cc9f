"""Which Gaussians a person sees from where they look: those that no other hides."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from gsseg.render import blend_weights
from gsseg.scene import Camera
from gsseg_viewer import sections
from gsseg_viewer.document import Document
from gsseg_viewer.pointing import Sight
from gsseg_viewer.sections import Section
from gsseg_viewer.state import State

HEIGHT = 320
"""Pixels of the picture that is drawn to find out."""

SEEN = 0.05
"""Share of some pixel's light from which on a Gaussian is seen: what lies behind a surface gets next to none."""


def seen_from(
    sight: Sight, document: Document, state: State, section: Section | None = None
) -> Bool[ndarray, " gaussians"]:
    """Which of the Gaussians that are visible are seen; those outside the screen are not."""
    width = max(1, round(HEIGHT * sight.aspect))
    focal = HEIGHT / (2 * sight.tangents[1])
    pose = np.eye(4)
    pose[:3, :3] = sight.world_from_camera.T
    pose[:3, 3] = -pose[:3, :3] @ sight.position
    painted = document.painted
    visible = sections.drawn(document, state, section).drawable
    drawn = replace(painted, drawable=visible.to(painted.means.device))
    weights = blend_weights(drawn, Camera(width, HEIGHT, focal, focal, width / 2, HEIGHT / 2, pose))
    most = weights.values.new_zeros(len(drawn)).scatter_reduce_(0, weights.indices.long(), weights.values, "amax")
    return (most >= SEEN).cpu().numpy()
