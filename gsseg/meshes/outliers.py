"""Points that lie apart from their neighbours: an object's stray Gaussians."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from gsseg.meshes.open3d_loader import open3d

NEIGHBOURS = 20
"""Nearest points, itself included, to which each point's mean distance is taken."""

STD_RATIO = 2.0
"""A point is an outlier where that distance lies this many standard deviations above the mean of all points."""


def statistical_outliers(
    points: Float[ndarray, "points 3"], neighbours: int = NEIGHBOURS, std_ratio: float = STD_RATIO
) -> Bool[ndarray, " points"]:
    """Which points Open3D's ``remove_statistical_outlier`` takes out; none where there are no more than ``neighbours``.

    The rule of Rusu et al. 2008. Of so few points the mean distance would be to nearly all others, and what is small
    would lose its corners.
    """
    outliers = np.zeros(len(points), bool)
    if len(points) > neighbours:
        o3d = open3d()
        cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(np.asarray(points, np.float64)))
        _, kept = cloud.remove_statistical_outlier(neighbours, std_ratio)
        if len(kept):  # none where all lie in one place: then no distance is less than their mean
            outliers[:] = True
            outliers[np.asarray(kept)] = False
    return outliers
