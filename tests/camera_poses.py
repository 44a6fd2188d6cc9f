"""Where the cameras of made scenes stand."""

import numpy as np


def looking_inwards(angle: float, radius: float, height: float) -> np.ndarray:
    """Camera-to-world, OpenGL axes, of a camera on a circle about the z axis that looks at the origin with z up."""
    position = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
    backward = position / np.linalg.norm(position)
    right = np.cross([0.0, 0.0, 1.0], backward)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3] = np.stack([right, np.cross(backward, right), backward, position], 1)
    return pose
