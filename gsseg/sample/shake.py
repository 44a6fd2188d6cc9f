"""A photo taken while the hand moved."""

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from scipy.ndimage import map_coordinates


def shaken(
    picture: UInt8[ndarray, "height width 3"], longest: float, rng: np.random.Generator
) -> UInt8[ndarray, "height width 3"]:
    """The mean of the photo along a straight motion of a third to all of ``longest`` pixels, in a random direction."""
    length, angle = longest * rng.uniform(1 / 3, 1), rng.uniform(0, np.pi)
    rows, columns = np.indices(picture.shape[:2]).astype(float)
    steps = np.linspace(-0.5, 0.5, max(2, int(np.ceil(length)) + 1)) * length
    total = np.zeros(picture.shape)
    for step in steps:
        places = [rows + step * np.sin(angle), columns + step * np.cos(angle)]
        for channel in range(3):
            total[..., channel] += map_coordinates(picture[..., channel].astype(float), places, order=1, mode="nearest")
    return (total / len(steps) + 0.5).astype(np.uint8)
