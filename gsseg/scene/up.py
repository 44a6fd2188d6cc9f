"""Which way is up, as far as cameras tell."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from gsseg.scene.views import View

UPRIGHT = math.cos(math.radians(3))
"""Cameras whose common up lies this near to an axis of the world mean that axis."""

_TIE = 2e-3
"""Weight of the mean up: that of two degrees of roll, so that it decides only where cameras hardly turn."""


def up_of_views(views: Sequence[View]) -> Float64[ndarray, "3"]:
    """Which way is up for people who hold cameras level: square to all cameras' horizontal axes.

    The smallest eigenvector of ``mean(x x^T) - w m m^T`` over cameras, x their right, m their mean up, w small.
    Unlike m it does not lean when all cameras look down from one side; where they never turn, the second term decides.
    """
    turns = np.stack([view.camera.T_camera_world[:3, :3] for view in views]).astype(np.float64)
    right, mean_up = turns[:, 0], -turns[:, 1].mean(0)
    moments = right.T @ right / len(views) - _TIE * np.outer(mean_up, mean_up)
    up = np.linalg.eigh(moments)[1][:, 0]
    up = up if up @ mean_up >= 0 else -up
    axis = np.zeros(3)
    axis[np.argmax(np.abs(up))] = np.sign(up[np.argmax(np.abs(up))])
    return axis if up @ axis > UPRIGHT else up
